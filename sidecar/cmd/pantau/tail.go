package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"pantau/sidecar"
	"pantau/sidecar/publish"
	"pantau/sidecar/publish/ownredis"
)

// tailCmd is `pantau tail`.
type tailCmd struct {
	Stream  string   `arg:"" optional:"" enum:"frames,events,counts,health,audit" default:"events" help:"frames, events, counts, health or audit. Default: events."`
	Camera  []string `help:"Only of these cameras." placeholder:"ID"`
	From    string   `help:"Where to begin: 0 is the oldest entry, $$ is now." default:"$$" placeholder:"ID"`
	Redis   string   `help:"Address of Redis: host:port or the path of a socket. Default: the Redis that Pantau runs itself." placeholder:"ADDRESS"`
	State   string   `help:"State folder of the Pantau whose own Redis is read." placeholder:"DIR"`
	User    string   `help:"User name of Redis."`
	PassEnv string   `name:"password-env" help:"Environment variable that holds the password of Redis." placeholder:"NAME"`
	Prefix  string   `help:"Prefix of the keys." default:"pantau:"`
	JSON    bool     `help:"Print whole entries as JSON lines."`
}

// Help is the longer text of --help.
func (tailCmd) Help() string {
	return `Reads the streams without touching them; every entry has the id by which readers dedupe.

  pantau tail                        events, as they happen
  pantau tail counts --from 0        every minute that Redis still has
  pantau tail frames --camera demo --json | jq .data.objects`
}

// Run carries out the command.
func (c *tailCmd) Run(ctx context.Context) error {
	r := &publish.Redis{Addrs: []string{c.Redis}, User: c.User, Prefix: c.Prefix}
	if c.PassEnv != "" {
		text, ok := os.LookupEnv(c.PassEnv)
		if !ok {
			return &sidecar.FieldError{Field: "--password-env", Problem: c.PassEnv + " is not set", Remedy: "export it before the command"}
		}
		r.Password = sidecar.NewSecret(text)
	}
	if c.Redis == "" {
		dir, err := statePath(c.State)
		if err != nil {
			return err
		}
		if r.Addrs[0], err = ownSocket(dir); err != nil {
			return err
		}
	}
	err := publish.Tail(ctx, publish.TailOptions{Redis: r, Streams: []string{c.Stream}, Cameras: c.Camera, From: c.From}, c.print)
	if away := new(net.OpError); errors.As(err, &away) {
		return &sidecar.Fault{Err: err, Hint: "check the address of Redis, and that it runs"}
	}
	return err
}

// print writes one entry.
func (c *tailCmd) print(e publish.Entry) error {
	if len(c.Camera) > 0 && !c.wanted(e) {
		return nil
	}
	if c.JSON {
		return json.NewEncoder(os.Stdout).Encode(e)
	}
	_, err := fmt.Printf("%s  %-26s %-22s %s\n", e.Time, strings.TrimPrefix(e.Type, "pantau."), e.Subject, summary(e))
	return err
}

func (c *tailCmd) wanted(e publish.Entry) bool {
	camera, _, _ := strings.Cut(e.Subject, "/")
	for _, one := range c.Camera {
		if one == camera {
			return true
		}
	}
	return false
}

// summary says in a few words what an entry holds; for types that it does not
// know, the data themselves.
func summary(e publish.Entry) string {
	var d struct {
		Track, Dir, From, To, Cause, Withdraws string
		Topic, Operation                       string
		Values                                 map[string]string
		Class                                  string `json:"cls"`
		Conf, Stay                             float64
		Objects                                []struct{ Cls string }
		Uptime                                 float64
		Quality                                string
		Rows                                   []sidecar.CountRow
	}
	if err := json.Unmarshal(e.Data, &d); err != nil {
		return string(e.Data)
	}
	kind := strings.TrimSuffix(strings.TrimPrefix(e.Type, "pantau."), ".v1")
	switch {
	case kind == "count.crossing":
		return fmt.Sprintf("%s %s  track %s  %.2f", d.Class, d.Dir, d.Track, d.Conf)
	case kind == "count.turn":
		return fmt.Sprintf("%s %s → %s  track %s  %.2f", d.Class, d.From, d.To, d.Track, d.Conf)
	case strings.HasPrefix(kind, "zone."), kind == "track.ended":
		return fmt.Sprintf("%s  track %s  %.2f", d.Class, d.Track, d.Conf)
	case kind == "correction":
		return "withdraws " + d.Withdraws
	case kind == "camera.state", kind == "health":
		return strings.TrimSpace(d.From + " → " + d.To + "  " + d.Cause)
	case kind == "camera.event":
		return strings.TrimSpace(fmt.Sprintf("%s %v %s", d.Topic, d.Values, strings.ToLower(d.Operation)))
	case kind == "camera.gap":
		return fmt.Sprintf("events of the camera itself may be missing: %s", d.Cause)
	case kind == "frame" || kind == "frames":
		names := map[string]int{}
		for _, o := range d.Objects {
			names[o.Cls]++
		}
		return fmt.Sprint(len(d.Objects), " objects ", names)
	case kind == "counts":
		return fmt.Sprintf("%s–%s  %.0f %% observed, %s%s", clock(d.From), clock(d.To), 100*d.Uptime, d.Quality, rows(d.Rows))
	}
	return string(e.Data)
}

func clock(t string) string {
	if len(t) >= 19 {
		return t[11:19]
	}
	return t
}

func rows(all []sidecar.CountRow) string {
	text := ""
	for _, r := range all {
		if n, ok := number(r); ok {
			text += "; " + strings.Join(strings.Fields(fmt.Sprint(r.Rule, " ", r.Kind, " ", r.Class, " ", way(r), " ", n)), " ")
		}
	}
	return text
}

// ownSocket finds the socket of the Redis that runs in a state folder.
func ownSocket(state string) (string, error) {
	path, err := ownredis.Socket(filepath.Join(state, "redis"))
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(path); err != nil {
		return "", &sidecar.Fault{Err: fmt.Errorf("no Redis runs in %s", state), Hint: "start pantau run or pantau demo, or give --redis host:port"}
	}
	return path, nil
}
