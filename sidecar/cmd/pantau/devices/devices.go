// Package devices offers the cameras as ONVIF devices: it makes of the catalogue, of
// scenes and of events what package onvif/device tells, and has the accounts' device
// passwords looked up.
package devices

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"sync"
	"time"

	"pantau/onvif/device"
	"pantau/onvif/soap"
	"pantau/overlays/notify"
	"pantau/sidecar"
	"pantau/sidecar/config"
	"pantau/sidecar/console/accounts"
	"pantau/sidecar/tap"
)

// Options say what is offered.
type Options struct {
	Settings config.ONVIF
	Unmasked bool // the own packets of cameras with masks too
	Overlay  config.Overlay
	RTSP     int         // ports of the RTSP server; 0: none
	RTSPS    int         //
	TLS      *tls.Config // of HTTPS
	State    string      // file that keeps identities and ports
	Node     string
	Version  string
	File     string // the configuration, where the rules stand
	Accounts *accounts.Store
	Snapshot func(ctx context.Context, camera string, boxes, blur bool) ([]byte, error) // nil: there are none
	// Change gives a camera other functions, as console.Options.Change; nil: that is not done.
	Change   func(ctx context.Context, camera string, change func([]sidecar.Function) ([]sidecar.Function, error)) error
	Audit    func(ctx context.Context, who, action, what string) // is told what was changed; nil: nobody is
	KeyFrame func(camera string)                                 // asks a camera for a key frame, and does not block; nil: nobody can
	Log      *slog.Logger
}

// Devices are all cameras as ONVIF devices. Its methods may be called from several
// goroutines, and none but Run blocks.
type Devices struct {
	o      Options
	server *device.Server
	news   chan struct{} // has something where a camera is to be told anew

	putting sync.Mutex // held while the server is told of cameras, so that the newest is told last

	mu      sync.Mutex
	cameras map[string]*camera
}

// camera is what is known of one.
type camera struct {
	camera sidecar.Camera
	meter  meter
	news   bool // its video is another

	told   sync.Mutex // guards what is below
	teller *notify.Teller
	motion motion
}

// New opens the ports.
func New(o Options) (*Devices, error) {
	for i, name := range o.Settings.Interfaces {
		if _, err := net.InterfaceByName(name); err != nil {
			return nil, &sidecar.FieldError{Field: fmt.Sprintf("onvif.interfaces[%d]", i), Problem: fmt.Sprintf("there is no interface %q", name), Remedy: "`ip link` lists them; leave it out for all"}
		}
	}
	d := &Devices{o: o, news: make(chan struct{}, 1), cameras: map[string]*camera{}}
	var err error
	d.server, err = device.New(device.Options{
		Backend: d, Listen: o.Settings.Listen, Each: o.Settings.Mode == config.EachCamera, TLS: o.TLS, State: o.State, RTSP: o.RTSP, RTSPS: o.RTSPS,
		Discovery: o.Settings.Discovery, Interfaces: o.Settings.Interfaces,
		Name: o.Node, Manufacturer: "Pantau", Model: "Pantau", Firmware: o.Version, Log: o.Log,
	})
	if err != nil {
		return nil, &sidecar.Fault{Err: err, Hint: "is another program there? Choose another onvif.listen"}
	}
	return d, nil
}

// Addr is where the device of a camera listens.
func (d *Devices) Addr(camera string) string { return d.server.Addr(camera) }

// Run serves until ctx ends.
func (d *Devices) Run(ctx context.Context) error {
	ended := make(chan error, 1)
	go func() { ended <- d.server.Run(ctx) }() // received below
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case err := <-ended:
			return err
		case now := <-tick.C:
			d.rest(now)
		case <-d.news:
			d.tell()
		}
	}
}

// tell puts the cameras whose video is another.
func (d *Devices) tell() {
	d.putting.Lock()
	defer d.putting.Unlock()
	d.mu.Lock()
	var all []device.Camera
	for _, c := range d.cameras {
		if c.news {
			c.news = false
			all = append(all, d.offer(c))
		}
	}
	d.mu.Unlock()
	for _, c := range all {
		d.server.Put(c)
	}
}

// rest ends the alarms of cameras whose scenes no longer come.
func (d *Devices) rest(now time.Time) {
	d.mu.Lock()
	all := maps.Clone(d.cameras)
	d.mu.Unlock()
	for id, c := range all {
		c.told.Lock()
		if c.motion.end(now.Add(-away)) {
			d.server.Notify(id, device.Motion(id, now, false)...)
		}
		c.told.Unlock()
	}
}

// overlay is the stream that has the boxes in its pictures.
const overlay = "overlay"

