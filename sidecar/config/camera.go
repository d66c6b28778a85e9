package config

import (
	"encoding/hex"
	"fmt"
	"math"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"pantau/sidecar"
)

// maxFPS is the most that a camera sends.
const maxFPS = 120

// leastPart is how wide and high a part of the picture is that can be looked at.
const leastPart = 0.05

// cameras checks all cameras, and gives those without a time zone the process's.
func (k *checker) cameras(all []sidecar.Camera, zone string) {
	seen := make(map[string]int, len(all))
	for i := range all {
		c, path := &all[i], element("cameras", i)
		k.word(child(path, "id"), c.ID)
		if first, ok := seen[c.ID]; ok && c.ID != "" {
			k.wrong(child(path, "id"), fmt.Sprintf("the id %q is taken by the camera of line %d", c.ID,
				k.places[child(element("cameras", first), "id")].line), "give every camera an id of its own")
		} else {
			seen[c.ID] = i
		}
		k.source(child(path, "source"), &c.Source)
		if c.Timezone == "" {
			c.Timezone = zone
		} else {
			k.timezone(child(path, "tz"), c.Timezone)
		}
		k.location(child(path, "location"), c.Location)
		k.analyse(child(path, "analyse"), &c.Analyse)
		k.functions(path, c.Functions)
	}
}

func (k *checker) source(path string, s *sidecar.Source) {
	given := slices.DeleteFunc([]string{s.ONVIF, s.RTSP, s.File}, func(v string) bool { return v == "" })
	switch {
	case len(given) == 0:
		k.wrong(path, "the camera has no source", "give onvif: host, rtsp: rtsp://host/path, or file: clip.mp4")
	case len(given) > 1:
		k.wrong(path, "the camera has more than one source", "keep one of onvif, rtsp and file")
	case s.File != "":
		k.file(child(path, "file"), &s.File)
	case s.ONVIF != "":
		k.onvif(path, s)
	default:
		k.rtsp(path, s)
	}
	k.password(path, &s.Password, s.PasswordEnv)
	if s.Transport != "" && s.Transport != sidecar.TCP && s.Transport != sidecar.UDP {
		k.wrong(child(path, "transport"), "unknown transport", "use tcp or udp")
	}
	k.fingerprint(path, s)
	if s.ONVIF == "" && (s.Profile != "" || s.RTSPPort != 0 || len(s.Events) > 0 || s.Endpoint != "" || len(s.Follow) > 0) {
		k.wrong(path, "profile, rtsp_port, events, endpoint and follow are of ONVIF cameras", "remove them, or give onvif: host in the place of rtsp")
	}
}

// onvif checks the address of an ONVIF camera, and moves its credentials into user
// and password. What it reports never holds the address: it may hold a password.
func (k *checker) onvif(path string, s *sidecar.Source) {
	at, text := child(path, "onvif"), s.ONVIF
	const remedy = "use host, host:port or http://host:port/onvif/device_service; give user and password as keys of their own"
	if net.ParseIP(text) == nil && !strings.Contains(text, "://") {
		text = "http://" + text
	}
	if net.ParseIP(text) == nil {
		u, err := url.Parse(text)
		if err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" || strings.ContainsAny(text, " \t") {
			k.wrong(at, "this is no address of an ONVIF camera", remedy)
			return
		}
		if port := u.Port(); port != "" {
			k.port(at, port, 1)
		}
		k.credentials(at, s, u)
		if u.User != nil {
			u.User = nil
			s.ONVIF = u.String()
		}
	}
	if s.RTSPPort != 0 {
		k.port(child(path, "rtsp_port"), strconv.Itoa(s.RTSPPort), 1)
	}
	k.follow(path, s)
	for i, topic := range s.Events {
		if topic == "" || strings.ContainsAny(topic, " :*") {
			k.wrong(element(child(path, "events"), i), fmt.Sprintf("%q is no beginning of a topic", topic), "write it as RuleEngine or VideoSource/MotionAlarm, without prefix, or all")
		}
	}
}

// follow checks by what a camera is known and where it may be followed to.
func (k *checker) follow(path string, s *sidecar.Source) {
	bare := strings.TrimPrefix(strings.TrimPrefix(strings.ToLower(s.Endpoint), "urn:"), "uuid:")
	if s.Endpoint != "" && !endpointForm.MatchString(bare) {
		k.wrong(child(path, "endpoint"), "this is no endpoint", "write it as urn:uuid:4d45…, as `pantau discover` prints it")
	}
	if s.Endpoint != "" {
		s.Endpoint = "urn:uuid:" + bare
	}
	for i, network := range s.Follow {
		if p, err := netip.ParsePrefix(network); err != nil || p.Masked() != p {
			k.wrong(element(child(path, "follow"), i), fmt.Sprintf("%q is no network", network), "write it as 10.2.4.0/24")
		}
	}
	if len(s.Follow) > 0 && s.Endpoint == "" {
		k.wrong(child(path, "follow"), "nothing says by what the camera is known", "give endpoint: too, as `pantau discover` prints it")
	}
}

// endpointForm is that of a UUID (RFC 9562).
var endpointForm = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// credentials moves those of an address into user and password.
func (k *checker) credentials(at string, s *sidecar.Source, u *url.URL) {
	if u.User == nil {
		return
	}
	password, given := u.User.Password()
	if s.User != "" || given && (!s.Password.Empty() || s.PasswordEnv != "") {
		k.wrong(at, "user or password are given twice", "keep them out of the address")
	}
	s.User = u.User.Username()
	if given {
		s.Password = sidecar.NewSecret(password)
	}
}

