package onvif

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"time"

	"pantau/onvif/soap"
)

// maxSources of one device that are looked at; recorders have one for each channel.
const maxSources = 64

// Report is all that is to be known before a device is used.
type Report struct {
	Address string `json:"address"` // of the device service that answered
	Information
	ClockKnown  bool          `json:"clock_known"`
	ClockOffset time.Duration `json:"clock_offset_ns"` // how far the device's clock is ahead of this machine's
	SignIn      soap.Scheme   `json:"sign_in"`         // token, digest; empty: nobody has signed in
	Services    []Service     `json:"services,omitempty"`
	Profiles    []Profile     `json:"profiles,omitempty"`
	Sources     []Choice      `json:"sources,omitempty"` // one for each video source
	Trouble     []string      `json:"trouble,omitempty"` // what the device did not answer, with what to do
}

// Choice is the profile to take of one video source, and where it is played.
type Choice struct {
	Profile  Profile  `json:"profile"`
	Why      string   `json:"why"`
	Stream   Stream   `json:"stream"`
	Works    bool     `json:"works"`            // the RTSP server describes it
	Codecs   []string `json:"codecs,omitempty"` // of the tracks that it describes
	Snapshot string   `json:"snapshot,omitempty"`
}

// Dial connects to the first of a device's addresses that answers.
func (d Device) Dial(ctx context.Context, o Options) (*Client, error) {
	var bases []*url.URL
	for _, a := range d.Addresses {
		if u, err := url.Parse(a); err == nil && u.Host != "" {
			bases = append(bases, u)
		}
	}
	if len(bases) == 0 {
		return nil, &Error{Op: "connecting", Host: d.RTSP, Err: ErrNoDevice, Remedy: "take its stream by its rtsp:// address"}
	}
	return dial(ctx, bases[0].Host, bases, o)
}

// Inspect asks a device everything that Report holds. What it does not answer is
// trouble in the report, not the end of it.
func (c *Client) Inspect(ctx context.Context, need Need) Report {
	r := Report{Address: c.Address(), ClockKnown: c.clock.Known, ClockOffset: c.clock.Offset.Round(time.Millisecond), Services: c.Services()}
	var err error
	if r.Information, err = c.Information(ctx); err != nil {
		r.Trouble = append(r.Trouble, err.Error())
	}
	if !errors.Is(err, soap.ErrUnauthorized) {
		if r.Profiles, err = c.Profiles(ctx); err != nil {
			r.Trouble = append(r.Trouble, err.Error())
		}
		for _, need.Source = range need.sources(r.Profiles) {
			choice, err := c.choose(ctx, r.Profiles, need)
			if err != nil {
				r.Trouble = append(r.Trouble, err.Error())
			}
			r.Sources = append(r.Sources, choice)
		}
	}
	r.SignIn = c.Scheme()
	return r
}

// sources are the tokens of the video sources that are asked for, in the order of the
// profiles: all, where none is named.
func (n Need) sources(profiles []Profile) []string {
	if n.Source != "" || n.Profile != "" {
		return []string{n.Source}
	}
	return Sources(profiles)
}

// Sources are the tokens of all video sources, in the order of the profiles.
func Sources(profiles []Profile) []string {
	var all []string
	for _, p := range profiles {
		if !slices.Contains(all, p.Source) && len(all) < maxSources {
			all = append(all, p.Source)
		}
	}
	return all
}

// choose takes a profile of one source, and looks whether its stream is there.
func (c *Client) choose(ctx context.Context, profiles []Profile, need Need) (Choice, error) {
	p, why, ok := Choose(profiles, need)
	choice := Choice{Profile: p, Why: why}
	if !ok {
		return choice, &Error{Op: "choosing a profile", Host: c.host, Err: errors.New(why), Remedy: "set one of the camera's encoders to H.264"}
	}
	var err error
	if choice.Stream, err = c.Stream(ctx, p); err != nil {
		return choice, err
	}
	choice.Snapshot, _ = c.Snapshot(ctx, p) // many have none, and nothing here needs it
	described, err := c.Describe(ctx, choice.Stream)
	if err != nil {
		return choice, err
	}
	choice.Stream, choice.Works, choice.Codecs = described.Stream, true, described.Codecs
	return choice, nil
}
