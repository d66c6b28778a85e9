package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"pantau/sidecar"
)

// checker looks at what the types cannot say, and finishes the values: paths
// become absolute, passwords are fetched, credentials leave the addresses.
type checker struct {
	Checks
	*document
	folder string
}

// settings checks everything but the cameras.
func (k *checker) settings(c *Config) {
	k.word("node", c.Node)
	k.timezone("tz", c.Timezone)
	k.absolute(&c.State)
	k.redis(&c.Redis)
	k.listen("console.listen", c.Console.Listen)
	k.listen("metrics.listen", c.Metrics.Listen)
	if c.Console.Listen == c.Metrics.Listen && !strings.HasSuffix(c.Console.Listen, ":0") {
		k.wrong("metrics.listen", "this address is taken by console.listen", "use another port")
	}
	if (c.Console.Certificate == "") != (c.Console.Key == "") {
		k.wrong("console", "a certificate and its key belong together", "give both certificate and key, or neither")
	}
	k.file("console.certificate", &c.Console.Certificate)
	k.file("console.key", &c.Console.Key)
	k.rtspServer(&c.RTSP)
	k.whepServer(c)
	k.live(&c.Live)
	k.onvifDevices(c)
	k.model("models.default", c.Models.Default)
	k.absolute(&c.Models.Dir)
	k.absolute(&c.Publish.JSONL)
}

func (k *checker) rtspServer(r *RTSP) {
	if r.Listen != "" {
		k.listen("rtsp.listen", r.Listen)
	}
	if r.ListenTLS != "" {
		k.listen("rtsp.listen_tls", r.ListenTLS)
	}
	if _, _, err := net.ParseCIDR(r.Multicast); r.Multicast != "" && err != nil {
		k.wrong("rtsp.multicast", fmt.Sprintf("%q is no range of addresses", r.Multicast), "use one such as 239.255.10.0/24")
	}
	k.delay("rtsp.delay", r.Delay)
	k.overlay(&r.Overlay)
}

func (k *checker) live(l *Live) {
	if l.Transcodes < 0 || l.Transcodes > 1000 {
		k.wrong("live.transcodes", fmt.Sprintf("%d at once", l.Transcodes), "use 0 to 1000; each takes a part of a processor core")
	}
	k.delay("live.delay", l.Delay)
	k.coded("live", l.Height, l.FPS, l.Preset, l.Bitrate)
}

// coded checks what pictures are like that are coded anew.
func (k *checker) coded(path string, height int, fps float64, preset string, bitrate int) {
	if height < 120 || height > 2160 {
		k.wrong(path+".height", fmt.Sprintf("pictures of %d lines", height), "use 120 to 2160; none is made larger than the camera's")
	}
	if !(fps >= 1 && fps <= 60) {
		k.wrong(path+".fps", fmt.Sprintf("%g pictures per second", fps), "use 1 to 60")
	}
	if bitrate < 50 || bitrate > 100_000 {
		k.wrong(path+".bitrate", fmt.Sprintf("%d kbit/s", bitrate), "use 50 to 100000")
	}
	if k.Presets != nil && !slices.Contains(k.Presets, preset) {
		k.wrong(path+".preset", fmt.Sprintf("unknown preset %q", preset), "use one of "+strings.Join(k.Presets, ", "))
	}
}

func (k *checker) overlay(o *Overlay) {
	k.coded("rtsp.overlay", o.Height, o.FPS, o.Preset, o.Bitrate)
	if len(o.Show) == 0 {
		k.wrong("rtsp.overlay.show", "nothing is drawn", fmt.Sprintf("use some of %v", sidecar.Layers()))
	}
	for i, l := range o.Show {
		if all := sidecar.Layers(); !slices.Contains(all, l) {
			k.wrong(fmt.Sprintf("rtsp.overlay.show[%d]", i), fmt.Sprintf("unknown layer %q", l), fmt.Sprintf("use some of %v", all))
		}
	}
}

// delay checks how long pictures wait for their boxes.
func (k *checker) delay(path string, d time.Duration) {
	if d < 10*time.Millisecond || d > 10*time.Second {
		k.wrong(path, fmt.Sprintf("pictures cannot wait for %v", d), "use 10ms to 10s; boxes are late where it is shorter than the analysis takes")
	}
}

func (k *checker) whepServer(c *Config) {
	w := &c.WHEP
	k.delay("whep.delay", w.Delay)
	for i, a := range w.Advertise {
		if ip, err := netip.ParseAddr(a); err != nil || ip.IsUnspecified() || ip.Zone() != "" {
			k.wrong(element("whep.advertise", i), fmt.Sprintf("%q is no address that a viewer can reach", a), "use an IP address such as 203.0.113.5; the port is that of whep.listen")
		}
	}
	if w.Listen == "" {
		return
	}
	k.listen("whep.listen", w.Listen)
	for _, other := range [][2]string{{"console.listen", c.Console.Listen}, {"metrics.listen", c.Metrics.Listen}, {"rtsp.listen", c.RTSP.Listen}, {"rtsp.listen_tls", c.RTSP.ListenTLS}, {"onvif.listen", c.ONVIF.Listen}} {
		if other[1] == w.Listen && !strings.HasSuffix(w.Listen, ":0") {
			k.wrong("whep.listen", "this address is taken by "+other[0], "use another port")
		}
	}
}