// rtsp checks the address and moves its credentials into user and password.
// What it reports never holds the address: it may hold a password.
func (k *checker) rtsp(path string, s *sidecar.Source) {
	at := child(path, "rtsp")
	u, err := url.Parse(s.RTSP)
	if err != nil {
		k.wrong(at, "this is no address", "use rtsp://host:554/path; give user and password as keys of their own")
		return
	}
	if u.Scheme != "rtsp" && u.Scheme != "rtsps" {
		k.wrong(at, "the address begins with neither rtsp:// nor rtsps://", "use rtsp://host/path")
		return
	}
	if u.Hostname() == "" {
		k.wrong(at, "the address names no host", "use rtsp://host/path")
		return
	}
	if port := u.Port(); port != "" {
		k.port(at, port, 1)
	}
	if u.Scheme == "rtsps" && s.Transport == sidecar.UDP {
		k.wrong(child(path, "transport"), "rtsps goes over tcp", "remove transport, or use an rtsp:// address")
	}
	k.credentials(at, s, u)
	if u.User != nil {
		u.User = nil
		s.RTSP = u.String()
	}
}

// fingerprint brings the SHA-256 of a certificate to 64 lower-case hex digits.
func (k *checker) fingerprint(path string, s *sidecar.Source) {
	if s.Fingerprint == "" {
		return
	}
	at := child(path, "fingerprint")
	digits := strings.ToLower(strings.ReplaceAll(s.Fingerprint, ":", ""))
	if sum, err := hex.DecodeString(digits); err != nil || len(sum) != 32 {
		k.wrong(at, "this is no SHA-256", "use 64 hex digits, as `openssl x509 -fingerprint -sha256` prints them")
		return
	}
	if !strings.HasPrefix(s.RTSP, "rtsps://") && s.ONVIF == "" {
		k.wrong(at, "only rtsps has a certificate", "use an rtsps:// address, or remove the fingerprint")
		return
	}
	s.Fingerprint = digits
}

func (k *checker) location(path string, l *sidecar.Location) {
	if l == nil {
		return
	}
	if !(math.Abs(l.Lat) <= 90) {
		k.wrong(child(path, "lat"), "a latitude lies between -90 and 90", "use degrees, WGS 84; south is negative")
	}
	if !(math.Abs(l.Lon) <= 180) {
		k.wrong(child(path, "lon"), "a longitude lies between -180 and 180", "use degrees, WGS 84; west is negative")
	}
}

func (k *checker) analyse(path string, a *sidecar.Analyse) {
	if !(a.FPS >= 0 && a.FPS <= maxFPS) {
		k.wrong(child(path, "fps"), "nothing can be analysed so often", fmt.Sprintf("use up to %d frames per second; 0 is the default", maxFPS))
	}
	k.model(child(path, "model"), a.Model)
	if a.View != "" && a.View != sidecar.ViewFixed && a.View != sidecar.ViewAny {
		k.wrong(child(path, "view"), "unknown view", "use fixed, or any for a camera that may move")
	}
	for i, p := range a.Mask {
		k.polygon(element(child(path, "mask"), i), p)
	}
	k.look(path, a)
}

// look checks what of the picture is looked at.
func (k *checker) look(path string, a *sidecar.Analyse) {
	switch a.Look {
	case "", sidecar.LookAuto, sidecar.LookWhole, sidecar.LookClose:
	default:
		k.wrong(child(path, "look"), fmt.Sprintf("unknown way to look %q", string(a.Look)), "use auto, whole or close")
	}
	if len(a.Parts) > 0 && a.Look == sidecar.LookWhole {
		k.wrong(child(path, "parts"), "parts are given where the whole picture is to be looked at", "remove them, or use look: auto")
	}
	for i, p := range a.Parts {
		if b := p.Box(); !(b.Left >= 0 && b.Top >= 0 && b.Right <= 1 && b.Bottom <= 1 && b.Width() >= leastPart && b.Height() >= leastPart) {
			k.wrong(element(child(path, "parts"), i), "this is no part of the picture",
				fmt.Sprintf("write it as [left, top, right, bottom], each from 0 to 1, at least %v wide and high", leastPart))
		}
	}
}

func (k *checker) polygon(path string, p sidecar.Polygon) {
	if len(p) < 3 {
		k.wrong(path, fmt.Sprintf("a polygon has at least 3 corners, this one %d", len(p)), "write it as [[x, y], [x, y], [x, y]]")
	}
	for i, corner := range p {
		for _, v := range corner {
			if !(v >= 0 && v <= 1) {
				k.wrong(element(path, i), "this point lies outside of the picture", "use coordinates from 0 to 1")
				break
			}
		}
	}
}

// functions checks a camera's functions, the camera standing at path.
func (k *checker) functions(path string, all []sidecar.Function) {
	seen := make(map[string]bool, len(all))
	before := len(k.errs)
	for i, f := range all {
		at := element(child(path, "functions"), i)
		if f.ID != "" && seen[f.ID] {
			k.wrong(child(at, "id"), fmt.Sprintf("the id %q is taken by another function of this camera", f.ID), "give every function an id of its own")
		}
		seen[f.ID] = true
		if k.Function == nil {
			continue
		}
		if err := k.Function(f); err != nil {
			k.passOn(at, err)
		}
	}
	if k.Functions == nil || len(k.errs) > before {
		return
	}
	if err := k.Functions(all); err != nil {
		k.passOn(path, err)
	}
}
