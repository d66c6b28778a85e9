package soap

import (
	"crypto/md5"
	"crypto/subtle"
	"errors"
	"strings"

	"github.com/icholy/digest"
)

// Answer is what a client answers to a digest challenge (RFC 7616, 3.4), as a server
// reads it.
type Answer struct {
	User  string
	Realm string
	Nonce string
	URI   string
	Count int // nc, from 1

	algorithm, cnonce, response string
}

// Algorithms of HTTP digest that are verified, the strongest first (RFC 7616, 3.7).
func Algorithms() []string { return []string{"SHA-256", "MD5"} }

// ReadAnswer reads an Authorization header. Answers without qop are refused: whoever
// hears one could send it again.
func ReadAnswer(header string) (*Answer, error) {
	if len(header) > 4096 || len(header) < len(digest.Prefix) || !strings.EqualFold(header[:len(digest.Prefix)], digest.Prefix) {
		return nil, errors.New("no digest credentials")
	}
	c, err := digest.ParseCredentials(digest.Prefix + header[len(digest.Prefix):])
	if err != nil {
		return nil, err
	}
	a := &Answer{User: c.Username, Realm: c.Realm, Nonce: c.Nonce, URI: c.URI, Count: c.Nc,
		algorithm: strings.ToUpper(c.Algorithm), cnonce: c.Cnonce, response: c.Response}
	switch {
	case a.algorithm == "":
		a.algorithm = "MD5"
	case a.algorithm != "MD5" && a.algorithm != "SHA-256":
		return nil, errors.New("no such algorithm was offered")
	case len(a.response) == 2*md5.Size: // some name what was offered first, and know MD5 alone
		a.algorithm = "MD5"
	}
	if c.QOP != "auth" || a.Count < 1 || a.cnonce == "" || c.Userhash {
		return nil, errors.New("want qop=auth, nc and cnonce, and the user name itself")
	}
	return a, nil
}

// Proves says whether the answer was made with a password, for a method of HTTP.
func (a *Answer) Proves(method string, password Secret) bool {
	want, err := digest.Digest(&digest.Challenge{Realm: a.Realm, Nonce: a.Nonce, Algorithm: a.algorithm, QOP: []string{"auth"}},
		digest.Options{Method: method, URI: a.URI, Count: a.Count, Cnonce: a.cnonce, Username: a.User, Password: password.text})
	return err == nil && subtle.ConstantTimeCompare([]byte(want.Response), []byte(strings.ToLower(a.response))) == 1
}
