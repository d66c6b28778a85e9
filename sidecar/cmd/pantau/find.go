package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"pantau/onvif"
	"pantau/sidecar"
	"pantau/sidecar/console"
	"pantau/sidecar/tap"
)

// tellEvery is how often the API tells how far a search is.
const tellEvery = time.Second

// ofTheAPI gives a field the name that it has in the API.
func ofTheAPI(err error) error {
	var field *sidecar.FieldError
	if errors.As(err, &field) {
		names := map[string]string{"--range": "ranges", "--sign-in": "sign_in", "--fingerprint": "fingerprint", "URL": "address"}
		return &sidecar.FieldError{Field: cmp.Or(names[field.Field], field.Field), Problem: field.Problem, Remedy: field.Remedy}
	}
	return err
}

// discoverWork looks for cameras as `pantau discover` does, for the API.
func discoverWork(r console.Search) (console.Work, error) {
	c := discoverCmd{Hosts: r.Hosts, Range: r.Ranges, SignIn: r.SignIn, Rate: 100, User: r.User, password: r.Password, For: seconds(r.Seconds), Height: r.Height}
	search, o, err := c.settings()
	if err != nil {
		return nil, ofTheAPI(err)
	}
	return func(ctx context.Context, tell func(any)) error {
		var telling sync.Mutex
		say := func(key string, value any) {
			telling.Lock()
			defer telling.Unlock()
			tell(map[string]any{key: value})
		}
		s := newSurvey(o, onvif.Need{Height: c.Height})
		s.tell = func(f finding) { say("found", f) }
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		ended := make(chan error, 1)
		go func() { // received below
			err := onvif.Discover(ctx, search, func(change onvif.Change) { s.take(ctx, change) })
			s.asking.Wait()
			ended <- err
		}()
		tick := time.NewTicker(tellEvery)
		defer tick.Stop()
		for {
			select {
			case err := <-ended:
				return asFault(errors.Join(err, ctx.Err()))
			case <-tick.C:
				found, asked := s.far()
				say("looking", map[string]int{"found": found, "asked": asked})
			}
		}
	}, nil
}

// probeWork looks at a camera as `pantau probe` does, for the API. Files of this machine
// are none of a caller's business.
func probeWork(r console.Question) (console.Work, error) {
	c := probeCmd{URL: strings.TrimSpace(r.Address), User: r.User, password: r.Password, Transport: string(sidecar.TCP), Fingerprint: r.Fingerprint,
		Height: r.Height, RTSPPort: r.RTSPPort, Profile: r.Profile, For: seconds(r.Seconds)}
	source := sidecar.Source{User: c.User, Password: c.password, Transport: sidecar.TCP, Fingerprint: c.Fingerprint}
	stream := strings.HasPrefix(c.URL, "rtsp://") || strings.HasPrefix(c.URL, "rtsps://")
	var err error
	if stream {
		source, err = c.address(source)
	} else if other := strings.Contains(c.URL, "://") && !strings.HasPrefix(c.URL, "http"); other || onvif.HostOf(c.URL) == "" {
		err = &sidecar.FieldError{Field: "address", Problem: "neither the address of an ONVIF camera nor an rtsp:// or rtsps:// address", Remedy: "write HOST[:PORT], or rtsp://HOST[:PORT]/PATH"}
	}
	if err != nil {
		return nil, ofTheAPI(err)
	}
	o, err := c.options()
	if err != nil {
		return nil, ofTheAPI(err)
	}
	return func(ctx context.Context, tell func(any)) error {
		if !stream {
			camera, err := onvif.Dial(ctx, c.URL, o)
			if err != nil {
				return asFault(err)
			}
			defer camera.Close()
			report := camera.Inspect(ctx, onvif.Need{Height: c.Height, Profile: c.Profile})
			tell(map[string]any{"device": report})
			i := slices.IndexFunc(report.Sources, func(s onvif.Choice) bool { return s.Works })
			if i < 0 {
				return &sidecar.Fault{Err: fmt.Errorf("%s: no stream was found", camera.Address()), Hint: strings.Join(report.Trouble, "; ")}
			}
			source.RTSP = report.Sources[i].Stream.URL
		}
		tell(map[string]any{"looking": map[string]float64{"for_s": c.For.Seconds()}})
		info, err := tap.Probe(ctx, source, c.For)
		if err != nil {
			return err
		}
		tell(map[string]any{"stream": info})
		return nil
	}, nil
}

// seconds is a time of the API, which has bounded it.
func seconds(s float64) time.Duration {
	return time.Duration(cmp.Or(s, 3) * float64(time.Second))
}
