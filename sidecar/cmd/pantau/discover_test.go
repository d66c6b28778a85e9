package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"pantau/onvif"
	"pantau/onvif/onviftest"
	"pantau/sidecar"
	"pantau/sidecar/tap/taptest"
)

// lan is a network of namespaces of its own: nothing of this machine's is touched.
type lan struct {
	t      *testing.T
	prefix string
	links  int
}

// newLAN makes a switch with three subnets, 10.77.1.0/24 to 10.77.3.0/24, the third of
// which is reached by routing only. It skips the test where that is not permitted.
func newLAN(t *testing.T) *lan {
	l := &lan{t: t, prefix: fmt.Sprintf("pantau%d", os.Getpid()%10000)}
	if _, err := exec.LookPath("ip"); err != nil {
		t.Skip("there is no ip (iproute2), so there can be no network to discover in")
	}
	if out, err := exec.Command("ip", "netns", "add", l.name("sw")).CombinedOutput(); err != nil {
		t.Skipf("network namespaces are not permitted: %s", out)
	}
	t.Cleanup(func() { l.delete("sw") })
	l.ip("sw", "link set lo up")
	for i := 1; i <= 3; i++ {
		l.ip("sw", fmt.Sprintf("link add br%d type bridge mcast_snooping 0", i))
		l.ip("sw", fmt.Sprintf("addr add 10.77.%d.254/24 dev br%d", i, i))
		l.ip("sw", fmt.Sprintf("link set br%d up", i))
	}
	if out, err := exec.Command("ip", "netns", "exec", l.name("sw"), "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward").CombinedOutput(); err != nil {
		t.Skipf("routing is not permitted: %s", out)
	}
	return l
}

func (l *lan) name(host string) string { return l.prefix + host }

func (l *lan) delete(host string) { _ = exec.Command("ip", "netns", "del", l.name(host)).Run() } // at most it is left behind

// ip carries out an ip command in a host's namespace.
func (l *lan) ip(host, command string) {
	l.t.Helper()
	args := append([]string{"-n", l.name(host)}, strings.Fields(command)...)
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		l.t.Fatalf("ip %v: %v: %s", args, err, out)
	}
}

// host adds a namespace with an interface on each of some subnets.
func (l *lan) host(name string, addresses ...string) {
	l.t.Helper()
	if out, err := exec.Command("ip", "netns", "add", l.name(name)).CombinedOutput(); err != nil {
		l.t.Fatalf("adding %s: %s", name, out)
	}
	l.t.Cleanup(func() { l.delete(name) })
	l.ip(name, "link set lo up")
	for i, a := range addresses {
		l.links++
		subnet := strings.Split(a, ".")[2]
		port := fmt.Sprintf("p%d", l.links)
		l.ip("sw", fmt.Sprintf("link add %s type veth peer name eth%d netns %s", port, i, l.name(name)))
		l.ip("sw", fmt.Sprintf("link set %s master br%s up", port, subnet))
		l.ip(name, fmt.Sprintf("addr add %s/24 dev eth%d", a, i))
		l.ip(name, fmt.Sprintf("link set eth%d up", i))
		if i == 0 {
			l.ip(name, "route add default via 10.77."+subnet+".254")
		}
	}
}

// start runs a program in a host's namespace until the test ends, and waits until it
// says that it is ready.
func (l *lan) start(host, program string, args ...string) *exec.Cmd {
	l.t.Helper()
	cmd := exec.Command("ip", append([]string{"netns", "exec", l.name(host), program}, args...)...)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
	})
	ready := make([]byte, 5)
	if _, err := out.Read(ready); err != nil || string(ready) != "ready" {
		l.t.Fatalf("%s: got %q, %v, want ready", host, ready, err)
	}
	return cmd
}

// behind runs a fake camera that nobody else reaches, and lighttpd in front of it, which
// wants HTTP digest with an algorithm for everything.
func (l *lan) behind(host, address, fake, algorithm string) {
	l.t.Helper()
	l.host(host, address)
	l.start(host, fake, "-http=127.0.0.1:8080", "-multicast", "-model=Lighttpd-"+algorithm, "-serial="+host, `-quirks={"Advertised":"`+address+`:80"}`)
	dir := l.t.TempDir()
	config := filepath.Join(dir, "lighttpd.conf")
	for name, text := range map[string]string{
		filepath.Join(dir, "users"): "admin:p/w?d@#\n",
		config: `server.document-root = "` + dir + `"
server.port = 80
server.modules = ("mod_auth", "mod_authn_file", "mod_proxy")
auth.backend = "plain"
auth.backend.plain.userfile = "` + dir + `/users"
auth.require = ("" => ("method" => "digest", "algorithm" => "` + algorithm + `", "realm" => "camera", "require" => "valid-user"))
proxy.server = ("" => (("host" => "127.0.0.1", "port" => 8080)))
`} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			l.t.Fatal(err)
		}
	}
	l.run(host, "lighttpd", "-D", "-f", config)
}

