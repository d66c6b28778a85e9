package sidecar

import (
	"fmt"
	"io"
	"log/slog"
)

// redacted is what stands where a secret would.
const redacted = "•••"

// Secret is a password or a token. It cannot print itself: not by fmt, not in
// JSON or YAML, not in a log. Who needs the text calls Reveal.
type Secret struct{ text string }

// NewSecret wraps a text.
func NewSecret(text string) Secret { return Secret{text} }

// Reveal gives the text itself.
func (s Secret) Reveal() string { return s.text }

// Empty says whether there is no secret at all.
func (s Secret) Empty() bool { return s.text == "" }

// String hides the text.
func (s Secret) String() string {
	if s.text == "" {
		return ""
	}
	return redacted
}

// GoString hides the text from %#v.
func (s Secret) GoString() string { return "sidecar.Secret(" + s.String() + ")" }

// Format hides the text from every verb of fmt.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// LogValue hides the text from slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText hides the text from JSON, YAML and whatever else marshals texts.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText takes the text from JSON or YAML.
func (s *Secret) UnmarshalText(text []byte) error {
	s.text = string(text)
	return nil
}
