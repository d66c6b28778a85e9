package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"pantau/onvif"
)

const (
	surveyors  = 32                     // devices that are asked at a time
	surveyTime = 20 * time.Second       // for one device
	settle     = 600 * time.Millisecond // from the first answer of a device to that on its other addresses (APP_MAX_DELAY is 500 ms)
)

// finding is a device that was found, with what it answered.
type finding struct {
	onvif.Device
	Report   *onvif.Report `json:"report,omitempty"`
	Pictures []string      `json:"pictures,omitempty"` // files, one for each source that has sent one
	Error    string        `json:"error,omitempty"`    // why there is no report
	Gone     bool          `json:"gone,omitempty"`
}

// survey asks each device that is found, as it is found.
type survey struct {
	options onvif.Options
	need    onvif.Need
	tell    func(finding) // of each as it is known or gone, from any goroutine; may be nil
	turns   chan struct{}

	snapshots string // folder of pictures; empty: none are taken
	asking    sync.WaitGroup

	mu    sync.Mutex
	found map[int]*finding // by the device's ID
	asked int
}

func newSurvey(o onvif.Options, need onvif.Need) *survey {
	return &survey{options: o, need: need, turns: make(chan struct{}, surveyors), found: map[int]*finding{}}
}

// take notes a change, and asks a device that is new. It does not block.
func (s *survey) take(ctx context.Context, c onvif.Change) {
	s.mu.Lock()
	f := s.found[c.Device.ID]
	switch {
	case c.Gone:
		delete(s.found, c.Device.ID)
	case f != nil:
		f.Device = c.Device // what has failed is asked again at the new addresses, see ask
	default:
		s.found[c.Device.ID] = &finding{Device: c.Device}
		s.asking.Go(func() { s.ask(ctx, c.Device) }) // wait waits
	}
	s.mu.Unlock()
	if c.Gone && s.tell != nil {
		s.tell(finding{Device: c.Device, Gone: true})
	}
}

// ask gets the report of a device, and once more if no stream works and other
// addresses have come up.
func (s *survey) ask(ctx context.Context, d onvif.Device) {
	select {
	case <-time.After(settle):
		d = s.newest(d)
	case <-ctx.Done():
		return
	}
	select {
	case s.turns <- struct{}{}:
		defer func() { <-s.turns }()
	case <-ctx.Done():
		return
	}
	var report *onvif.Report
	var pictures []string
	var trouble string
	for range 2 {
		if len(d.Addresses) == 0 {
			break
		}
		tried := d.Addresses
		report, pictures, trouble = s.report(ctx, d)
		works := report != nil && len(report.Sources) > 0 && report.Sources[0].Works
		if d = s.newest(d); works || slices.Equal(tried, d.Addresses) {
			break
		}
	}
	s.mu.Lock()
	s.asked++
	f := s.found[d.ID] // nil if it has said Bye meanwhile
	var known finding
	if f != nil {
		f.Report, f.Pictures, f.Error = report, pictures, trouble
		known = *f
	}
	s.mu.Unlock()
	if f != nil && s.tell != nil {
		s.tell(known)
	}
}

// newest is what is known of a device by now.
func (s *survey) newest(d onvif.Device) onvif.Device {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.found[d.ID]; f != nil {
		return f.Device
	}
	return d
}

func (s *survey) report(ctx context.Context, d onvif.Device) (r *onvif.Report, pictures []string, trouble string) {
	ctx, cancel := context.WithTimeout(ctx, surveyTime)
	defer cancel()
	camera, err := d.Dial(ctx, s.options)
	if err != nil {
		return nil, nil, err.Error()
	}
	defer camera.Close()
	all := camera.Inspect(ctx, s.need)
	if s.snapshots != "" {
		pictures = s.pictures(ctx, camera, &all)
	}
	return &all, pictures, ""
}

// pictures takes one of each video source that has a snapshot, and notes the trouble.
func (s *survey) pictures(ctx context.Context, camera *onvif.Client, r *onvif.Report) []string {
	u, err := url.Parse(r.Address)
	if err != nil {
		return nil
	}
	var files []string
	for i, source := range r.Sources {
		if source.Snapshot == "" {
			continue
		}
		picture, err := camera.Picture(ctx, source.Snapshot)
		if err == nil {
			name := strings.NewReplacer(":", "-", "%", "-").Replace(u.Host) // IPv6, and ports
			if i > 0 {
				name += fmt.Sprintf("-%d", i+1)
			}
			file := filepath.Join(s.snapshots, name+".jpg")
			if err = os.WriteFile(file, picture, 0o644); err == nil {
				files = append(files, file)
			}
		}
		if err != nil {
			r.Trouble = append(r.Trouble, err.Error())
		}
	}
	return files
}