// run runs a program in a host's namespace until the test ends.
func (l *lan) run(host, program string, args ...string) {
	l.t.Helper()
	cmd := exec.Command("ip", append([]string{"netns", "exec", l.name(host), program}, args...)...)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
	})
}

// fakecamera builds the fake device as a program.
func fakecamera(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "fakecamera")
	cmd := exec.Command("go", "build", "-o", path, "pantau/onvif/examples/fakecamera")
	cmd.Dir = checkout()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building the fake camera: %v: %s", err, out)
	}
	return path
}

// TestDiscoverInANetworkOfItsOwn finds cameras as they are found in a city: on two
// interfaces, on another subnet, behind a port forward, with clocks and passwords of
// their own; each once, and with a stream that is there.
func TestDiscoverInANetworkOfItsOwn(t *testing.T) {
	pantau := program(t)
	l := newLAN(t)
	fake := fakecamera(t)
	const signed = `-user=admin -password=p/w?d@# -multicast`
	for _, h := range []struct{ name, address, model, more, quirks string }{
		{"one", "10.77.1.11", "Near", signed, `{}`},
		{"two", "10.77.2.12", "Second-interface", signed, `{}`},
		{"far", "10.77.3.13", "Other-subnet", signed, `{}`},
		{"clock", "10.77.1.14", "Clock-off", signed, `{"ClockOffset":7200000000000}`},
		{"digest", "10.77.1.15", "Digest-only", signed, `{"DigestOnly":"SHA-256"}`},
		{"media2", "10.77.2.16", "Media2-only", signed + ` -profiles=[{"Token":"h","Name":"h","Source":"v","Codec":"H265","Width":1280,"Height":720,"Rate":15,"GOP":30,"BitRate":1000}]`, `{"NoMedia1":true}`},
		{"twice", "10.77.2.17", "Answers-twice", signed, `{"Twice":true,"SeveralXAddrs":true}`},
		{"computer", "10.77.1.18", "Computer", "-multicast", `{"NotCamera":true,"Twice":true}`},
		{"inner", "10.77.3.19", "Port-forward", signed, `{"Advertised":"192.168.50.2:80"}`},
	} {
		l.host(h.name, h.address)
		args := append(strings.Fields(h.more), "-model="+h.model, "-serial="+h.name, "-quirks="+h.quirks)
		l.start(h.name, fake, args...)
	}
	// Programs of others, where they are installed.
	want := inTheLAN()
	if _, err := exec.LookPath("lighttpd"); err == nil {
		l.behind("lightm", "10.77.1.22", fake, "MD5")
		l.behind("lights", "10.77.2.23", fake, "SHA-256")
		want["Lighttpd-MD5"], want["Lighttpd-SHA-256"] = "rtsp://10.77.1.22/sub", "rtsp://10.77.2.23/sub"
	} else {
		t.Log("there is no lighttpd, whose HTTP digest would be tried too")
	}
	if _, err := exec.LookPath("wsdd"); err == nil {
		l.host("wsdd", "10.77.1.24")
		l.run("wsdd", "wsdd", "-4", "-n", "desktop")
	} else {
		t.Log("there is no wsdd, which would answer too and be no camera")
	}
	// The gateway passes two ports on. The inner camera's own subnet is looked through
	// only as far as the other one.
	l.host("gateway", "10.77.1.20")
	l.start("gateway", fake, "-forward", ":8081=10.77.3.19:80,:554=10.77.3.19:554")
	l.host("client", "10.77.1.1", "10.77.2.1")
	time.Sleep(2 * time.Second) // IPv6 looks for duplicates of its addresses (RFC 4862); nothing tells when it is done
	for _, warm := range []string{"", "again"} {
		cmd := exec.Command("ip", "netns", "exec", l.name("client"), pantau, "discover", "10.77.1.20:8081", "--range", "10.77.3.8/29",
			"--sign-in", "10.77.0.0/16", "--user", "admin", "--password-env", "CAM_PW", "--json")
		cmd.Env = append(os.Environ(), "CAM_PW=p/w?d@#")
		var out, errs bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &errs
		began := time.Now()
		if err := cmd.Run(); err != nil {
			t.Fatalf("%v: %s", err, errs.String())
		}
		took := time.Since(began)
		t.Logf("discover %s took %v", warm, took.Round(time.Millisecond))
		checkLAN(t, out.String(), maps.Clone(want))
		if took > 6*time.Second && !busy() {
			t.Errorf("took %v, want less than 6 s", took)
		}
	}
}

