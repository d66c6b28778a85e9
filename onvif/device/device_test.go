package device

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pantau/onvif"
	"pantau/onvif/soap"
)

func b64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

// TestOurClient asks as any VMS does: the time, services, profiles, streams, pictures.
func TestOurClient(t *testing.T) {
	h265 := Camera{ID: "cam-2", Streams: []Stream{{Name: "main", Path: "cam-2", Video: Video{Codec: "H265", Width: 1920, Height: 1080, Rate: 15}}}}
	s := start(t, Options{}, street(), h265)
	c, err := onvif.Dial(t.Context(), s.Addr(""), onvif.Options{Credentials: soap.Credentials{User: "viewer", Password: soap.NewSecret(password)}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	info, err := c.Information(t.Context())
	if err != nil || info.Manufacturer != "Pantau" || info.Serial == "" || c.Scheme() != soap.Token {
		t.Errorf("got %+v, %v by %q", info, err, c.Scheme())
	}
	if len(c.Services()) != 5 {
		t.Errorf("got services %+v", c.Services())
	}
	profiles, err := c.Profiles(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range profiles {
		stream, err := c.Stream(t.Context(), p)
		if err != nil {
			t.Error(err)
		}
		picture, err := c.Snapshot(t.Context(), p)
		if err != nil || picture != "http://"+s.Addr("")+"/snapshot/"+p.Token+".jpg" {
			t.Errorf("got picture %q, %v", picture, err)
		}
		got = append(got, fmt.Sprintf("%s %s %s %dx%d %g %s", p.Token, p.Source, p.Codec, p.Width, p.Height, p.Rate, stream.URL))
	}
	want := []string{"cam-1 cam-1 H264 1280x720 25 rtsp://127.0.0.1:8554/cam-1", "cam-1_overlay cam-1 H264 640x360 12.5 rtsp://127.0.0.1:8554/cam-1/overlay",
		"cam-2 cam-2 H265 1920x1080 15 rtsp://127.0.0.1:8554/cam-2"}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if err := c.SetSynchronizationPoint(t.Context(), profiles[0]); err != nil {
		t.Error(err)
	}
}

// TestHomeAssistantsCalls are made in Home Assistant's order; what fails there fails its
// set-up.
func TestHomeAssistantsCalls(t *testing.T) {
	s := start(t, Options{Each: true}, street())
	for _, c := range []struct {
		space, name, inner string
		want               []string // path to a text that is there
	}{
		{deviceSpace, "GetSystemDateAndTime", "", []string{"SystemDateAndTime", "UTCDateTime", "Date", "Year"}},
		{deviceSpace, "GetDeviceInformation", "", []string{"SerialNumber"}},
		{deviceSpace, "GetNetworkInterfaces", "", []string{"NetworkInterfaces", "Info", "HwAddress"}},
		{deviceSpace, "GetCapabilities", "<Category>All</Category>", []string{"Capabilities", "Events", "XAddr"}},
		{mediaSpace, "GetServiceCapabilities", "", nil},
		{eventSpace, "GetServiceCapabilities", "", nil},
		{mediaSpace, "GetProfiles", "", []string{"Profiles", "VideoEncoderConfiguration", "Resolution", "Width"}},
		{mediaSpace, "GetSnapshotUri", "<ProfileToken>cam-1</ProfileToken>", []string{"MediaUri", "Uri"}},
		{mediaSpace, "GetStreamUri", "<StreamSetup><tt:Stream>RTP-Unicast</tt:Stream><tt:Transport><tt:Protocol>RTSP</tt:Protocol></tt:Transport></StreamSetup><ProfileToken>cam-1</ProfileToken>", []string{"MediaUri", "Uri"}},
		{eventSpace, "CreatePullPointSubscription", "<InitialTerminationTime>PT10M</InitialTerminationTime>", []string{"SubscriptionReference", "Address"}},
	} {
		got, err := ask(t, s, "viewer", c.space, c.name, c.inner)
		if err != nil || got.Name != c.name+"Response" || len(c.want) > 0 && got.Text(c.want...) == "" {
			t.Errorf("%s: got %v, %v", c.name, got, err)
		}
	}
	got, err := ask(t, s, "viewer", mediaSpace, "GetProfiles", "")
	if err != nil {
		t.Fatal(err)
	}
	h264 := 0
	for _, p := range got.All("Profiles") {
		if p.Text("VideoEncoderConfiguration", "Encoding") == "H264" {
			h264++
		}
		if p.Child("MetadataConfiguration") == nil || p.Child("VideoAnalyticsConfiguration") == nil || p.Text("MetadataConfiguration", "Analytics") != "true" {
			t.Errorf("profile %q has no metadata or no analytics", p.Attr("token"))
		}
	}
	if h264 != 2 {
		t.Errorf("got %d profiles of H.264, want 2", h264)
	}
}

// TestFoundOrEnteredADeviceIsTheSame: Home Assistant knows one that it found by the address
// in its scopes, and one that was entered by that of its network interface.
func TestFoundOrEnteredADeviceIsTheSame(t *testing.T) {
	second := street()
	second.ID = "cam-2"
	s := start(t, Options{Each: true}, street(), second)
	seen := map[string]bool{}
	for _, id := range []string{"cam-1", "cam-2"} {
		got, err := askAt(t, "http://"+s.Addr(id)+"/onvif/device_service", "viewer", deviceSpace, "GetNetworkInterfaces", "")
		if err != nil {
			t.Fatal(err)
		}
		mac := got.Text("NetworkInterfaces", "Info", "HwAddress")
		if seen[mac] || !slices.Contains(s.units[id].scopes(), "onvif://www.onvif.org/mac/"+mac) {
			t.Errorf("%s: %q is another's, or not among %q", id, mac, s.units[id].scopes())
		}
		seen[mac] = true
	}
}

// TestAddressesAreTheClients: whatever is named lies where the client has come to.
func TestAddressesAreTheClients(t *testing.T) {
	s := start(t, Options{}, street())
	_, port, _ := strings.Cut(s.Addr(""), ":")
	for host, want := range map[string]string{
		"cameras.example.org:8080": "http://cameras.example.org:8080",
		"cameras.example.org:80":   "http://cameras.example.org",
		"10.1.2.3":                 "http://10.1.2.3:" + port, // as libonvif writes it
		"[fe80::1]:8080":           "http://[fe80::1]:8080",
		"[fe80::1]":                "http://[fe80::1]:" + port,
		"evil<x>:80":               "", "a b": "", "x:notaport": "http://x", "": "",
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+s.Addr("")+"/onvif/device_service", strings.NewReader(message("", body(deviceSpace, "GetServices", ""))))
		if err != nil {
			t.Fatal(err)
		}
		req.Host = host
		if host == "" {
			continue // net/http puts its own
		}
		res, err := client(t).Do(req)
		if err != nil {
			if want != "" {
				t.Errorf("%q: %v", host, err)
			}
			continue // net/http does not send it
		}
		text, _ := io.ReadAll(res.Body)
		res.Body.Close()
		e, err := soap.ReadEnvelope(text)
		switch {
		case want == "" && res.StatusCode != http.StatusBadRequest:
			t.Errorf("%q: got %s, want it refused", host, res.Status)
		case want != "" && (err != nil || e.Body.Text("Service", "XAddr") != want+"/onvif/device_service"):
			t.Errorf("%q: got %s, want %s", host, text, want)
		}
	}
}

// TestOldSOAPIsAnsweredInItsOwnWords: SOAP 1.1, and no length is left out.
func TestOldSOAPIsAnsweredInItsOwnWords(t *testing.T) {
	s := start(t, Options{}, street())
	document := `<S:Envelope xmlns:S="` + soap.Space11 + `"><S:Body><GetCapabilities xmlns="` + deviceSpace + `"/></S:Body></S:Envelope>`
	res, text := post(t, client(t), "http://"+s.Addr("")+"/onvif/device_service", document)
	if !strings.Contains(text, soap.Space11) || !strings.HasPrefix(res.Header.Get("Content-Type"), "text/xml") || res.ContentLength != int64(len(text)) {
		t.Errorf("got %v of %d bytes: %s", res.Header, res.ContentLength, text)
	}
	document = strings.Replace(document, "GetCapabilities", "GetScopes", 1)
	res, text = post(t, client(t), "http://"+s.Addr("")+"/onvif/device_service", document)
	_, err := soap.ReadEnvelope([]byte(text))
	if !errors.Is(err, soap.ErrUnauthorized) || res.StatusCode != http.StatusUnauthorized || !strings.Contains(text, "<faultcode>") {
		t.Errorf("got %s %s, %v", res.Status, text, err)
	}
}

// TestPrefixesNeedNotBeDeclared: the path says which service is meant.
func TestPrefixesNeedNotBeDeclared(t *testing.T) {
	s := start(t, Options{}, street())
	for _, path := range []string{"media_service", "media2_service"} {
		_, text := post(t, client(t), "http://"+s.Addr("")+"/onvif/"+path, `<Envelope><Header>`+token("viewer", password, nonce(), time.Now())+`</Header><Body><trt:GetProfiles/></Body></Envelope>`)
		if !strings.Contains(text, "GetProfilesResponse") {
			t.Errorf("%s: got %s", path, text)
		}
	}
}

func TestHarmfulRequestsAreRefused(t *testing.T) {
	s := start(t, Options{}, street())
	for name, document := range map[string]string{
		"entities": `<!DOCTYPE a [<!ENTITY b "cc">]>` + message("", body(deviceSpace, "GetServices", "&b;")),
		"deep":     message("", strings.Repeat("<a>", 100)),
		"broken":   message("", "<GetServices"),
		"empty":    "",
		"no body":  message("", ""),
		"a fault":  message("", "<Fault/>"),
		"large":    message("", body(deviceSpace, "GetServices", strings.Repeat(" ", maxRequest))),
		"many":     message("", body(deviceSpace, "GetServices", strings.Repeat("<a/>", 60_000))),
	} {
		res, text := post(t, client(t), "http://"+s.Addr("")+"/onvif/device_service", document)
		refused := res.StatusCode == http.StatusBadRequest && strings.Contains(text, "WellFormed") || res.StatusCode == http.StatusRequestEntityTooLarge
		if name == "many" {
			refused = res.StatusCode == http.StatusOK // it is harmless: within all bounds
		}
		if !refused {
			t.Errorf("%s: got %s %.200s", name, res.Status, text)
		}
	}
	for path, want := range map[string]int{"/": 404, "/onvif/device_service": 405, "/snapshot/../x": 401, "/snapshot/cam-1.jpg": 401} {
		res, err := client(t).Get("http://" + s.Addr("") + path)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != want {
			t.Errorf("%s: got %d, want %d", path, res.StatusCode, want)
		}
	}
}

// TestWhatADeviceIsKnownByStays over a restart: its UUID, its port, and its video.
func TestWhatADeviceIsKnownByStays(t *testing.T) {
	file := filepath.Join(t.TempDir(), "onvif.json")
	tell := func(first int, cameras ...Camera) (out []string) {
		s, err := New(Options{Backend: &people{}, Listen: fmt.Sprintf("127.0.0.1:%d", first), Each: true, State: file})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range cameras {
			s.Put(c)
			out = append(out, s.Addr(c.ID)+" "+s.units[c.ID].id+" "+s.units[c.ID].profiles()[0].stream.Video.Codec)
		}
		if text, err := os.ReadFile(file); err != nil || !strings.Contains(string(text), `"codec": "H264"`) {
			t.Errorf("the video is not kept at once: %s, %v", text, err)
		}
		s.Put(Camera{ID: "new"})
		if s.Addr("new") == "" || s.Addr("new") == s.Addr("cam-1") {
			t.Errorf("a new camera is at %q", s.Addr("new"))
		}
		s.Remove("new")
		if s.Addr("new") != "" {
			t.Error("a camera that went is still there")
		}
		ctx, cancel := contextEnded()
		defer cancel()
		if err := s.Run(ctx); err != nil {
			t.Fatal(err)
		}
		return out
	}
	two := street()
	two.ID = "cam-2"
	first := freePort(t)
	before := tell(first, street(), two)
	for i := range two.Streams {
		two.Streams[i].Video = Video{} // no picture has come yet
	}
	after := tell(first, two)
	if after[0] != before[1] {
		t.Errorf("got %s, want %s", after[0], before[1])
	}
}

// TestACameraIsOfferedThoughItsPortCannotBeKept and closed in the end.
func TestACameraIsOfferedThoughItsPortCannotBeKept(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "state")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	s, err := New(Options{Backend: &people{}, Listen: fmt.Sprintf("127.0.0.1:%d", freePort(t)), Each: true, State: filepath.Join(folder, "onvif.json"),
		Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}
	bare := Camera{ID: "cam-1"}
	s.Put(bare)
	s.Put(bare)
	if s.Addr("cam-1") == "" || strings.Count(log.String(), "may be another after a restart") != 1 {
		t.Errorf("got %q: %s", s.Addr("cam-1"), &log)
	}
	ctx, cancel := contextEnded()
	defer cancel()
	if err := s.Run(ctx); err == nil || !strings.Contains(err.Error(), folder) {
		t.Errorf("got %v", err)
	}
}

// TestStreamsAreAskedForInAnyLetters: multicast is refused, however it is spelt.
func TestStreamsAreAskedForInAnyLetters(t *testing.T) {
	s := start(t, Options{}, street())
	setup := func(stream, protocol string) string {
		return "<StreamSetup><tt:Stream>" + stream + "</tt:Stream><tt:Transport><tt:Protocol>" + protocol + "</tt:Protocol></tt:Transport></StreamSetup><ProfileToken>cam-1</ProfileToken>"
	}
	for _, c := range []struct {
		space, inner string
		refused      bool
	}{
		{mediaSpace, setup("RTP-Unicast", "RTSP"), false},
		{mediaSpace, setup("rtp-unicast", "rtsp"), false},
		{mediaSpace, setup("RTP_unicast", "RTSP"), false}, // ZoneMinder's first try
		{mediaSpace, setup("RTP-Multicast", "UDP"), true},
		{mediaSpace, setup("RTP-multicast", "RTSP"), true},
		{mediaSpace, setup("RTP-Unicast", "http"), true},
		{media2Space, "<Protocol>RTSP</Protocol><ProfileToken>cam-1</ProfileToken>", false},
		{media2Space, "<Protocol>RTSPMulticast</Protocol><ProfileToken>cam-1</ProfileToken>", true},
		{media2Space, "<Protocol>RtspOverHTTP</Protocol><ProfileToken>cam-1</ProfileToken>", true},
	} {
		_, err := ask(t, s, "viewer", c.space, "GetStreamUri", c.inner)
		if (err != nil) != c.refused || err != nil && !strings.Contains(err.Error(), "InvalidStreamSetup") {
			t.Errorf("%s: got %v", c.inner, err)
		}
	}
}

// TestASynchronizationPointAsksTheCamera for a key picture, by either media service.
func TestASynchronizationPointAsksTheCamera(t *testing.T) {
	backend := &people{}
	s := start(t, Options{Backend: backend}, street())
	for space, profile := range map[string]string{mediaSpace: "cam-1", media2Space: "cam-1_overlay"} {
		if _, err := ask(t, s, "viewer", space, "SetSynchronizationPoint", "<ProfileToken>"+profile+"</ProfileToken>"); err != nil {
			t.Error(err)
		}
		if _, err := ask(t, s, "viewer", space, "SetSynchronizationPoint", "<ProfileToken>nobody</ProfileToken>"); err == nil {
			t.Error("a profile that is not there")
		}
	}
	if got := strings.Join(backend.keys, " "); got != "cam-1 cam-1" {
		t.Errorf("asked %q", got)
	}
}