// offer is what is told of a camera: its own packets, unless they show what masks hide, and
// the pictures with their boxes in them.
func (d *Devices) offer(c *camera) device.Camera {
	o := device.Camera{ID: c.camera.ID, Name: c.camera.Name, Rules: rulesOf(c.camera.Functions)}
	if len(c.camera.Analyse.Mask) == 0 || d.o.Unmasked {
		o.Streams = append(o.Streams, device.Stream{Name: "main", Path: c.camera.ID, Video: c.meter.video})
	}
	o.Streams = append(o.Streams, device.Stream{Name: overlay, Path: c.camera.ID + "/overlay", Video: overlayOf(c.meter.video, d.o.Overlay)})
	return o
}

// overlayOf is the video of the pictures with boxes, which are coded from a camera's video.
func overlayOf(v device.Video, o config.Overlay) device.Video {
	if v.Codec == "" {
		return v
	}
	width, height := v.Width, v.Height
	if height > o.Height {
		width, height = (width*o.Height+height/2)/height, o.Height
	}
	rate := o.FPS
	if v.Rate > 0 {
		rate = min(rate, v.Rate)
	}
	return device.Video{Codec: "H264", Width: width &^ 1, Height: height &^ 1, Rate: rate, BitRate: o.Bitrate, Profile: "High", GOP: int(2 * rate)}
}

// Camera tells of a camera that came or changed.
func (d *Devices) Camera(cam sidecar.Camera) {
	d.putting.Lock()
	defer d.putting.Unlock()
	d.mu.Lock()
	c := d.cameras[cam.ID]
	if c == nil {
		c = &camera{teller: notify.New(cam.ID)}
		d.cameras[cam.ID] = c
	}
	c.camera = cam
	offer := d.offer(c)
	d.mu.Unlock()
	c.told.Lock()
	c.teller.Keep(cam.Functions)
	c.told.Unlock()
	d.server.Put(offer)
}

// Remove tells of a camera that went.
func (d *Devices) Remove(id string) {
	d.putting.Lock()
	defer d.putting.Unlock()
	d.mu.Lock()
	there := d.cameras[id] != nil
	delete(d.cameras, id)
	d.mu.Unlock()
	if there {
		d.server.Remove(id)
	}
}

func (d *Devices) find(id string) *camera {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.cameras[id]
}

// AccessUnit looks at the next picture of a camera.
func (d *Devices) AccessUnit(id string, u *sidecar.AccessUnit) {
	d.mu.Lock()
	defer d.mu.Unlock()
	c := d.cameras[id]
	if c == nil || !c.meter.take(u) {
		return
	}
	c.news = true
	select {
	case d.news <- struct{}{}:
	default:
	}
}

// Scene looks whether anything moves.
func (d *Devices) Scene(sc *sidecar.Scene) {
	c := d.find(sc.Camera)
	if c == nil {
		return
	}
	c.told.Lock()
	defer c.told.Unlock()
	if changed, moves := c.motion.take(sc); changed {
		d.server.Notify(sc.Camera, device.Motion(sc.Camera, sc.Capture, moves)...)
	}
}

// Events tells what happened.
func (d *Devices) Events(id string, events []sidecar.Event) {
	c := d.find(id)
	if c == nil || len(events) == 0 {
		return
	}
	c.told.Lock()
	defer c.told.Unlock()
	d.server.Notify(id, c.teller.Tell(events)...)
	for i := range events {
		if s, ok := events[i].Data.(sidecar.StateChange); ok && s.To != tap.Running && c.motion.end(time.Now()) {
			d.server.Notify(id, device.Motion(id, events[i].Time, false)...)
		}
	}
}

// Account gives the role and the device passwords of an account.
func (d *Devices) Account(ctx context.Context, user string) (device.Account, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	a, err := d.o.Accounts.Find(ctx, user)
	if errors.Is(err, accounts.ErrNotFound) {
		return device.Account{}, nil
	}
	if err != nil {
		return device.Account{}, fmt.Errorf("looking up an account: %w", err)
	}
	secrets, err := d.o.Accounts.DeviceSecrets(ctx, user)
	if err != nil {
		return device.Account{}, err
	}
	account := device.Account{Name: a.Name, Admin: a.Role == accounts.Admin}
	for _, s := range secrets {
		account.Passwords = append(account.Passwords, soap.NewSecret(s.Reveal()))
	}
	return account, nil
}

// Snapshot gives a camera's newest picture, as the stream shows it: with boxes, and blurred
// where that is, or as it is.
func (d *Devices) Snapshot(ctx context.Context, camera, stream string) ([]byte, error) {
	if d.o.Snapshot == nil {
		return nil, device.ErrNotSupported
	}
	if camera == "" {
		return nil, nil
	}
	return d.o.Snapshot(ctx, camera, stream == overlay, stream == overlay && d.o.Overlay.Blur)
}

// KeyPicture asks a camera for a key picture.
func (d *Devices) KeyPicture(camera string) {
	if d.o.KeyFrame != nil {
		d.o.KeyFrame(camera)
	}
}