// TestDiscoverHearsWhatComesAndGoes watches a network while a camera says Hello and Bye.
func TestDiscoverHearsWhatComesAndGoes(t *testing.T) {
	pantau := program(t)
	l := newLAN(t)
	fake := fakecamera(t)
	l.host("client", "10.77.1.1")
	l.host("late", "10.77.1.21")
	cmd := exec.Command("ip", "netns", "exec", l.name("client"), pantau, "discover", "--watch", "--json")
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Signal(os.Interrupt)
		if err := cmd.Wait(); err != nil {
			t.Errorf("after Ctrl-C: %v", err)
		}
	}()
	time.AfterFunc(time.Minute, func() { cmd.Process.Kill() }) // nothing came: the lines end
	time.Sleep(3 * time.Second)                                // its three probes have passed, so that only Hello tells
	camera := l.start("late", fake, "-multicast", "-model=Late")
	lines := bufio.NewReader(out)
	line, err := lines.ReadString('\n')
	if err != nil || !strings.Contains(line, `"found":["hello"`) || !strings.Contains(line, `"model":"Late"`) {
		t.Errorf("got %q, %v, want what said Hello", line, err)
	}
	if err := camera.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if line, err = lines.ReadString('\n'); err != nil || !strings.Contains(line, `"gone":true`) || !strings.Contains(line, "Late") {
		t.Errorf("got %q, %v, want what said Bye", line, err)
	}
}

// inTheLAN are the models of the cameras that are always there, and their streams.
func inTheLAN() map[string]string {
	return map[string]string{
		"Near": "rtsp://10.77.1.11/sub", "Second-interface": "rtsp://10.77.2.12/sub", "Other-subnet": "rtsp://10.77.3.13/sub",
		"Clock-off": "rtsp://10.77.1.14/sub", "Digest-only": "rtsp://10.77.1.15/sub", "Media2-only": "rtsp://10.77.2.16/h",
		"Answers-twice": "rtsp://10.77.2.17/sub", "Port-forward": "rtsp://10.77.1.20/sub",
	}
}

// checkLAN compares what was found with the streams that are wanted of each model.
func checkLAN(t *testing.T, output string, want map[string]string) {
	t.Helper()
	if strings.Contains(output, "p/w?d") {
		t.Error("the password was printed")
	}
	for line := range strings.Lines(output) {
		var f finding
		if err := json.Unmarshal([]byte(line), &f); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if f.Report == nil || len(f.Report.Sources) != 1 {
			t.Errorf("got %s", line)
			continue
		}
		r, s := f.Report, f.Report.Sources[0]
		stream, there := want[r.Model]
		if !there {
			t.Errorf("got %s once too often: %s", r.Model, line)
		}
		delete(want, r.Model)
		if strings.Replace(s.Stream.URL, ":554/", "/", 1) != stream || !s.Works || len(r.Trouble) > 0 {
			t.Errorf("%s: got %s, works %v, trouble %q, want %s", r.Model, s.Stream.URL, s.Works, r.Trouble, stream)
		}
		if off := r.ClockOffset.Round(time.Minute); r.Model == "Clock-off" && off != 2*time.Hour || r.Model != "Clock-off" && off != 0 {
			t.Errorf("%s: got clock offset %v", r.Model, r.ClockOffset)
		}
		if (r.Model == "Digest-only" || strings.HasPrefix(r.Model, "Lighttpd")) && r.SignIn != "digest" || r.Model == "Near" && r.SignIn != "token" {
			t.Errorf("%s: got sign-in %q", r.Model, r.SignIn)
		}
	}
	if len(want) > 0 {
		t.Errorf("not found: %v in\n%s", want, output)
	}
}

// busy says whether others keep this machine so busy that times say nothing.
func busy() bool {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return false
	}
	var load float64
	_, _ = fmt.Sscan(string(text), &load) // 0 is not busy
	return load > 6
}

