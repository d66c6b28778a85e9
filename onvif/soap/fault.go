package soap

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// Faults that a caller treats differently from others.
var (
	// ErrUnauthorized says that the device wants a user and a password, or refused those that it got.
	ErrUnauthorized = errors.New("user name or password refused")
	// ErrNoEnvelope says that what answers is no SOAP service.
	ErrNoEnvelope = errors.New("no SOAP message")
	// ErrRedirected says that a device sends its caller to another host, or too often.
	ErrRedirected = errors.New("redirect refused")
	// ErrNotSupported says that the device has no such operation.
	ErrNotSupported = errors.New("operation not supported")
)

// Fault is what a device answers instead of a result.
type Fault struct {
	Status int      // of HTTP; 0 if it did not come over HTTP
	Codes  []string // local names, from the general one to the special one: Sender, NotAuthorized
	Reason string
	Detail string
}

func readFault(e *Element) *Fault {
	f := &Fault{Reason: e.Text("Reason", "Text"), Detail: e.Text("Detail", "Text")}
	for code := e.Child("Code"); code != nil && len(f.Codes) < 8; code = code.Child("Subcode") {
		f.Codes = append(f.Codes, localName(code.Text("Value")))
	}
	if f.Reason == "" { // SOAP 1.1
		f.Reason = e.Text("faultstring")
	}
	if code := e.Text("faultcode"); code != "" {
		f.Codes = append(f.Codes, localName(code))
	}
	if f.Detail == "" {
		f.Detail = e.Find("detail").Text()
	}
	return f
}

// localName takes the prefix off a qualified name.
func localName(name string) string {
	return strings.TrimSpace(name[strings.LastIndexByte(name, ':')+1:])
}

// Error is code and reason in one line.
func (f *Fault) Error() string {
	text := fmt.Sprintf("device says %.200q", strings.Join(f.Codes, "/"))
	if f.Reason != "" {
		text += fmt.Sprintf(": %.200s", f.Reason)
	}
	return text
}

// Is makes [ErrUnauthorized] and [ErrNotSupported] of the codes: devices send them
// with HTTP 200, 400, 401 or 500 (Core 5.12.2.1).
func (f *Fault) Is(target error) bool {
	switch target {
	case ErrUnauthorized:
		return f.Status == http.StatusUnauthorized || f.Status == http.StatusForbidden ||
			f.has("NotAuthorized", "FailedAuthentication", "InvalidSecurity", "InvalidSecurityToken", "FailedCheck",
				"SecurityTokenUnavailable", "MessageExpired", "UnsupportedSecurityToken") ||
			f.has("MustUnderstand") || strings.Contains(strings.ToLower(f.Reason), "not authorized")
	case ErrNotSupported:
		return f.has("ActionNotSupported", "OptionalActionNotImplemented", "NotImplemented", "UnknownAction")
	}
	return false
}

func (f *Fault) has(codes ...string) bool {
	for _, have := range f.Codes {
		for _, want := range codes {
			if strings.EqualFold(have, want) {
				return true
			}
		}
	}
	return false
}

// StatusError is an HTTP status without a SOAP message.
type StatusError struct {
	Status int
	Text   string // the beginning of what came instead
}

// Error is the status in one line.
func (e *StatusError) Error() string {
	text := fmt.Sprintf("HTTP status %d %s", e.Status, http.StatusText(e.Status))
	if e.Text != "" {
		text += fmt.Sprintf(": %.120q", e.Text)
	}
	return text
}

// Is makes [ErrUnauthorized] and [ErrNoEnvelope] of the status.
func (e *StatusError) Is(target error) bool {
	unauthorized := e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden
	switch target {
	case ErrUnauthorized:
		return unauthorized
	case ErrNoEnvelope:
		return !unauthorized
	}
	return false
}
