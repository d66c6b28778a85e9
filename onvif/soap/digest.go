package soap

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/icholy/digest"
)

// maxChallenges that a call answers: one without, an old nonce, a new one for each algorithm.
const maxChallenges = 5

// digestState is what a device has last asked for, and how often it was answered.
type digestState struct {
	challenge *digest.Challenge
	count     int             // answers to it
	failed    map[string]bool // algorithms that were refused with a fresh nonce
}

// heard keeps the strongest challenge of an answer that has not been refused yet, and
// says whether there is one.
func (d *digestState) heard(h http.Header) bool {
	var best *digest.Challenge
	for _, value := range h.Values("WWW-Authenticate") {
		if len(value) < len(digest.Prefix) || !strings.EqualFold(value[:len(digest.Prefix)], digest.Prefix) {
			continue
		}
		c, err := digest.ParseChallenge(digest.Prefix + value[len(digest.Prefix):])
		if err != nil || !digest.CanDigest(c) || d.failed[c.Algorithm] {
			continue
		}
		if best == nil || strength(c) > strength(best) {
			best = c
		}
	}
	if best == nil {
		return false
	}
	d.challenge, d.count = best, 0
	return true
}

// strength orders algorithms: SHA before MD5.
func strength(c *digest.Challenge) int {
	if strings.HasPrefix(strings.ToUpper(c.Algorithm), "SHA") {
		return 1
	}
	return 0
}

// digested calls with HTTP digest. The first call goes without, to be asked.
func (c *Client) digested(ctx context.Context, r Request) (*Envelope, error) {
	d := &c.digest
	d.failed = map[string]bool{}
	authorize := func(u *url.URL) (string, error) {
		if d.challenge == nil {
			return "", nil
		}
		d.count++
		credentials, err := digest.Digest(d.challenge, digest.Options{
			Method: http.MethodPost, URI: u.RequestURI(), Count: d.count,
			Username: c.options.Credentials.User, Password: c.options.Credentials.Password.text,
			GetBody: func() (io.ReadCloser, error) {
				return io.NopCloser(bytes.NewReader(write(r.Header, r.Body))), nil
			},
		})
		if err != nil {
			return "", err
		}
		return credentials.String(), nil
	}
	var refused error
	for range maxChallenges {
		answer, header, err := c.post(ctx, r, authorize)
		if !errors.Is(err, ErrUnauthorized) {
			return answer, err
		}
		if asked := d.challenge; asked != nil && d.count <= 1 {
			d.failed[asked.Algorithm] = true // fresh nonce, and refused
		}
		d.challenge = nil
		if !d.heard(header) {
			return nil, err
		}
		refused = err
	}
	return nil, refused
}

// Authorization answers the strongest digest challenge of a refused request, of HTTP or
// of RTSP. It is empty where nothing was asked that can be answered.
func Authorization(refused http.Header, method, uri string, c Credentials) string {
	var d digestState
	if !d.heard(refused) {
		return ""
	}
	credentials, err := digest.Digest(d.challenge, digest.Options{
		Method: method, URI: uri, Count: 1, Username: c.User, Password: c.Password.text,
	})
	if err != nil {
		return "" // auth-int alone, which needs a body
	}
	return credentials.String()
}
