package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"time"

	"pantau/onvif"
	"pantau/sidecar"
	"pantau/sidecar/tap"
)

// probeCmd is `pantau probe`.
type probeCmd struct {
	URL         string        `arg:"" help:"ONVIF camera (HOST, HOST:PORT or http:// address), rtsp:// or rtsps:// address, or an MP4 file."`
	User        string        `help:"User name of the camera."`
	PasswordEnv string        `help:"Environment variable that holds the password, so that it stands in no history." placeholder:"NAME"`
	Transport   string        `help:"tcp or udp." enum:"tcp,udp" default:"tcp"`
	Fingerprint string        `help:"SHA-256 of the certificate of an rtsps:// or https:// camera that signs for itself." placeholder:"HEX"`
	Height      int           `help:"Lines that the picture must have, to choose the profile of an ONVIF camera." default:"360"`
	Profile     string        `help:"Token or name of an ONVIF camera's profile, to take it and no other." placeholder:"NAME"`
	RTSPPort    int           `name:"rtsp-port" help:"RTSP port of an ONVIF camera, where a port forward changes it." placeholder:"PORT"`
	For         time.Duration `help:"How long to look." default:"6s"`
	Rules       string        `help:"What is to be counted, a YAML file as for analyse: the stream is watched, to tell what of the picture is looked at for it, and what that costs." placeholder:"FILE"`
	Watch       time.Duration `help:"How long to watch for that." default:"45s"`
	JSON        bool          `help:"Print the result as JSON."`

	password sidecar.Secret // given otherwise than by the environment
}

// Help is the longer text of --help.
func (probeCmd) Help() string {
	return `Plays the stream for some seconds, as the sidecar would, and tells what it costs and lacks.

Of an ONVIF camera, it first asks for services, clock and profiles, and takes the smallest
profile that suffices.

  CAM_PW=… pantau probe 10.2.4.21 --user admin --password-env CAM_PW
  CAM_PW=… pantau probe rtsp://10.2.4.21/stream1 --user admin --password-env CAM_PW
  pantau probe street.mp4 --rules rules.yaml`
}

// Run carries out the command.
func (c *probeCmd) Run(ctx context.Context) error {
	if namesONVIF(c.URL) {
		return c.device(ctx)
	}
	source, err := c.source()
	if err != nil {
		return err
	}
	return c.stream(ctx, source)
}

// stream plays a stream, and tells of it.
func (c *probeCmd) stream(ctx context.Context, source sidecar.Source) error {
	if !c.JSON {
		fmt.Fprintf(os.Stderr, "looking at %s for %v …\n", c.shown(source), c.For)
	}
	info, err := tap.Probe(ctx, source, c.For)
	if fault := new(sidecar.Fault); err != nil && ctx.Err() == nil && !errors.As(err, &fault) {
		return &sidecar.Fault{Err: err, Hint: "check the address and the port, and that this machine reaches the camera"}
	}
	if err != nil {
		return err
	}
	if c.JSON && c.Rules == "" {
		return json.NewEncoder(os.Stdout).Encode(info)
	}
	if c.JSON {
		return c.lookJSON(ctx, source, info)
	}
	fmt.Printf("codec       %s %d×%d over %s\n", info.Codec, info.Width, info.Height, info.Transport)
	fmt.Printf("rate        %.1f frames/s, %.0f kbit/s\n", info.FPS, info.BitRate/1000)
	if info.GOP > 0 {
		fmt.Printf("key frame   every %.1f s\n", info.GOP)
	} else {
		fmt.Printf("key frame   fewer than two in %.1f s\n", info.Measured.Seconds())
	}
	if info.ClockKnown {
		fmt.Printf("clock       %+.3f s against this machine (%s)\n", info.ClockOffset.Seconds(), info.TimeSource)
	} else {
		fmt.Println("clock       not sent: frames are stamped on arrival")
	}
	fmt.Printf("first frame after %.2f s; %d packets lost, %d not readable\n", info.FirstFrame.Seconds(), info.LostPackets, info.Garbage)
	for _, a := range info.Advice {
		fmt.Println("advice      " + a)
	}
	if c.Rules != "" {
		return c.look(ctx, source)
	}
	return nil
}

func (c *probeCmd) source() (sidecar.Source, error) {
	s := sidecar.Source{User: c.User, Password: c.password, Transport: sidecar.Transport(c.Transport), Fingerprint: c.Fingerprint}
	if s.Password.Empty() {
		var err error
		if s.Password, err = passwordOf(c.PasswordEnv); err != nil {
			return s, err
		}
	}
	if _, err := os.Stat(c.URL); err == nil {
		s.File = c.URL
		return s, nil
	}
	return c.address(s)
}

// address reads an rtsp:// or rtsps:// address into a source.
func (c *probeCmd) address(s sidecar.Source) (sidecar.Source, error) {
	u, err := url.Parse(c.URL)
	if err != nil || u.Host == "" || u.Scheme != "rtsp" && u.Scheme != "rtsps" {
		// The text may hold a password, so it is not repeated.
		return s, &sidecar.FieldError{Field: "URL", Problem: "neither an rtsp:// or rtsps:// address, nor an ONVIF camera's, nor a file", Remedy: "write rtsp://HOST[:PORT]/PATH, or HOST[:PORT] for an ONVIF camera"}
	}
	if u.User != nil {
		if s.User == "" {
			s.User = u.User.Username()
		}
		if password, ok := u.User.Password(); ok && s.Password.Empty() {
			s.Password = sidecar.NewSecret(password)
		}
		u.User = nil
	}
	s.RTSP = u.String()
	return s, nil
}

// passwordOf reads the password from an environment variable; none where none is named.
func passwordOf(variable string) (sidecar.Secret, error) {
	if variable == "" {
		return sidecar.Secret{}, nil
	}
	text, ok := os.LookupEnv(variable)
	if !ok {
		return sidecar.Secret{}, &sidecar.FieldError{Field: "--password-env", Problem: variable + " is not set", Remedy: "export it before the command"}
	}
	return sidecar.NewSecret(text), nil
}

func (c *probeCmd) shown(s sidecar.Source) string {
	if s.File != "" {
		return s.File
	}
	return onvif.Redact(s.RTSP)
}
