package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"pantau/onvif"
	"pantau/onvif/soap"
	"pantau/sidecar"
)

// cameraCmd is `pantau camera`.
type cameraCmd struct {
	Show cameraShowCmd `cmd:"" help:"Show the encoders of an ONVIF camera, and what they can do."`
	Set  cameraSetCmd  `cmd:"" help:"Change an encoder of an ONVIF camera, or change it back."`
}

// cameraReach says which camera it is, and how to sign in.
type cameraReach struct {
	Host        string `arg:"" help:"ONVIF camera: HOST, HOST:PORT or http:// address."`
	User        string `help:"User name of the camera."`
	PasswordEnv string `help:"Environment variable that holds the password." placeholder:"NAME"`
	Fingerprint string `help:"SHA-256 of the certificate of an https:// camera that signs for itself." placeholder:"HEX"`
}

// dial connects, and reads the profiles.
func (r *cameraReach) dial(ctx context.Context) (*onvif.Client, []onvif.Profile, error) {
	password, err := passwordOf(r.PasswordEnv)
	if err != nil {
		return nil, nil, err
	}
	o := onvif.Options{Credentials: soap.Credentials{User: r.User, Password: soap.NewSecret(password.Reveal())}}
	if o.TLS, err = pinned(r.Fingerprint); err != nil {
		return nil, nil, err
	}
	c, err := onvif.Dial(ctx, r.Host, o)
	if err != nil {
		return nil, nil, asFault(err)
	}
	profiles, err := c.Profiles(ctx)
	if err != nil {
		c.Close()
		return nil, nil, asFault(err)
	}
	return c, profiles, nil
}

// cameraShowCmd is `pantau camera show`.
type cameraShowCmd struct {
	cameraReach
}

// Run carries out the command.
func (c *cameraShowCmd) Run(ctx context.Context) error {
	client, profiles, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	for _, p := range profiles {
		e, err := client.Encoder(ctx, p)
		if err != nil {
			return asFault(err)
		}
		fmt.Printf("profile     %s %q, source %s, encoder %s\n", p.Token, p.Name, p.Source, e.Token)
		fmt.Printf("now         %s\n", e)
		abilities, err := client.Abilities(ctx, p)
		for _, a := range abilities {
			fmt.Printf("it can      %s\n", a)
		}
		if err != nil {
			fmt.Printf("it can      not told: %v\n", err)
		}
	}
	return nil
}

// cameraSetCmd is `pantau camera set`.
type cameraSetCmd struct {
	cameraReach
	Profile string  `help:"Token or name of the profile whose encoder it is; needed where there are several." placeholder:"NAME"`
	Codec   string  `help:"h264 or h265." placeholder:"CODEC" enum:"h264,h265,," default:""`
	Size    string  `help:"Size of the picture." placeholder:"WxH"`
	FPS     float64 `name:"fps" help:"Frames per second." placeholder:"N"`
	GOP     int     `name:"gop" help:"Frames from key frame to key frame." placeholder:"N"`
	BitRate int     `name:"bitrate" help:"Limit of the bit rate, kbit/s." placeholder:"N"`
	Undo    bool    `help:"Change it back to what it was before the first change."`
	Yes     bool    `help:"Do it; otherwise it is only shown."`
	State   string  `help:"Folder in which the old settings are kept. Default: $$XDG_STATE_HOME/pantau." placeholder:"DIR"`
}

// Help is the longer text of --help.
func (cameraSetCmd) Help() string {
	return `Shows what would change, and changes it with --yes. Whoever else uses the stream gets the change
too: the VMS, first of all. What the encoder was before the first change is kept, and --undo brings it back.

  CAM_PW=… pantau camera set 10.2.4.21 --profile sub --fps 10 --gop 20 --user admin --password-env CAM_PW
  CAM_PW=… pantau camera set 10.2.4.21 --profile sub --undo --yes --user admin --password-env CAM_PW`
}

// Run carries out the command.
func (c *cameraSetCmd) Run(ctx context.Context) error {
	want, err := c.settings()
	if err != nil {
		return err
	}
	client, profiles, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	p, err := c.profile(profiles)
	if err != nil {
		return err
	}
	now, err := client.Encoder(ctx, p)
	if err != nil {
		return asFault(err)
	}
	state, err := stateDir(c.State)
	if err != nil {
		return err
	}
	k := keeper(state, client.Address(), now.Token)
	fmt.Printf("profile     %s, encoder %s\n", p.Token, now.Token)
	fmt.Printf("now         %s\n", now)
	if c.Undo {
		return c.undo(ctx, client, p, k)
	}
	abilities, err := client.Abilities(ctx, p)
	if err != nil {
		fmt.Printf("it can      not told: %v\n", err)
	}
	if err := now.Check(want, abilities); err != nil {
		return &sidecar.Fault{Err: fmt.Errorf("%s: %w", c.Host, err), Hint: "see pantau camera show"}
	}
	then := now.With(want)
	fmt.Printf("then        %s\n", then)
	if !c.Yes {
		fmt.Println("nothing has been changed; say it again with --yes. Whoever else uses this stream gets the change too.")
		return nil
	}
	if err := k.keep(p, now); err != nil {
		return err
	}
	got, err := client.SetEncoder(ctx, p, now, want)
	if err != nil {
		return asFault(err)
	}
	c.told(got, then)
	fmt.Printf("kept        %s; --undo brings back what was before\n", k.path)
	return nil
}

