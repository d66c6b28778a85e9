package device

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"pantau/onvif/soap"
)

func contextEnded() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx, func() {}
}

// freePort is a port of loopback after which some are free too, most likely.
func freePort(t *testing.T) int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// preAuth are the operations that ONVIF lets everybody call (Core 5.9.4.3, and the access
// class of each): no others may be answered without credentials.
var preAuth = map[string]bool{"GetSystemDateAndTime": true, "GetServices": true, "GetServiceCapabilities": true, "GetCapabilities": true,
	"GetHostname": true, "GetWsdlUrl": true, "GetEndpointReference": true}

func TestNothingButPreAuthIsAnsweredToStrangers(t *testing.T) {
	s := start(t, Options{}, street())
	n := 0
	c := client(t)
	for _, service := range append(s.services, soapless()) {
		for name := range service.operations {
			n++
			res, text := post(t, c, "http://"+s.Addr("")+service.path, message("", body(service.space, name, "<ProfileToken>cam-1</ProfileToken><ConfigurationToken>cam-1</ConfigurationToken>")))
			challenges := res.Header.Values("WWW-Authenticate")
			refused := res.StatusCode == http.StatusUnauthorized && strings.Contains(text, "NotAuthorized") && len(challenges) == 2 &&
				strings.Contains(challenges[0], "SHA-256") && strings.Contains(challenges[1], "MD5")
			if preAuth[name] == refused || preAuth[name] && res.StatusCode != http.StatusOK {
				t.Errorf("%s %s: got %s, %v", service.path, name, res.Status, challenges)
			}
		}
	}
	if n < 80 {
		t.Errorf("got only %d operations", n)
	}
}

// soapless is a service that is not there: who asks for it is asked who it is first.
func soapless() service {
	return service{space: "urn:x", path: "/onvif/x", operations: map[string]operation{"DoIt": {}}}
}

// TestOnlyAdministratorsChange goes through every operation that changes something.
func TestOnlyAdministratorsChange(t *testing.T) {
	backend := &people{}
	s := start(t, Options{Backend: backend}, street())
	for _, service := range s.services {
		for name, op := range service.operations {
			if op.access != change {
				continue
			}
			_, err := ask(t, s, "viewer", service.space, name, "<ConfigurationToken>cam-1</ConfigurationToken><RuleName>zone</RuleName>")
			if f := (*soap.Fault)(nil); !errors.As(err, &f) || !errors.Is(err, soap.ErrUnauthorized) || !strings.Contains(f.Reason, "administrator") {
				t.Errorf("%s: got %v", name, err)
			}
		}
	}
	if len(backend.changes) > 0 {
		t.Errorf("changed %q", backend.changes)
	}
}

func TestTokens(t *testing.T) {
	s := start(t, Options{}, street())
	now := time.Now()
	s.gate.now = func() time.Time { return now }
	c := client(t)
	send := func(header string) (int, string) {
		res, text := post(t, c, "http://"+s.Addr("")+"/onvif/device_service", message(header, body(deviceSpace, "GetScopes", "")))
		return res.StatusCode, text
	}
	for _, tt := range []struct{ name, header, want string }{
		{"right", token("viewer", password, "a", now), "GetScopesResponse"},
		{"a few minutes off", token("viewer", password, "b", now.Add(-4*time.Minute)), "GetScopesResponse"},
		{"no prefixes", strings.ReplaceAll(token("viewer", password, "c", now), "wsse:", ""), "GetScopesResponse"},
		{"old", token("viewer", password, "d", now.Add(-6*time.Minute)), "GetSystemDateAndTime gives it"},
		{"of the future", token("viewer", password, "e", now.Add(6*time.Minute)), "GetSystemDateAndTime gives it"},
		{"wrong password", token("viewer", "x", "f", now), "password refused"},
		{"no such user", token("nobody", "", "g", now), "password refused"},
		{"no nonce", token("viewer", password, "", now), "no nonce"},
		{"a long nonce", token("viewer", password, strings.Repeat("n", 300), now), "no nonce"},
		{"in clear", strings.Replace(token("viewer", password, "h", now), "#PasswordDigest", "#PasswordText", 1), "not taken in clear"},
		{"no time", strings.Replace(token("viewer", password, "i", now), "Created", "Crated", 2), "GetSystemDateAndTime gives it"},
		{"trouble", token("broken", password, "j", now), "its log says what"},
	} {
		status, text := send(tt.header)
		if !strings.Contains(text, tt.want) || strings.HasSuffix(tt.want, "Response") != (status == http.StatusOK) || strings.Contains(text, "very-secret") {
			t.Errorf("%s: got %d %s", tt.name, status, text)
		}
	}
	again := token("viewer", password, "a", now)
	if status, _ := send(again); status != http.StatusOK {
		t.Errorf("in the same second, from the same host: got %d", status)
	}
	now = now.Add(2 * hurry)
	if status, text := send(again); status != http.StatusBadRequest || !strings.Contains(text, "used before") {
		t.Errorf("later: got %d %s", status, text)
	}
	if status, text := send(strings.Replace(again, ">viewer<", ">VIEWER<", 1)); status != http.StatusBadRequest || !strings.Contains(text, "used before") {
		t.Errorf("later, under the same name in capitals: got %d %s", status, text)
	}
}

