package camera

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"pantau/onvif"
	"pantau/onvif/soap"
	"pantau/sidecar"
)

// resolveTime is how long a camera may take to tell its stream.
const resolveTime = 20 * time.Second

// Auto is the profile that means: choose one.
const Auto = "auto"

// Found is the stream of an ONVIF camera.
type Found struct {
	Source  sidecar.Source // with its RTSP address, to be played
	Profile onvif.Profile
	Why     string // the profile, and why this one, in one line
}

// Dial connects to the ONVIF camera of a source. Its error is a *sidecar.Fault where
// a person must act.
func Dial(ctx context.Context, s sidecar.Source) (*onvif.Client, error) {
	o := onvif.Options{RTSPPort: s.RTSPPort, Credentials: soap.Credentials{User: s.User, Password: soap.NewSecret(s.Password.Reveal())}}
	if s.Fingerprint != "" {
		var err error
		if o.TLS, err = onvif.Pin(s.Fingerprint); err != nil {
			return nil, err
		}
	}
	c, err := onvif.Dial(ctx, s.ONVIF, o)
	return c, fault(err)
}

// Resolve asks the ONVIF camera of a source for the stream of the profile that the
// source names, or of the smallest with so many lines and frames a second. The RTSP
// source has the same user, password and transport.
func Resolve(ctx context.Context, s sidecar.Source, need onvif.Need) (Found, error) {
	ctx, cancel := context.WithTimeout(ctx, resolveTime)
	defer cancel()
	c, err := Dial(ctx, s)
	if err != nil {
		return Found{}, err
	}
	defer c.Close()
	profiles, err := c.Profiles(ctx)
	if err != nil {
		return Found{}, fault(err)
	}
	f, err := choose(s, profiles, need)
	if err != nil {
		return Found{}, err
	}
	stream, err := c.Stream(ctx, f.Profile)
	if err != nil {
		return Found{}, fault(err)
	}
	// Behind a NAT the port may be another; elsewhere the tap says what it meets there.
	if stream.Advertised != "" {
		if described, err := c.Describe(ctx, stream); err == nil {
			stream = described.Stream
		}
	}
	f.Source.RTSP = stream.URL
	return f, nil
}

// choose picks the profile of a source.
func choose(s sidecar.Source, profiles []onvif.Profile, need onvif.Need) (Found, error) {
	if s.Profile != Auto {
		need.Profile = s.Profile
	}
	if sources := onvif.Sources(profiles); need.Profile == "" && len(sources) > 1 {
		return Found{}, &sidecar.Fault{Err: fmt.Errorf("%s has %d video sources", s.ONVIF, len(sources)),
			Hint: "set profile to that of the one that is meant: " + tokens(profiles)}
	}
	p, why, ok := onvif.Choose(profiles, need)
	if !ok {
		return Found{}, &sidecar.Fault{Err: fmt.Errorf("%s: %s", s.ONVIF, why), Hint: "set profile to another one, or an encoder of the camera to H.264"}
	}
	f := Found{Profile: p, Why: why, Source: s}
	f.Source.ONVIF, f.Source.Profile, f.Source.RTSPPort, f.Source.Events, f.Source.Follow = "", "", 0, nil, nil
	return f, nil
}

// tokens names the first profiles of a camera.
func tokens(profiles []onvif.Profile) string {
	var all []string
	for _, p := range profiles[:min(len(profiles), 16)] {
		all = append(all, fmt.Sprintf("%s (source %s)", p.Token, p.Source))
	}
	return strings.Join(all, ", ")
}

// fault makes a *sidecar.Fault of what does not pass by itself. A camera that does not
// answer is none: it may come back.
func fault(err error) error {
	var e *onvif.Error
	switch {
	case err == nil:
		return nil
	case !errors.As(err, &e):
		return err
	case errors.Is(err, soap.ErrUnauthorized):
		return &sidecar.Fault{Err: fmt.Errorf("%s: %s: %w", e.Host, e.Op, sidecar.ErrUnauthorized), Hint: e.Remedy}
	case errors.Is(err, soap.ErrRedirected), errors.Is(err, soap.ErrNotSupported):
		return &sidecar.Fault{Err: fmt.Errorf("%s: %s: %w", e.Host, e.Op, e.Err), Hint: e.Remedy}
	}
	return err
}

func isFault(err error) bool {
	var f *sidecar.Fault
	return errors.As(err, &f)
}
