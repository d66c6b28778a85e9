package tap

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/bluenviron/gortsplib/v4/pkg/base"
	"github.com/bluenviron/gortsplib/v4/pkg/liberrors"

	"pantau/sidecar"
)

var (
	errFirstFrame = errors.New("no picture came in time")
	errNextFrame  = errors.New("pictures stopped coming")
	errNoStream   = errors.New("camera knows no stream at this address (404)")
)

// lockout is how many times longer than after other faults to wait after a
// password was refused again: many cameras lock an account for 30 min after 5 to 7 tries.
const lockout = 5

// starting is how long a camera may take to have its stream again: one that says before that
// it has none is asked again soon, and afterwards its address is wrong.
const starting = 5 * time.Minute

// diagnose makes a state of what ended a session. Faults are for a person;
// everything else passes.
func (t *Tap) diagnose(err error, pause time.Duration) State {
	err = explain(err, t.options.Source)
	if fault := (*sidecar.Fault)(nil); errors.As(err, &fault) {
		if errors.Is(err, errNoStream) && time.Since(t.Stats().LastFrame) < starting {
			return State{Phase: Retrying, Cause: fault.Err, Hint: fault.Hint, RetryIn: jitter(pause)}
		}
		pause = t.options.Backoff.Faulty
		if errors.Is(err, sidecar.ErrUnauthorized) && t.lastPhase() == Faulty {
			pause *= lockout
		}
		return State{Phase: Faulty, Cause: fault.Err, Hint: fault.Hint, RetryIn: jitter(pause)}
	}
	return State{Phase: Retrying, Cause: err, Hint: hint(err, t.options.Source), RetryIn: jitter(pause)}
}

// explain turns what a person must act upon into a *sidecar.Fault, and takes the
// password out of whatever text it is in.
func explain(err error, source sidecar.Source) error {
	fault := &sidecar.Fault{Err: err}
	var (
		status      liberrors.ErrClientBadStatusCode
		certificate *tls.CertificateVerificationError
		path        *fs.PathError
		given       *sidecar.Fault
	)
	switch {
	case errors.As(err, &given):
		fault = &sidecar.Fault{Err: given.Err, Hint: given.Hint}
	case errors.Is(err, sidecar.ErrNoVideo):
		fault.Hint = "take a file or an address with a video track"
	case errors.As(err, &status):
		explainStatus(status, source, fault)
	case errors.As(err, &certificate):
		explainCertificate(certificate, fault)
	case errors.As(err, new(liberrors.ErrClientAuthSetup)):
		fault.Err, fault.Hint = sidecar.ErrUnauthorized, "the camera wants a kind of authentication that is not known: switch digest on in the camera"
	case errors.As(err, new(liberrors.ErrClientServerRequestedUDP)):
		fault.Hint = "the camera sends over UDP only: set transport to udp"
	case errors.As(err, new(liberrors.ErrClientServerRequestedTCP)):
		fault.Hint = "the camera sends over TCP only: set transport to tcp"
	case errors.As(err, &path), errors.Is(err, errBroken):
		fault.Hint = "take an MP4 file that can be read"
	}
	if fault.Hint == "" {
		return redact(err, source)
	}
	fault.Err = redact(fault.Err, source)
	return fault
}

// explainStatus explains what the camera answered (RFC 2326 clause 11). Without
// a hint it may answer otherwise next time.
func explainStatus(status liberrors.ErrClientBadStatusCode, source sidecar.Source, fault *sidecar.Fault) {
	switch status.Code {
	case base.StatusUnauthorized, base.StatusForbidden:
		fault.Err, fault.Hint = sidecar.ErrUnauthorized, "check user and password; a camera may lock an account after some tries"
		if source.User == "" {
			fault.Hint = "the camera wants a user name and a password: set user and password"
		}
	case base.StatusNotFound:
		fault.Err, fault.Hint = errNoStream, "check the path of the address; the camera's profiles tell it"
	case base.StatusUnsupportedTransport:
		fault.Err, fault.Hint = errors.New("camera refuses the transport (461)"), "set transport to the other one of tcp and udp"
	}
}

// explainCertificate tells the fingerprint, so that a person can compare it.
func explainCertificate(e *tls.CertificateVerificationError, fault *sidecar.Fault) {
	fault.Err = fmt.Errorf("certificate not trusted: %w", e.Err)
	fault.Hint = "have it signed by an authority that this machine knows"
	if len(e.UnverifiedCertificates) > 0 {
		fault.Hint = "if it is the camera's own, set fingerprint to " + fingerprint(e.UnverifiedCertificates[0].Raw)
	}
}

// hint is advice for trouble that may pass by itself; empty where there is none.
func hint(err error, source sidecar.Source) string {
	var (
		dns    *net.DNSError
		status liberrors.ErrClientBadStatusCode
	)
	switch {
	case errors.Is(err, errFirstFrame) && source.Transport == sidecar.UDP:
		return "a firewall may keep UDP out: try transport tcp"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nothing listens at this port: check address and port"
	case errors.As(err, &dns):
		return "the name is not known: check the address"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "there is no way to this address: check network and power of the camera"
	case errors.Is(err, io.EOF):
		return "the camera hung up"
	case errors.As(err, &status) && status.Code == base.StatusServiceUnavailable:
		return "it has no pictures yet, or is busy: look whether the camera itself shows any"
	case errors.As(err, &status):
		return "the camera answers, and refuses: it may have as many readers as it can; try another profile, or take the stream from the VMS"
	}
	return ""
}

// hinted adds the hint, for who does not try again.
func hinted(err error, source sidecar.Source) error {
	text := hint(err, source)
	if fault := (*sidecar.Fault)(nil); text == "" || errors.As(err, &fault) {
		return err
	}
	return &sidecar.Fault{Err: err, Hint: text}
}

// redact gives an error without the password in its text: libraries and cameras
// may have put it there.
func redact(err error, source sidecar.Source) error {
	text := err.Error()
	clean := text
	for _, secret := range secrets(source) {
		clean = strings.ReplaceAll(clean, secret, "•••")
	}
	if clean == text {
		return err
	}
	return errors.New(clean)
}

// secrets are the forms in which the password may appear.
func secrets(source sidecar.Source) []string {
	password := source.Password.Reveal()
	if _, user, err := parseAddress(source); err == nil && user != nil {
		password, _ = user.Password()
	}
	if password == "" {
		return nil
	}
	return []string{password, url.QueryEscape(password), url.PathEscape(password)}
}

// tlsConfig verifies the camera's certificate: by the authorities that this
// machine knows, or by its fingerprint.
func tlsConfig(want string) *tls.Config {
	if want == "" {
		return &tls.Config{}
	}
	return &tls.Config{
		InsecureSkipVerify: true, // the fingerprint says more than a chain
		VerifyConnection: func(state tls.ConnectionState) error {
			got := fingerprint(state.PeerCertificates[0].Raw)
			if got == normalise(want) {
				return nil
			}
			return &sidecar.Fault{
				Err:  fmt.Errorf("certificate has another fingerprint: %s", got),
				Hint: "somebody may stand in between; if the camera's certificate was changed, set fingerprint anew",
			}
		},
	}
}

// fingerprint is the SHA-256 of a certificate in hex.
func fingerprint(der []byte) string {
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:])
}

// normalise takes a fingerprint as tools write it: AB:CD:…
func normalise(fingerprint string) string {
	return strings.ToLower(strings.ReplaceAll(fingerprint, ":", ""))
}
