// Package config reads the process's settings and its cameras from one YAML
// file (YAML 1.2). It is strict: a key that nobody reads is an error, and every
// error says where it stands, what is wrong and what to do. A file is taken
// whole or not at all.
package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"pantau/sidecar"
)

// Config is what the file says, defaults filled in.
type Config struct {
	Node     string           `yaml:"node"`  // name of this process in streams and metrics; the host's name
	State    string           `yaml:"state"` // folder of what must outlive a restart; empty is the caller's default
	Timezone string           `yaml:"tz"`    // IANA name, for cameras without their own; UTC
	Redis    Redis            `yaml:"redis"`
	Console  Console          `yaml:"console"`
	RTSP     RTSP             `yaml:"rtsp"`
	WHEP     WHEP             `yaml:"whep"`
	Live     Live             `yaml:"live"`
	ONVIF    ONVIF            `yaml:"onvif"`
	Metrics  Metrics          `yaml:"metrics"`
	Models   Models           `yaml:"models"`
	Publish  Publish          `yaml:"publish"`
	Cameras  []sidecar.Camera `yaml:"cameras"`
}

// Redis says where the streams go. Without an address Pantau starts a Redis of
// its own.
type Redis struct {
	Address     string         `yaml:"address"` // host:port
	User        string         `yaml:"user"`
	Password    sidecar.Secret `yaml:"password"` // given here, or by the variable that PasswordEnv names
	PasswordEnv string         `yaml:"password_env"`
	DB          int            `yaml:"db"`     // number of the database
	Prefix      string         `yaml:"prefix"` // of all keys; pantau:
	TLS         bool           `yaml:"tls"`
	CA          string         `yaml:"ca"` // PEM file of the authority that signed Redis' certificate; the system's
}

// Console says where the page and the API are.
type Console struct {
	Listen      string `yaml:"listen"`      // host:port; 127.0.0.1:8443
	Certificate string `yaml:"certificate"` // PEM file; empty: signed by itself
	Key         string `yaml:"key"`         // PEM file
}

// RTSP says where the cameras are given on, with their boxes as ONVIF metadata.
type RTSP struct {
	Listen    string        `yaml:"listen"`     // host:port; empty: not at all
	ListenTLS string        `yaml:"listen_tls"` // host:port of RTSPS, with the console's certificate; empty: not at all
	Multicast string        `yaml:"multicast"`  // range of addresses; empty: none
	Delay     time.Duration `yaml:"delay"`      // how long pictures wait for their boxes; 400ms
	Unmasked  bool          `yaml:"unmasked"`   // cameras with masks too, whose packets show what the masks hide
	Overlay   Overlay       `yaml:"overlay"`
}

// WHEP says where the cameras are given on over WebRTC.
type WHEP struct {
	Listen    string        `yaml:"listen"`    // host:port, UDP and TCP; empty: not at all
	Advertise []string      `yaml:"advertise"` // addresses that viewers are told; empty: our own
	Delay     time.Duration `yaml:"delay"`     // how long pictures wait for their boxes; 400ms
	Unmasked  bool          `yaml:"unmasked"`  // cameras with masks too, whose pictures show what the masks hide
}

// Live says what the pictures are like that are converted for those who cannot or may
// not have the cameras' own, in the live view and over WebRTC.
type Live struct {
	Transcodes int           `yaml:"transcodes"` // made at once, at most; 0: none; 4
	Delay      time.Duration `yaml:"delay"`      // how long pictures wait for their boxes; 400ms
	Height     int           `yaml:"height"`     // lines, at most; 720
	FPS        float64       `yaml:"fps"`        // pictures per second, at most; 15
	Preset     string        `yaml:"preset"`     // of the encoder; veryfast
	Bitrate    int           `yaml:"bitrate"`    // kbit/s, at most; 4000
}

// Overlay says what the pictures are like that have their boxes in them.
type Overlay struct {
	Height  int             `yaml:"height"`  // lines, at most; 720
	FPS     float64         `yaml:"fps"`     // pictures per second, at most; 15
	Preset  string          `yaml:"preset"`  // of the encoder; veryfast
	Bitrate int             `yaml:"bitrate"` // kbit/s, at most; 4000
	Show    []sidecar.Layer `yaml:"show"`    // what is drawn; all
	Blur    bool            `yaml:"blur"`    // persons and number plates
}

