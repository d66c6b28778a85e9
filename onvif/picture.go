package onvif

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"

	"pantau/onvif/soap"
)

// maxPicture of a device, bytes.
const maxPicture = 16 << 20

// ErrNoPicture says that what lies at a snapshot's address is no JPEG.
var ErrNoPicture = errors.New("no JPEG there")

// Picture gets the JPEG at an address of [Client.Snapshot]. It signs in with HTTP digest
// where that is asked for, and follows no redirect: the address is the dialled host's.
func (c *Client) Picture(ctx context.Context, address string) ([]byte, error) {
	picture, err := c.picture(ctx, address)
	return picture, c.explain("getting a picture", err)
}

func (c *Client) picture(ctx context.Context, address string) ([]byte, error) {
	to, err := url.Parse(address)
	if err != nil || !strings.EqualFold(to.Hostname(), c.base.Hostname()) {
		return nil, fmt.Errorf("%w: not an address of this device", ErrNoPicture)
	}
	ctx, cancel := context.WithTimeout(ctx, c.patience())
	defer cancel()
	transport := &http.Transport{DialContext: (&net.Dialer{}).DialContext, TLSClientConfig: c.options.TLS, MaxResponseHeaderBytes: 64 << 10}
	defer transport.CloseIdleConnections()
	authorization := ""
	for range 2 {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, to.String(), nil)
		if err != nil {
			return nil, err
		}
		if authorization != "" {
			req.Header.Set("Authorization", authorization)
		}
		res, err := transport.RoundTrip(req)
		if err != nil {
			return nil, err
		}
		body, err := io.ReadAll(io.LimitReader(res.Body, maxPicture+1))
		res.Body.Close()
		refused := res.StatusCode == http.StatusUnauthorized
		switch {
		case refused && authorization == "" && !c.options.Credentials.Empty():
			if authorization = soap.Authorization(res.Header, http.MethodGet, to.RequestURI(), c.options.Credentials); authorization != "" {
				continue
			}
			return nil, soap.ErrUnauthorized
		case refused:
			return nil, soap.ErrUnauthorized
		case err != nil:
			return nil, err
		case res.StatusCode != http.StatusOK:
			return nil, fmt.Errorf("%w: HTTP status %d", ErrNoPicture, res.StatusCode)
		case len(body) > maxPicture || !bytes.HasPrefix(body, []byte("\xff\xd8\xff")):
			return nil, ErrNoPicture
		}
		return body, nil
	}
	return nil, soap.ErrUnauthorized
}