// wait ends when all have been asked, and gives them in the order of their addresses.
// A device that is found at two ports of one host is there once.
func (s *survey) wait() []finding {
	s.asking.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []finding
	for _, f := range s.found {
		all = append(all, *f)
	}
	slices.SortFunc(all, func(a, b finding) int {
		x, errX := netip.ParseAddr(a.host())
		y, errY := netip.ParseAddr(b.host())
		if errX != nil || errY != nil {
			return cmp.Or(cmp.Compare(a.host(), b.host()), cmp.Compare(a.ID, b.ID))
		}
		return cmp.Or(x.Compare(y), cmp.Compare(a.ID, b.ID))
	})
	seen := map[string]bool{}
	return slices.DeleteFunc(all, func(f finding) bool {
		if f.Report == nil || f.Report.Serial == "" {
			return false
		}
		key := f.host() + " " + f.Report.Model + " " + f.Report.Serial
		again := seen[key] && f.Endpoint == ""
		seen[key] = true
		return again
	})
}

// progress shows how far it is, if somebody looks on; the function that it gives ends it.
func (s *survey) progress(w *os.File, quiet bool) func() {
	info, err := w.Stat()
	if quiet || err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return func() {}
	}
	end, ended := make(chan struct{}), make(chan struct{})
	go func() { // the function that is given waits
		defer close(ended)
		tick := time.NewTicker(200 * time.Millisecond)
		defer tick.Stop()
		for {
			s.show(w)
			select {
			case <-tick.C:
			case <-end:
				fmt.Fprint(w, "\r\x1b[K")
				return
			}
		}
	}()
	return func() { close(end); <-ended }
}

func (s *survey) show(w io.Writer) {
	found, asked := s.far()
	fmt.Fprintf(w, "\r\x1b[Klooking … %d found, %d asked", found, asked)
}

// far is how far the survey is.
func (s *survey) far() (found, asked int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.found), s.asked
}

// host is the address of a device, without port if it is the usual one.
func (f finding) host() string {
	switch {
	case f.Report != nil:
		return onvif.HostOf(f.Report.Address)
	case len(f.Addresses) > 0:
		return onvif.HostOf(f.Addresses[0])
	}
	return onvif.HostOf(f.RTSP)
}

// shown is the host, with its port if it is not the usual one.
func (f finding) shown() string {
	address := f.RTSP
	switch {
	case f.Report != nil:
		address = f.Report.Address
	case len(f.Addresses) > 0:
		address = f.Addresses[0]
	}
	if u, err := url.Parse(address); err == nil && u.Host != "" {
		return u.Host
	}
	return address
}

// row is a line of the table.
func (f finding) row() string {
	name := strings.TrimSpace(f.Name)
	cells := []string{f.shown(), name, "–", "–", "–", "–"}
	if r := f.Report; r != nil {
		if full := strings.TrimSpace(r.Manufacturer + " " + r.Model); full != "" {
			cells[1] = full
		}
		cells[2], cells[3] = clockText(*r), signInText(r.SignIn)
		if len(r.Sources) > 0 {
			p := r.Sources[0].Profile
			cells[4] = fmt.Sprintf("%s %d×%d %g/s", p.Codec, p.Width, p.Height, p.Rate)
			if r.Sources[0].Works {
				cells[5] = onvif.Redact(r.Sources[0].Stream.URL)
			}
		}
	}
	if f.RTSP != "" {
		cells[5] = "rtsp://" + f.RTSP + "/"
	}
	if f.Gone {
		cells[5] = "gone"
	}
	return strings.Join(cells, "\t")
}

// notes are what a person should know of a device beside its row.
func (f finding) notes() []string {
	var all []string
	if f.Error != "" {
		all = append(all, f.Error)
	}
	if f.RTSP != "" {
		all = append(all, f.RTSP+": an RTSP server, no ONVIF: take the path of its stream from its manual")
	}
	if f.Report == nil {
		return all
	}
	all = append(all, f.Report.Trouble...)
	for _, s := range f.Report.Sources[min(1, len(f.Report.Sources)):] {
		all = append(all, fmt.Sprintf("%s: source %s: %s", f.shown(), s.Profile.Source, onvif.Redact(s.Stream.URL)))
	}
	return all
}
