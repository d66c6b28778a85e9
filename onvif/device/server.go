package device

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"sync"

	"pantau/onvif/metadata"
)

// ErrNotSupported says that a backend has no such thing at all.
var ErrNotSupported = errors.New("not supported")

// Options say where and as what the cameras are offered. Backend and Listen must be given.
type Options struct {
	Backend Backend
	Listen  string      // address:port; with Each the first port of many
	Each    bool        // one device for each camera; otherwise one for all
	TLS     *tls.Config // of HTTPS, which comes in at the same ports; nil: none
	State   string      // file that keeps identities and ports; empty: they are kept nowhere, and others after a restart

	RTSP  int // port of the RTSP server; 0: there is none
	RTSPS int // port of RTSPS; 0: there is none. It is told where there is no RTSP

	Discovery  bool     // answer probes, say Hello and Bye
	Interfaces []string // names; nil: all that are up and carry multicast

	Name         string // of this host, for people: the scope and the host name
	Manufacturer string
	Model        string
	Firmware     string
	Log          *slog.Logger

	probes string // address at which probes come in, for tests; empty: all
}

// Server is the devices. Its methods may be called from several goroutines, and none but
// Run blocks.
type Server struct {
	o      Options
	log    *slog.Logger
	gate   *gate
	state  *state
	events *events
	host   string
	first  int // port
	news   chan announcement

	services []service // read-only

	mu      sync.Mutex
	units   map[string]*unit // by camera; one of all cameras is under the empty name
	cameras map[string]Camera
	closed  bool
}

// New opens what is to be listened on from the beginning.
func New(o Options) (*Server, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	host, port, err := net.SplitHostPort(o.Listen)
	if err != nil {
		return nil, fmt.Errorf("listening for ONVIF: %w", err)
	}
	s := &Server{o: o, log: o.Log.With("stage", "onvif"), gate: newGate(o.Backend.Account), host: host,
		units: map[string]*unit{}, cameras: map[string]Camera{}, news: make(chan announcement, 256), services: services()}
	s.events = newEvents(s.log)
	if s.first, err = strconv.Atoi(port); err != nil {
		return nil, fmt.Errorf("listening for ONVIF: there is no port %q", port)
	}
	if s.state, err = openState(o.State); err != nil {
		return nil, err
	}
	if !o.Each {
		u, err := s.open("", s.first)
		if err != nil {
			return nil, err
		}
		s.units[""] = u
	}
	return s, nil
}

// open makes a device and its port.
func (s *Server) open(camera string, port int) (*unit, error) {
	l, err := net.Listen("tcp", net.JoinHostPort(s.host, strconv.Itoa(port)))
	if err != nil {
		return nil, fmt.Errorf("listening for ONVIF: %w", err)
	}
	return newUnit(s, camera, l), nil
}

// Addr is where the device of a camera listens, or that of all; empty where there is none.
func (s *Server) Addr(camera string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if u := s.units[s.unitOf(camera)]; u != nil {
		return u.door.Addr().String()
	}
	return ""
}

func (s *Server) unitOf(camera string) string {
	if s.o.Each {
		return camera
	}
	return ""
}

// Put adds a camera, or changes what is said of it. What is not known yet of its video is
// taken from the time before, if it was known then.
func (s *Server) Put(c Camera) {
	if err := s.state.fill(&c); err != nil {
		s.log.Error("keeping what is known of a camera's video", "camera", c.ID, "error", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	s.cameras[c.ID] = c
	s.events.rules(c)
	name := s.unitOf(c.ID)
	if s.units[name] != nil {
		return
	}
	u, err := s.take(c.ID)
	if err != nil {
		s.log.Error("a camera is not offered by ONVIF", "camera", c.ID, "error", err)
		return
	}
	s.units[name] = u
	s.announce(u, "Hello")
}

// take opens the port that a camera had before, or the next that is free.
func (s *Server) take(camera string) (*unit, error) {
	if s.first == 0 {
		return s.open(camera, 0)
	}
	if place := s.state.place(camera); place != 0 {
		return s.open(camera, s.first+place-1)
	}
	var first error
	for place := 1; s.first+place-1 <= 65535 && place <= 10_000; place++ {
		if s.state.taken(place) {
			continue
		}
		u, err := s.open(camera, s.first+place-1)
		if err == nil {
			if err := s.state.keep(camera, place); err != nil {
				s.log.Error("a camera's ONVIF port may be another after a restart", "camera", camera, "error", err, "hint", "make room on the disk, and let Pantau write there")
			}
			return u, nil
		}
		if first == nil {
			first = err
		}
	}
	return nil, fmt.Errorf("no port is free from %d on: %w", s.first, first)
}

// Remove forgets a camera.
func (s *Server) Remove(id string) {
	s.mu.Lock()
	delete(s.cameras, id)
	u := s.units[id]
	if s.o.Each {
		delete(s.units, id)
	}
	s.mu.Unlock()
	s.events.forget(id)
	if s.o.Each && u != nil {
		s.announce(u, "Bye")
		u.close()
	}
}

// Notify tells the subscribers what happened at a camera. Properties are kept, so that who
// subscribes later is told their state.
func (s *Server) Notify(camera string, all ...metadata.Notification) { s.events.tell(camera, all) }

// Cameras are those of a device, by their names.
func (s *Server) camerasOf(u *unit) []Camera {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Camera
	for _, c := range s.cameras {
		if u.camera == "" || u.camera == c.ID {
			all = append(all, c)
		}
	}
	return sorted(all)
}

// Run answers probes and subscribers until ctx ends. The ports answer from New and Put on.
func (s *Server) Run(ctx context.Context) error {
	var discovering sync.WaitGroup
	if s.o.Discovery {
		if d, err := newDiscovery(s); err != nil {
			s.log.Warn("the devices are not found by WS-Discovery, and must be added by their addresses", "error", err, "hint", "another program has UDP port 3702 for itself alone")
		} else {
			discovering.Go(func() { d.run(ctx) })
		}
	}
	s.events.run(ctx)
	discovering.Wait() // Bye was said
	s.mu.Lock()
	s.closed = true
	all := s.units
	s.units = map[string]*unit{}
	s.mu.Unlock()
	for _, u := range all {
		u.close()
	}
	return s.state.save()
}
