package onvif

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"net"

	"pantau/onvif/soap"
)

// ErrNoDevice says that nothing at an address speaks ONVIF.
var ErrNoDevice = errors.New("no ONVIF device answers")

// Error is what went wrong with a device, and what to do about it.
type Error struct {
	Op     string // what was tried, as a gerund: "reading profiles"
	Host   string // the device, as the caller named it
	Err    error
	Remedy string // one sentence; empty where trying again is all there is
}

// Error is everything in one line.
func (e *Error) Error() string {
	text := fmt.Sprintf("%s: %s: %v", e.Host, e.Op, e.Err)
	if e.Remedy != "" {
		text += "; " + e.Remedy
	}
	return text
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// explain adds the remedy to what went wrong. nil stays nil.
func explain(op, host string, err error) error {
	if err == nil {
		return nil
	}
	if known := (*Error)(nil); errors.As(err, &known) {
		return err
	}
	e := &Error{Op: op, Host: host, Err: err}
	var (
		certificate *tls.CertificateVerificationError
		name        *net.DNSError
		connection  *net.OpError
		timeout     net.Error
	)
	switch {
	case errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, soap.ErrUnauthorized):
		e.Remedy = "check user and password; many cameras keep ONVIF users apart from those of their web page"
	case errors.As(err, &certificate) && len(certificate.UnverifiedCertificates) > 0:
		sum := sha256.Sum256(certificate.UnverifiedCertificates[0].Raw)
		e.Remedy = "if this is the camera's own certificate, name its SHA-256 " + hex.EncodeToString(sum[:])
	case errors.Is(err, soap.ErrRedirected):
		e.Remedy = "name the address that it sends to, if that is the camera"
	case errors.Is(err, soap.ErrNotSupported):
		e.Remedy = "the firmware does not offer it; look for a newer one"
	case errors.As(err, &name):
		e.Remedy = "check the name of the host"
	case errors.Is(err, soap.ErrNoEnvelope), errors.Is(err, ErrNoDevice):
		e.Remedy = "check the port, and that ONVIF is switched on in the camera's settings"
	case errors.As(err, &connection), errors.As(err, &timeout) && timeout.Timeout():
		e.Remedy = "check the address and the port, and that this machine reaches the camera"
	}
	return e
}

// Pin is a TLS configuration that takes the certificate with that SHA-256 (hex, colons
// allowed) and no other: cameras sign for themselves.
func Pin(fingerprint string) (*tls.Config, error) {
	want, err := hex.DecodeString(withoutColons(fingerprint))
	if err != nil || len(want) != sha256.Size {
		return nil, errors.New("fingerprint: not 64 hexadecimal digits; take the certificate's SHA-256")
	}
	return &tls.Config{
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: true, // VerifyConnection does it
		VerifyConnection: func(s tls.ConnectionState) error {
			if got := sha256.Sum256(s.PeerCertificates[0].Raw); string(got[:]) != string(want) {
				return fmt.Errorf("the certificate's SHA-256 is %x, not the one that was named", got)
			}
			return nil
		},
	}, nil
}

func withoutColons(s string) string {
	b := make([]byte, 0, len(s))
	for i := range len(s) {
		if s[i] != ':' && s[i] != ' ' {
			b = append(b, s[i])
		}
	}
	return string(b)
}