func (k *checker) redis(r *Redis) {
	if r.Address != "" {
		k.hostPort("redis.address", r.Address)
	}
	k.password("redis", &r.Password, r.PasswordEnv)
	if r.DB < 0 {
		k.wrong("redis.db", "a database has no negative number", "use 0 or more")
	}
	if r.Prefix == "" || strings.ContainsAny(r.Prefix, "{} \t\r\n*?[]") {
		k.wrong("redis.prefix", "this prefix cannot begin a key", "use letters, digits and colons, such as pantau:")
	}
	if r.CA != "" && !r.TLS {
		k.wrong("redis.ca", "an authority is given, but not tls", "add tls: true")
	}
	k.file("redis.ca", &r.CA)
}

// wrong reports a bad value.
func (k *checker) wrong(path, problem, remedy string) {
	k.fault(path, &sidecar.FieldError{Field: path, Problem: problem, Remedy: remedy})
}

// passOn reports an error of a check from outside, below a path.
func (k *checker) passOn(path string, err error) {
	var f *sidecar.FieldError
	if !errors.As(err, &f) {
		f = &sidecar.FieldError{Problem: err.Error()}
	}
	if f.Field != "" {
		path = child(path, f.Field)
	}
	k.fault(path, f)
}

// word checks a name that becomes part of keys, paths and ids.
func (k *checker) word(path, v string) {
	const remedy = "use 1 to 64 letters, digits, dots, hyphens and underscores, beginning with a letter or digit"
	if v == "" {
		k.wrong(path, "this is missing", remedy)
		return
	}
	for i, c := range v {
		alnum := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		if !alnum && (i == 0 || !strings.ContainsRune("._-", c)) {
			k.wrong(path, fmt.Sprintf("%q has the character %q", v, c), remedy)
			return
		}
	}
	if len(v) > 64 {
		k.wrong(path, fmt.Sprintf("it has %d characters", len(v)), remedy)
	}
}

func (k *checker) timezone(path, v string) {
	if _, err := time.LoadLocation(v); err != nil || v == "" || v == "Local" {
		k.wrong(path, fmt.Sprintf("there is no time zone %q", v), "use an IANA name such as Asia/Jakarta")
	}
}

func (k *checker) model(path, name string) {
	if k.Model == nil || name == "" || name == "auto" {
		return
	}
	if err := k.Model(name); err != nil {
		k.passOn(path, err)
	}
}

// hostPort checks an address to connect to.
func (k *checker) hostPort(path, v string) {
	host, port, err := net.SplitHostPort(v)
	if err != nil || host == "" {
		k.wrong(path, fmt.Sprintf("%q is no address", v), "use host:port, such as redis.example.org:6379")
		return
	}
	k.port(path, port, 1)
}

// listen checks an address to listen on; port 0 takes a free one.
func (k *checker) listen(path, v string) {
	host, port, err := net.SplitHostPort(v)
	if err != nil || host != "" && host != "localhost" && net.ParseIP(host) == nil {
		k.wrong(path, fmt.Sprintf("%q is no address to listen on", v), "use address:port, such as 127.0.0.1:8443")
		return
	}
	k.port(path, port, 0)
}

func (k *checker) port(path, port string, least int) {
	n, err := strconv.Atoi(port)
	if err != nil || n < least || n > 65535 {
		k.wrong(path, fmt.Sprintf("there is no port %q", port), fmt.Sprintf("use %d to 65535", least))
	}
}

// password takes the password from the environment where that is said.
func (k *checker) password(path string, password *sidecar.Secret, env string) {
	if env == "" {
		return
	}
	at := child(path, "password_env")
	if !password.Empty() {
		k.wrong(at, "the password is given twice", "keep one of password and password_env")
		return
	}
	text, ok := k.Getenv(env)
	if !ok || text == "" {
		k.wrong(at, "the environment variable is not set, or empty", "set it for this process to the password")
		return
	}
	*password = sidecar.NewSecret(text)
}

func (k *checker) absolute(path *string) {
	if *path != "" && !filepath.IsAbs(*path) {
		*path = filepath.Join(k.folder, *path)
	}
}

// file makes a path absolute and looks whether a file is there.
func (k *checker) file(at string, path *string) {
	if *path == "" {
		return
	}
	k.absolute(path)
	info, err := os.Stat(*path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		k.wrong(at, "there is no such file", "give a path from the folder of this file, or from the root")
	case err != nil:
		k.wrong(at, "the file cannot be read", "let this process read it")
	case !info.Mode().IsRegular():
		k.wrong(at, "this is no file", "give the path of a file")
	}
}