// Metrics says where metrics, health and profiles are.
type Metrics struct {
	Listen string `yaml:"listen"` // host:port; 127.0.0.1:9464
}

// Models says which detectors there are.
type Models struct {
	Dir     string `yaml:"dir"`     // folder of those that are not in the program; empty is the installed one
	Default string `yaml:"default"` // name in the manifest; auto is what this machine is faster with
}

// Publish says where facts go besides Redis.
type Publish struct {
	JSONL string `yaml:"jsonl"` // file that takes events and counts as JSON lines; empty: none
}

// Checks are what this package cannot know by itself. A nil one is left out.
type Checks struct {
	Function  func(sidecar.Function) error     // analyse.Check: a *sidecar.FieldError or nil
	Functions func([]sidecar.Function) error   // analyse.CheckAll, of a camera's functions that are right by themselves
	Model     func(name string) error          // whether the manifest has the model
	Presets   []string                         // of the encoder
	Getenv    func(name string) (string, bool) // os.LookupEnv where nil
}

// maxSize is the most that a file may have, bytes: 10,000 cameras have about 8 MB.
const maxSize = 64 << 20

// Load reads a file. Its error is Errors where the file was read and is wrong.
// Relative paths in it are taken from its own folder, and given as absolute ones.
func Load(path string, c Checks) (*Config, error) {
	data, err := read(path)
	if err != nil {
		return nil, err
	}
	return Parse(path, data, c)
}

// read gives the bytes of a file that is not too large.
func read(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, unread(err)
	}
	if info.Size() > maxSize {
		return nil, &sidecar.Fault{Err: fmt.Errorf("%s has %d bytes", path, info.Size()), Hint: "a configuration has at most 64 MiB"}
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, unread(err)
	}
	return data, nil
}

func unread(err error) error {
	return &sidecar.Fault{Err: fmt.Errorf("opening configuration: %w", err),
		Hint: "give the path of a YAML file that can be read; docs/configuration.md shows every key"}
}

// Parse is Load for what has been read already.
func Parse(path string, data []byte, c Checks) (*Config, error) {
	cfg, _, err := parseAll(path, data, c)
	return cfg, err
}

// parseAll is Parse, and gives what was read too.
func parseAll(path string, data []byte, c Checks) (*Config, *document, error) {
	if c.Getenv == nil {
		c.Getenv = os.LookupEnv
	}
	cfg := defaults()
	d := newDocument(path, data)
	d.decode(cfg)
	folder, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return nil, nil, fmt.Errorf("finding the configuration's folder: %w", err)
	}
	k := checker{Checks: c, document: d, folder: folder}
	k.settings(cfg)
	k.cameras(cfg.Cameras, cfg.Timezone)
	if len(d.errs) > 0 {
		return nil, nil, d.sorted()
	}
	return cfg, d, nil
}

// defaults gives a Config as an empty file has it.
func defaults() *Config {
	return &Config{
		Node: nodeName(), Timezone: "UTC",
		Redis:   Redis{Prefix: "pantau:"},
		Console: Console{Listen: "127.0.0.1:8443"},
		WHEP:    WHEP{Advertise: []string{}, Delay: 400 * time.Millisecond},
		RTSP: RTSP{Delay: 400 * time.Millisecond,
			Overlay: Overlay{Height: 720, FPS: 15, Preset: "veryfast", Bitrate: 4000, Show: sidecar.Layers()}},
		Live:    Live{Transcodes: 4, Delay: 400 * time.Millisecond, Height: 720, FPS: 15, Preset: "veryfast", Bitrate: 4000},
		ONVIF:   ONVIF{Mode: EachCamera, Discovery: true},
		Metrics: Metrics{Listen: "127.0.0.1:9464"},
		Models:  Models{Default: "auto"},
	}
}

// nodeName is the host's name, as far as it can be part of a key.
func nodeName() string {
	host, _ := os.Hostname()
	host = strings.Map(func(r rune) rune {
		if r == '-' || r == '.' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' {
			return r
		}
		return -1
	}, host)
	host = strings.TrimLeft(host[:min(len(host), 64)], "-.")
	if host == "" {
		return "pantau"
	}
	return host
}
