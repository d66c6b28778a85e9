package config

import (
	"errors"
	"os"
	"strings"
	"testing"
)

// FuzzParse looks that no text makes the parser panic, and that every error
// has its place in the text.
func FuzzParse(f *testing.F) {
	for _, pattern := range []string{"testdata/good/*.yaml", "testdata/bad/*.yaml", "pantau.reference.yaml"} {
		for _, path := range files(f, pattern) {
			data, err := os.ReadFile(path)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
	f.Add([]byte("models: &0 ! 00")) // the parser panics on it
	f.Fuzz(func(t *testing.T, data []byte) {
		cfg, err := Parse("fuzz.yaml", data, checks())
		if (cfg == nil) == (err == nil) {
			t.Fatalf("got config %v and error %v", cfg, err)
		}
		var errs Errors
		if err != nil && (!errors.As(err, &errs) || len(errs) == 0) {
			t.Fatalf("got %T %v, want Errors", err, err)
		}
	})
}

// FuzzErrorsNeverShowPasswords breaks a file around a password.
func FuzzErrorsNeverShowPasswords(f *testing.F) {
	const secret = "Xq7Zk2"
	for _, v := range [][2]string{{"", "\n"}, {"'", "\n"}, {"\"", "\"\n"}, {"@", ": x\n"}, {"|\n      ", "\n"}, {"*", "\n"},
		{"[", "]\n"}, {"{a: ", "\n"}, {"\"\n", "\n  b: c\n"}, {"", "\n\tx: y"}} {
		f.Add(v[0], v[1])
	}
	f.Fuzz(func(t *testing.T, before, after string) {
		if strings.ContainsAny(before, "#\x00") {
			return // a comment: what stands behind it is no password
		}
		if strings.ContainsAny(before, "\r\n") && strings.Contains(before+after, ":") {
			return // a key of its own
		}
		text := "cameras:\n  - id: a b\n    source:\n      rtsp: rtsp://h/a\n      password: " + before + secret + after
		if _, err := Parse("fuzz.yaml", []byte(text), checks()); err != nil && strings.Contains(err.Error(), secret) {
			t.Fatalf("%q:\n%v", text, err)
		}
	})
}