// TestATokenChangesNothingTwice: what reads may be hurried, what changes may not.
func TestATokenChangesNothingTwice(t *testing.T) {
	s := start(t, Options{}, street())
	header, c := token("admin", password, "a", time.Now()), client(t)
	for _, want := range []int{http.StatusOK, http.StatusBadRequest} {
		res, text := post(t, c, "http://"+s.Addr("")+"/onvif/analytics_service", message(header, body(analyticsSpace, "DeleteRules", "<ConfigurationToken>cam-1</ConfigurationToken><RuleName>zone</RuleName>")))
		if res.StatusCode != want {
			t.Errorf("got %s %s, want %d", res.Status, text, want)
		}
	}
}

// TestHTTPDigest signs by hand what the strongest challenge asks for, and what others do.
func TestHTTPDigest(t *testing.T) {
	s := start(t, Options{}, street())
	now := time.Now()
	s.gate.now = func() time.Time { return now }
	c := client(t)
	url := "http://" + s.Addr("") + "/onvif/device_service"
	send := func(authorization string) *http.Response {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(message("", body(deviceSpace, "GetScopes", ""))))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", authorization)
		res, err := c.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, res.Body)
		res.Body.Close()
		return res
	}
	viewer := soap.Credentials{User: "viewer", Password: soap.NewSecret(password)}
	strong := send("").Header
	weak := strong.Clone()
	weak["Www-Authenticate"] = weak["Www-Authenticate"][1:]
	sign := func(h http.Header, uri string, c soap.Credentials) string {
		return soap.Authorization(h, http.MethodPost, uri, c)
	}
	named := func(authorization string) string { return strings.Replace(authorization, "MD5", "SHA-256", 1) }
	right := sign(strong, "/onvif/device_service", viewer)
	for _, tt := range []struct {
		name, authorization string
		status              int
		stale               bool
	}{
		{"SHA-256", right, 200, false},
		{"the same count again", right, 401, true},
		{"another nonce, MD5", sign(challenge(t, send, 1), "/onvif/device_service", viewer), 200, false},
		{"MD5 by the name of the stronger", named(sign(challenge(t, send, 1), "/onvif/device_service", viewer)), 200, false},
		{"that with a wrong password", named(sign(challenge(t, send, 1), "/onvif/device_service", soap.Credentials{User: "viewer", Password: soap.NewSecret("x")})), 401, false},
		{"written out", sign(challenge(t, send, 0), url, viewer), 200, false},
		{"wrong password", sign(challenge(t, send, 0), "/onvif/device_service", soap.Credentials{User: "viewer", Password: soap.NewSecret("x")}), 401, false},
		{"another address", sign(challenge(t, send, 0), "/onvif/media_service", viewer), 401, false},
		{"a nonce of others", strings.Replace(sign(challenge(t, send, 0), "/onvif/device_service", viewer), `nonce="`, `nonce="A`, 1), 401, true},
		{"Basic", "Basic dmlld2VyOng=", 401, false},
		{"nonsense", `Digest username="`, 401, false},
		{"without qop", `Digest username="viewer", realm="Pantau", nonce="x", uri="/onvif/device_service", response="00"`, 401, false},
	} {
		res := send(tt.authorization)
		if got := strings.Contains(res.Header.Get("WWW-Authenticate"), "stale=true"); res.StatusCode != tt.status || got != tt.stale {
			t.Errorf("%s: got %s, stale %v", tt.name, res.Status, got)
		}
	}
	late := sign(challenge(t, send, 0), "/onvif/device_service", viewer)
	now = now.Add(window + time.Second)
	if res := send(late); res.StatusCode != 401 || !strings.Contains(res.Header.Get("WWW-Authenticate"), "stale=true") {
		t.Errorf("an old nonce: got %s", res.Status)
	}
}

