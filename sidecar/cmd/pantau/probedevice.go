package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"pantau/onvif"
	"pantau/onvif/soap"
	"pantau/sidecar"
	"pantau/sidecar/tap"
)

// namesONVIF says whether a text is the address of an ONVIF camera: no file, and no
// stream.
func namesONVIF(text string) bool {
	if _, err := os.Stat(text); err == nil {
		return false
	}
	if strings.HasPrefix(text, "http://") || strings.HasPrefix(text, "https://") {
		return true
	}
	if _, err := netip.ParseAddr(text); err == nil {
		return true
	}
	file := slices.Contains([]string{".mp4", ".mov", ".mkv", ".avi", ".yaml"}, strings.ToLower(filepath.Ext(text)))
	return text != "" && !strings.ContainsAny(text, "/ @") && !file
}

// options are how to talk with the camera.
func (c *probeCmd) options() (onvif.Options, error) {
	password := c.password
	if password.Empty() {
		var err error
		if password, err = passwordOf(c.PasswordEnv); err != nil {
			return onvif.Options{}, err
		}
	}
	o := onvif.Options{RTSPPort: c.RTSPPort, Credentials: soap.Credentials{User: c.User, Password: soap.NewSecret(password.Reveal())}}
	var err error
	o.TLS, err = pinned(c.Fingerprint)
	return o, err
}

// pinned takes a certificate's fingerprint; nil where none is given.
func pinned(fingerprint string) (*tls.Config, error) {
	if fingerprint == "" {
		return nil, nil
	}
	config, err := onvif.Pin(fingerprint)
	if err != nil {
		return nil, &sidecar.FieldError{Field: "--fingerprint", Problem: "not 64 hexadecimal digits", Remedy: "take the certificate's SHA-256"}
	}
	return config, nil
}

// device asks an ONVIF camera for everything, and then looks at its stream.
func (c *probeCmd) device(ctx context.Context) error {
	o, err := c.options()
	if err != nil {
		return err
	}
	camera, err := onvif.Dial(ctx, c.URL, o)
	if err != nil {
		return asFault(err)
	}
	defer camera.Close()
	report := camera.Inspect(ctx, onvif.Need{Height: c.Height, Profile: c.Profile})
	if !c.JSON {
		printReport(report)
	}
	i := slices.IndexFunc(report.Sources, func(s onvif.Choice) bool { return s.Works })
	if i < 0 {
		if c.JSON {
			_ = json.NewEncoder(os.Stdout).Encode(map[string]any{"device": report}) // the fault below says more
		}
		return &sidecar.Fault{Err: fmt.Errorf("%s: no stream was found", camera.Address()), Hint: strings.Join(report.Trouble, "; ")}
	}
	c.URL = report.Sources[i].Stream.URL
	source, err := c.source()
	if err != nil {
		return err
	}
	if !c.JSON {
		return c.stream(ctx, source)
	}
	info, err := tap.Probe(ctx, source, c.For)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(struct {
		Device onvif.Report `json:"device"`
		tap.Info
	}{report, info})
}

// asFault gives what a person must act upon its exit code.
func asFault(err error) error {
	var e *onvif.Error
	if errors.As(err, &e) && e.Remedy != "" {
		return &sidecar.Fault{Err: fmt.Errorf("%s: %s: %w", e.Host, e.Op, e.Err), Hint: e.Remedy}
	}
	return err
}

func printReport(r onvif.Report) {
	if name := deviceName(r); name != "" {
		fmt.Printf("device      %s\n", name)
	}
	fmt.Printf("address     %s\n", r.Address)
	fmt.Printf("its clock   %s\n", clockText(r))
	fmt.Printf("sign-in     %s\n", signInText(r.SignIn))
	for _, s := range r.Services {
		fmt.Printf("service     %s %s\n", strings.TrimPrefix(s.Namespace, "http://www.onvif.org/"), s.Version)
	}
	for _, p := range r.Profiles {
		fmt.Printf("profile     %-12s %s %d×%d, %g frames/s, key frame every %d, %d kbit/s\n", p.Token, p.Codec, p.Width, p.Height, p.Rate, p.GOP, p.BitRate)
	}
	for _, s := range r.Sources {
		fmt.Printf("takes       %s\n", s.Why)
		if s.Stream.URL != "" {
			fmt.Printf("stream      %s\n", onvif.Redact(s.Stream.URL))
		}
		if s.Stream.Advertised != "" {
			fmt.Printf("            the camera says %s\n", s.Stream.Advertised)
		}
		if s.Snapshot != "" {
			fmt.Printf("snapshot    %s\n", onvif.Redact(s.Snapshot))
		}
	}
	for _, t := range r.Trouble {
		fmt.Println("trouble     " + t)
	}
}

// deviceName is maker, model, firmware and serial number, as far as they are known.
func deviceName(r onvif.Report) string {
	name := strings.TrimSpace(r.Manufacturer + " " + r.Model)
	if r.Firmware != "" {
		name += ", firmware " + r.Firmware
	}
	if r.Serial != "" {
		name += ", serial " + r.Serial
	}
	return name
}

// clockText is how far the camera's clock is off. ONVIF tells whole seconds.
func clockText(r onvif.Report) string {
	switch {
	case !r.ClockKnown:
		return "unknown"
	case r.ClockOffset.Abs() < 2*time.Second:
		return "right"
	}
	return fmt.Sprintf("%+.0f s", r.ClockOffset.Seconds())
}

func signInText(s soap.Scheme) string {
	if s == soap.Unknown {
		return "none"
	}
	return string(s)
}
