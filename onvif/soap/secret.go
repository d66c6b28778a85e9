package soap

import (
	"fmt"
	"io"
	"log/slog"
)

// Secret is a password. It cannot print itself: not by fmt, not in JSON, not in a
// log. The text goes to nobody but the device.
type Secret struct{ text string }

// NewSecret wraps a text.
func NewSecret(text string) Secret { return Secret{text} }

// Reveal gives the text itself, for who must sign in elsewhere with it.
func (s Secret) Reveal() string { return s.text }

// String hides the text.
func (s Secret) String() string {
	if s.text == "" {
		return ""
	}
	return "•••"
}

// GoString hides the text from %#v.
func (s Secret) GoString() string { return "soap.Secret(" + s.String() + ")" }

// Format hides the text from every verb of fmt.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// LogValue hides the text from slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText hides the text from JSON, YAML and whatever else marshals texts.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Credentials are a user and a password.
type Credentials struct {
	User     string
	Password Secret
}

// Empty says whether there are none.
func (c Credentials) Empty() bool { return c.User == "" }
