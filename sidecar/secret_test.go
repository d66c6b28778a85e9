package sidecar

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestASecretCannotPrintItself(t *testing.T) {
	s := NewSecret("hunter2")
	camera := Camera{ID: "a", Source: Source{RTSP: "rtsp://h/p", User: "u", Password: s}}
	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&log, nil))
	logger.Info("text", "secret", s, "camera", camera, "pointer", &camera)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("json", "secret", s, "camera", camera)
	text, err := json.Marshal(map[string]any{"s": s, "p": &s, "c": camera})
	if err != nil {
		t.Fatal(err)
	}
	said := []string{
		log.String(), string(text), s.String(), s.GoString(), errors.New("x " + s.String()).Error(),
		fmt.Sprint(s, &s, camera), fmt.Sprintf("%v %+v %#v %s %q %x %d", s, s, s, s, s, s, s), fmt.Sprintf("%+v %#v", camera, camera),
	}
	for _, out := range said {
		if strings.Contains(out, "hunter2") || strings.Contains(out, fmt.Sprintf("%x", "hunter2")) {
			t.Errorf("the secret is in %q", out)
		}
	}
	if s.Reveal() != "hunter2" || s.Empty() || !(Secret{}).Empty() || (Secret{}).String() != "" {
		t.Error("who asks for the text does not get it")
	}
	var back Secret
	if err := json.Unmarshal([]byte(`"hunter3"`), &back); err != nil || back.Reveal() != "hunter3" {
		t.Errorf("got %q, %v from JSON", back.Reveal(), err)
	}
}

func TestFaultsSayWhatToDo(t *testing.T) {
	f := &Fault{Err: fmt.Errorf("connecting: %w", ErrUnauthorized), Hint: "correct user and password"}
	if got, want := f.Error(), "connecting: user name or password refused: correct user and password"; got != want || !errors.Is(f, ErrUnauthorized) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := (&Fault{Err: ErrCodec}).Error(), "codec not supported"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	e := &FieldError{Field: "line[1]", Problem: "point 1.2, 0.5 lies outside of the picture", Remedy: "use coordinates from 0 to 1"}
	if got, want := e.Error(), "line[1]: point 1.2, 0.5 lies outside of the picture; use coordinates from 0 to 1"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
