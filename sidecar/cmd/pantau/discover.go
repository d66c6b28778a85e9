package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"pantau/onvif"
	"pantau/onvif/soap"
	"pantau/sidecar"
)

// discoverCmd is `pantau discover`.
type discoverCmd struct {
	Hosts       []string      `arg:"" optional:"" help:"Cameras by hand: HOST, HOST:PORT or http:// addresses."`
	Range       []string      `help:"Addresses to look through one by one, such as 10.2.4.0/24." placeholder:"CIDR"`
	Rate        int           `help:"How many addresses of ranges per second." default:"100"`
	Interface   []string      `help:"Network interfaces to ask on; all where none is named." placeholder:"NAME"`
	User        string        `help:"User name of the cameras."`
	PasswordEnv string        `help:"Environment variable that holds the password." placeholder:"NAME"`
	SignIn      []string      `help:"Networks in which cameras that were found may be sent the password; it goes to named hosts and ranges anyway." placeholder:"CIDR"`
	Fingerprint string        `help:"SHA-256 of the certificate of https:// cameras that sign for themselves." placeholder:"HEX"`
	RTSPPort    int           `name:"rtsp-port" help:"RTSP port, where a port forward changes it." placeholder:"PORT"`
	Height      int           `help:"Lines that the picture must have, to choose the profile." default:"360"`
	For         time.Duration `help:"How long to wait for answers." default:"3s"`
	Snapshots   string        `help:"Folder that takes a picture of each video source of each camera." placeholder:"DIR"`
	Watch       bool          `help:"Go on until Ctrl-C, and tell what comes and goes."`
	JSON        bool          `help:"Print a line of JSON for each camera."`

	password sidecar.Secret // given otherwise than by the environment
	trusted  []netip.Prefix // that may be sent the password
}

// Help is the longer text of --help.
func (discoverCmd) Help() string {
	return `Asks by WS-Discovery on every interface, and each camera that answers for its clock, profiles and
stream. Cameras on other subnets are found by --range, those behind a port forward by HOST:PORT.
The password is sent to nobody but named hosts, ranges and --sign-in: whatever answers may lie.

  pantau discover
  CAM_PW=… pantau discover --range 10.2.4.0/24 --user viewer --password-env CAM_PW`
}

// Run carries out the command.
func (c *discoverCmd) Run(ctx context.Context) error {
	search, o, err := c.settings()
	if err != nil {
		return err
	}
	if c.Watch {
		search.For = 0
	}
	began := time.Now()
	s := newSurvey(o, onvif.Need{Height: c.Height})
	if c.Snapshots != "" {
		if err := os.MkdirAll(c.Snapshots, 0o755); err != nil {
			return &sidecar.FieldError{Field: "--snapshots", Problem: err.Error(), Remedy: "name a folder that can be written"}
		}
		s.snapshots = c.Snapshots
	}
	if c.Watch {
		var printing sync.Mutex
		s.tell = func(f finding) {
			printing.Lock()
			defer printing.Unlock()
			c.print(os.Stdout, []finding{f}, false)
		}
	}
	stop := s.progress(os.Stderr, c.Watch)
	err = onvif.Discover(ctx, search, func(change onvif.Change) { s.take(ctx, change) })
	all := s.wait()
	stop()
	if err != nil {
		return asFault(err)
	}
	if c.Watch {
		return ctx.Err()
	}
	c.print(os.Stdout, all, true)
	if !c.JSON {
		fmt.Fprintf(os.Stderr, "%d found in %.1f s\n", len(all), time.Since(began).Seconds())
		c.missing(all)
	}
	return ctx.Err()
}

// settings reads what was given.
func (c *discoverCmd) settings() (onvif.Search, onvif.Options, error) {
	search := onvif.Search{Interfaces: c.Interface, For: c.For, Hosts: c.Hosts, Rate: c.Rate}
	o := onvif.Options{RTSPPort: c.RTSPPort, Timeout: 3 * time.Second}
	var err error
	if search.Ranges, err = networks("--range", c.Range); err != nil {
		return search, o, err
	}
	trusted, err := networks("--sign-in", c.SignIn)
	if err != nil {
		return search, o, err
	}
	password := c.password
	if password.Empty() {
		if password, err = passwordOf(c.PasswordEnv); err != nil {
			return search, o, err
		}
	}
	if o.TLS, err = pinned(c.Fingerprint); err != nil {
		return search, o, err
	}
	o.Credentials = soap.Credentials{User: c.User, Password: soap.NewSecret(password.Reveal())}
	c.trusted = append(trusted, search.Ranges...)
	o.Confirm = func(host string) bool { return c.confirms(host, c.trusted) }
	return search, o, nil
}

// confirms says whether the user has named a host for the password.
func (c *discoverCmd) confirms(host string, trusted []netip.Prefix) bool {
	for _, named := range c.Hosts {
		if strings.EqualFold(onvif.HostOf(named), host) {
			return true
		}
	}
	a, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	for _, p := range trusted {
		if p.Contains(a.Unmap().WithZone("")) {
			return true
		}
	}
	return false
}

// networks reads networks and single addresses.
func networks(field string, texts []string) ([]netip.Prefix, error) {
	var all []netip.Prefix
	for _, text := range texts {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			a, single := netip.ParseAddr(text)
			if single != nil {
				return nil, &sidecar.FieldError{Field: field, Problem: fmt.Sprintf("%q is no network", text), Remedy: "write it as 10.2.4.0/24"}
			}
			p = netip.PrefixFrom(a, a.BitLen())
		}
		all = append(all, p)
	}
	return all, nil
}

// missing tells of hosts that were named and did not answer.
func (c *discoverCmd) missing(all []finding) {
	for _, named := range c.Hosts {
		_, address, ok := strings.Cut(named, "://")
		if !ok {
			address = named
		}
		_, err := netip.ParseAddr(onvif.HostOf(named))
		there := err != nil && len(all) > 0 // a name may have been found by its address
		for _, f := range all {
			there = there || strings.Contains(strings.Join(f.Addresses, " ")+" "+f.RTSP, address)
		}
		if !there {
			fmt.Fprintf(os.Stderr, "%s does not answer: check the address and the port, and that ONVIF is switched on\n", named)
		}
	}
}

// print writes findings as lines of JSON, or as a table.
func (c *discoverCmd) print(w io.Writer, all []finding, heading bool) {
	if c.JSON {
		for _, f := range all {
			_ = json.NewEncoder(w).Encode(f) // a closed output ends the program anyway
		}
		return
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	if heading && len(all) > 0 {
		fmt.Fprintln(t, "ADDRESS\tDEVICE\tCLOCK\tSIGN-IN\tPROFILE\tSTREAM")
	}
	var notes []string
	for _, f := range all {
		fmt.Fprintln(t, f.row())
		notes = append(notes, f.notes()...)
		if r := f.Report; r != nil && c.User != "" && len(r.Trouble) > 0 && !c.confirms(f.host(), c.trusted) {
			notes = append(notes, f.shown()+": name it, or its network with --sign-in, if it may have the password")
		}
	}
	_ = t.Flush()
	for _, n := range notes {
		fmt.Fprintln(w, n)
	}
}