// profile is the one that is meant. It is not chosen: a change of an encoder would change
// the choice.
func (c *cameraSetCmd) profile(profiles []onvif.Profile) (onvif.Profile, error) {
	if c.Profile == "" && len(profiles) == 1 {
		return profiles[0], nil
	}
	p, why, ok := onvif.Choose(profiles, onvif.Need{Profile: c.Profile})
	if c.Profile == "" || !ok {
		if ok {
			why = fmt.Sprintf("it has %d profiles", len(profiles))
		}
		return p, &sidecar.Fault{Err: fmt.Errorf("%s: %s", c.Host, why), Hint: "name one with --profile; pantau camera show lists them"}
	}
	return p, nil
}

// told prints what the encoder is now, and whether that is what was wanted.
func (c *cameraSetCmd) told(got, want onvif.Encoder) {
	fmt.Printf("is now      %s\n", got)
	if got.String() != want.String() {
		fmt.Println("that is not quite what was asked for: the camera has made of it what it can")
	}
}

// undo brings back what was kept.
func (c *cameraSetCmd) undo(ctx context.Context, client *onvif.Client, p onvif.Profile, k keep) error {
	old, err := k.read()
	if errors.Is(err, fs.ErrNotExist) {
		return &sidecar.Fault{Err: fmt.Errorf("%s: nothing is kept of encoder %s", c.Host, p.Encoder), Hint: "it was not changed from here, or has been changed back"}
	}
	if err != nil {
		return err
	}
	fmt.Printf("then        %s, as it was at %s\n", old.Encoder, old.Kept.Format(time.DateTime))
	if !c.Yes {
		fmt.Println("nothing has been changed; say it again with --yes")
		return nil
	}
	got, err := client.SetEncoder(ctx, p, old.Encoder, onvif.Settings{})
	if err != nil {
		return asFault(err)
	}
	c.told(got, old.Encoder)
	return os.Remove(k.path)
}

// settings reads what is to change.
func (c *cameraSetCmd) settings() (onvif.Settings, error) {
	s := onvif.Settings{Codec: strings.ToUpper(c.Codec), Rate: c.FPS, GOP: c.GOP, BitRate: c.BitRate}
	if c.Size != "" {
		if n, err := fmt.Sscanf(strings.ToLower(c.Size), "%dx%d", &s.Width, &s.Height); n != 2 || err != nil || s.Width < 1 || s.Height < 1 {
			return s, &sidecar.FieldError{Field: "--size", Problem: fmt.Sprintf("%q is no size", c.Size), Remedy: "write it as 640x360"}
		}
	}
	if s.Rate < 0 || s.GOP < 0 || s.BitRate < 0 {
		return s, &sidecar.FieldError{Problem: "a setting is negative", Remedy: "use numbers above 0"}
	}
	if (s == onvif.Settings{}) != c.Undo {
		return s, &sidecar.FieldError{Problem: "there is nothing to change, or too much", Remedy: "give --codec, --size, --fps, --gop or --bitrate; or --undo alone"}
	}
	return s, nil
}

// keep is the file that keeps what an encoder was before its first change.
type keep struct{ path, camera string }

// kept is what stands in it.
type kept struct {
	Camera  string        `json:"camera"` // address of its device service
	Profile string        `json:"profile"`
	Kept    time.Time     `json:"kept"`
	Encoder onvif.Encoder `json:"encoder"`
}

// keeper names the file of an encoder. The names are the device's, so they are hashed.
func keeper(state, address, token string) keep {
	sum := sha256.Sum256([]byte(address + "\x00" + token))
	return keep{path: filepath.Join(state, "encoders", hex.EncodeToString(sum[:8])+".json"), camera: address}
}

// keep writes what the encoder is, unless an earlier one is kept.
func (k keep) keep(p onvif.Profile, e onvif.Encoder) error {
	if err := os.MkdirAll(filepath.Dir(k.path), 0o700); err != nil {
		return fmt.Errorf("keeping the old settings: %w", err)
	}
	f, err := os.OpenFile(k.path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("keeping the old settings: %w", err)
	}
	err = json.NewEncoder(f).Encode(kept{Camera: k.camera, Profile: p.Token, Kept: time.Now().UTC(), Encoder: e})
	return errors.Join(err, f.Sync(), f.Close())
}

func (k keep) read() (kept, error) {
	var old kept
	text, err := os.ReadFile(k.path)
	if err == nil {
		err = json.Unmarshal(text, &old)
	}
	if err != nil {
		return old, fmt.Errorf("reading the old settings: %w", err)
	}
	return old, nil
}