// challenge gets a new one: the first or the second that is offered.
func challenge(t *testing.T, send func(string) *http.Response, i int) http.Header {
	t.Helper()
	all := send("").Header["Www-Authenticate"]
	return http.Header{"Www-Authenticate": all[i : i+1]}
}

func TestCountsAreTakenOnce(t *testing.T) {
	var c counter
	for i, tt := range []struct {
		n    int
		want bool
	}{{1, true}, {1, false}, {3, true}, {2, true}, {2, false}, {70, true}, {3, false}, {7, true}, {6, false}, {1000, true}, {999, true}, {1000, false}} {
		if got := c.take(tt.n); got != tt.want {
			t.Errorf("%d: taking %d: got %v, want %v", i, tt.n, got, tt.want)
		}
	}
}

// TestTheSnapshotWantsTheSameCredentials by HTTP digest.
func TestTheSnapshotWantsTheSameCredentials(t *testing.T) {
	s, c := start(t, Options{}, street()), client(t)
	for path, want := range map[string]string{"/snapshot/cam-1.jpg": "cam-1 main", "/snapshot/cam-1_overlay.jpg": "cam-1 overlay", "/snapshot/cam-1_later.jpg": "", "/snapshot/.jpg": "", "/snapshot/cam-1": ""} {
		at := "http://" + s.Addr("") + path
		asked, err := c.Get(at)
		if err != nil {
			t.Fatal(err)
		}
		asked.Body.Close()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, at, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", soap.Authorization(asked.Header, http.MethodGet, path, soap.Credentials{User: "viewer", Password: soap.NewSecret(password)}))
		res, err := c.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		picture, _ := io.ReadAll(res.Body)
		res.Body.Close()
		switch there := res.StatusCode == http.StatusOK; {
		case asked.StatusCode != http.StatusUnauthorized:
			t.Errorf("%s without a password: got %s", path, asked.Status)
		case there != (want != "") || !there && res.StatusCode != http.StatusNotFound:
			t.Errorf("%s: got %s", path, res.Status)
		case there && (string(picture) != "\xff\xd8"+want || res.Header.Get("Content-Type") != "image/jpeg"):
			t.Errorf("%s: got %q", path, picture)
		}
	}
}

func TestDurations(t *testing.T) {
	for text, want := range map[string]time.Duration{"PT60S": time.Minute, "PT1M30.5S": 90*time.Second + 500*time.Millisecond, "P1DT2H": 26 * time.Hour,
		"P1Y": 365 * 24 * time.Hour, "PT0S": 0, "P9999999999Y": maxDuration} {
		if got, ok := readDuration(text); !ok || got != want {
			t.Errorf("%s: got %v, %v, want %v", text, got, ok, want)
		}
	}
	for _, text := range []string{"", "P", "PT", "60", "PT60", "PTS", "PT-5S", "P1DT", "PT1.2.3S", "PT1D", "\x00"} {
		if got, ok := readDuration(text); ok {
			t.Errorf("%q: got %v", text, got)
		}
	}
	if d, ok := readTermination("2026-01-02T03:04:05Z", time.Date(2026, 1, 2, 3, 3, 5, 0, time.UTC)); !ok || d != time.Minute {
		t.Errorf("got %v, %v", d, ok)
	}
	if got := fmt.Sprint(duration(90 * time.Second)); got != "PT90S" {
		t.Errorf("got %s", got)
	}
}
