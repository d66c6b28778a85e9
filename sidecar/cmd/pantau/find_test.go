package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pantau/onvif/onviftest"
	"pantau/sidecar"
	"pantau/sidecar/console"
	"pantau/sidecar/tap/taptest"
)

// told runs a work and gives its lines.
func told(t *testing.T, work console.Work, err error) (string, error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	var lines strings.Builder
	err = work(t.Context(), func(line any) {
		if err := json.NewEncoder(&lines).Encode(line); err != nil {
			t.Error(err)
		}
	})
	return lines.String(), err
}

// TestTheAPIFindsCamerasAndLooksAtThem has a device whose stream is a clip.
func TestTheAPIFindsCamerasAndLooksAtThem(t *testing.T) {
	password := sidecar.NewSecret("p/w?d@#")
	c, err := taptest.New(taptest.Options{Clip: taptest.MakeClip(t, taptest.Spec{}), User: "admin", Password: password})
	if err != nil {
		t.Fatal(err)
	}
	d, err := onviftest.New(onviftest.Options{User: "admin", Password: password.Reveal(), Model: "FC-1", Serial: "7", Quirks: onviftest.Quirks{StreamURI: c.URL()}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 2)
	go func() { ended <- c.Run(ctx) }() // both received below
	go func() { ended <- d.Run(ctx) }()
	defer func() { cancel(); <-ended; <-ended }()

	work, err := discoverWork(console.Search{Hosts: []string{d.Address()}, User: "admin", Password: password, Seconds: 0.1})
	lines, err := told(t, work, err)
	if err != nil || !strings.Contains(lines, `"model":"FC-1"`) || !strings.Contains(lines, c.URL()) || strings.Contains(lines, "p/w?d") {
		t.Errorf("discover: got %v, %s", err, lines)
	}
	work, err = probeWork(console.Question{Address: d.Address(), User: "admin", Password: password, Seconds: 1})
	lines, err = told(t, work, err)
	if err != nil || !strings.Contains(lines, `"device":`) || !strings.Contains(lines, `"stream":{"codec":"h264"`) || strings.Contains(lines, "p/w?d") {
		t.Errorf("probe: got %v, %s", err, lines)
	}
	work, err = probeWork(console.Question{Address: strings.Replace(c.URL(), "//", "//admin:p%2Fw%3Fd%40%23@", 1), Seconds: 1})
	if lines, err = told(t, work, err); err != nil || !strings.Contains(lines, `"stream":`) || strings.Contains(lines, "p/w?d") || strings.Contains(lines, "p%2Fw") {
		t.Errorf("probe of a stream: got %v, %s", err, lines)
	}
	work, err = probeWork(console.Question{Address: d.Address(), User: "admin", Password: sidecar.NewSecret("wrong-one"), Seconds: 1})
	var fault *sidecar.Fault
	if lines, err = told(t, work, err); !errors.As(err, &fault) || fault.Hint == "" || strings.Contains(lines+err.Error(), "wrong-one") {
		t.Errorf("a wrong password: got %v, %s", err, lines)
	}
}

// TestTheAPIRefusesWhatCannotBe looks at requests that are wrong, and at a file that is
// there: the API reads none.
func TestTheAPIRefusesWhatCannotBe(t *testing.T) {
	file := filepath.Join(t.TempDir(), "clip.mp4")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for want, ask := range map[string]func() (console.Work, error){
		"ranges":  func() (console.Work, error) { return discoverWork(console.Search{Ranges: []string{"10.2.0.0/99"}}) },
		"sign_in": func() (console.Work, error) { return discoverWork(console.Search{SignIn: []string{"x"}}) },
		"fingerprint": func() (console.Work, error) {
			return probeWork(console.Question{Address: "10.0.0.5", Fingerprint: "ab"})
		},
		"address": func() (console.Work, error) { return probeWork(console.Question{Address: "ftp://10.0.0.5"}) },
	} {
		_, err := ask()
		var field *sidecar.FieldError
		if !errors.As(err, &field) || field.Field != want || field.Remedy == "" {
			t.Errorf("%s: got %v", want, err)
		}
	}
	work, err := probeWork(console.Question{Address: file, Seconds: 0.1})
	if err == nil {
		_, err = told(t, work, nil)
	}
	if err == nil {
		t.Error("a file of this machine was looked at")
	}
}