// TestProbeOfAnONVIFCameraEndsAtItsStream asks a device whose streams are a clip.
func TestProbeOfAnONVIFCameraEndsAtItsStream(t *testing.T) {
	program(t)
	c, err := taptest.New(taptest.Options{Clip: filepath.Join(checkout(), "share/pantau/demo.mp4"), User: "admin", Password: sidecar.NewSecret("p/w?d@#")})
	if err != nil {
		t.Fatal(err)
	}
	d, err := onviftest.New(onviftest.Options{User: "admin", Password: "p/w?d@#", Model: "FC-1", Serial: "7",
		Quirks: onviftest.Quirks{ClockOffset: time.Hour, StreamURI: c.URL()}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 2)
	go func() { ended <- c.Run(ctx) }() // both received below
	go func() { ended <- d.Run(ctx) }()
	defer func() { cancel(); <-ended; <-ended }()
	t.Setenv("CAM_PW", "p/w?d@#")
	code, out := says(t, "probe", d.Address(), "--user", "admin", "--password-env", "CAM_PW", "--for", "2s")
	for _, want := range []string{"Fake FC-1", "+3600 s", "token", "ver20/media/wsdl", "sub", "H264 640×360", c.URL(), "codec ", "frames/s"} {
		if !strings.Contains(out, want) {
			t.Errorf("got no %q in\n%s", want, out)
		}
	}
	if code != 0 || strings.Contains(out, "p/w?d") {
		t.Errorf("got exit code %d:\n%s", code, out)
	}
	pictures := filepath.Join(t.TempDir(), "pictures")
	file := write(t, "pantau.yaml", "cameras: [{id: gate, source: {onvif: \""+d.Address()+"\", user: admin, password_env: CAM_PW}}]")
	if code, out := says(t, "check", "--ask", file); code != 0 || !strings.Contains(out, "gate") || !strings.Contains(out, "640×360") || !strings.Contains(out, c.URL()) {
		t.Errorf("check: got exit code %d:\n%s", code, out)
	}
	if code, out := says(t, "probe", d.Address(), "--profile", "nowhere", "--user", "admin", "--password-env", "CAM_PW"); code != exitUsage || !strings.Contains(out, `no profile "nowhere"; there are main, sub`) {
		t.Errorf("another profile: got exit code %d:\n%s", code, out)
	}
	code, out = says(t, "probe", d.Address(), "--user", "admin")
	if code != exitUsage || !strings.Contains(out, "check user and password") {
		t.Errorf("a wrong password: got exit code %d:\n%s", code, out)
	}
	if code, out := says(t, "discover", d.Address(), "--for", "100ms", "--interface", "none", "--user", "admin", "--password-env", "CAM_PW", "--snapshots", pictures); code != 0 || strings.Count(out, "Fake FC-1") != 1 {
		t.Errorf("discover: got exit code %d:\n%s", code, out)
	}
	picture, err := os.ReadFile(filepath.Join(pictures, strings.Replace(d.Address(), ":", "-", 1)+".jpg"))
	if err != nil || string(picture) != onviftest.Picture {
		t.Errorf("snapshots: got %q, %v", picture, err)
	}
}

func TestWhatNamesAnONVIFCamera(t *testing.T) {
	for text, want := range map[string]bool{
		"10.2.4.21": true, "10.2.4.21:8080": true, "camera-7.local": true, "http://10.2.4.21/onvif/device_service": true, "fe80::1%eth0": true,
		"rtsp://10.2.4.21/x": false, "street.mp4": false, "htp:/10.2.4.21": false, "": false, "discover_test.go": false,
	} {
		if got := namesONVIF(text); got != want {
			t.Errorf("%q: got %v, want %v", text, got, want)
		}
	}
}

func TestThePasswordGoesToNamedHostsOnly(t *testing.T) {
	c := discoverCmd{Hosts: []string{"10.1.1.1:8081", "http://gate.local/x"}, Range: []string{"10.2.0.0/24"}, SignIn: []string{"10.3.0.7"}}
	_, o, err := c.settings()
	if err != nil {
		t.Fatal(err)
	}
	for host, want := range map[string]bool{"10.1.1.1": true, "gate.local": true, "10.2.0.9": true, "10.3.0.7": true, "10.1.1.2": false, "10.3.0.8": false, "other.local": false, "fe80::1%eth0": false} {
		if got := o.Confirm(host); got != want {
			t.Errorf("%s: got %v, want %v", host, got, want)
		}
	}
	if _, _, err := (&discoverCmd{Range: []string{"10.2.0.0/99"}}).settings(); err == nil {
		t.Error("a range that is none was taken")
	}
	if got := onvif.HostOf("rtsp://[fe80::1]:554/x"); got != "fe80::1" {
		t.Errorf("got %q", got)
	}
}
