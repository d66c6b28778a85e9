package console

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"pantau/sidecar"
	"pantau/sidecar/audit"
	"pantau/sidecar/console/accounts"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The secrets of the tests: none of them may be in a log, and in an answer
// only where it is generated.
const (
	token    = "first-run-token-5d41"
	password = "correct horse 77"
	camPW    = "camera-password-91"
)

// source has two cameras.
type source struct{}

func (source) Cameras() []sidecar.CameraStatus {
	return []sidecar.CameraStatus{
		{Camera: sidecar.Camera{ID: "a", Name: "North", Source: sidecar.Source{RTSP: "rtsp://10.0.0.1/a?channel=1&password=" + camPW,
			User: "viewer", Password: sidecar.NewSecret(camPW)},
			Functions: []sidecar.Function{{ID: "l", Kind: "line", Line: []sidecar.Point{{0.5, 0}, {0.5, 1}}}}},
			Status: sidecar.Status{State: "running", FPS: sidecar.Rates{Camera: 25, Detection: 8}}},
		{Camera: sidecar.Camera{ID: "b", Source: sidecar.Source{File: "/srv/clips/street.mp4"}},
			Status: sidecar.Status{State: "retrying", Cause: "no answer", Hint: "check the cable", FPS: sidecar.Rates{Camera: 5}}},
	}
}

func (source) Node() sidecar.NodeStatus {
	return sidecar.NodeStatus{Node: "node-1", Version: "1", Model: "street@1", Ready: true}
}

// safeBuffer is a log that several goroutines write to.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// site is a running console.
type site struct {
	t        *testing.T
	state    string
	accounts *accounts.Store
	url      string
	roots    *x509.CertPool
	log      *safeBuffer
	stop     func()
	live     func(w http.ResponseWriter, r *http.Request, camera string, blurred bool)
	whep     func(w http.ResponseWriter, r *http.Request, who string, blurred bool, holds func(context.Context) bool)
	audit    func(ctx context.Context, who, action, what string)
	discover func(Search) (Work, error)
	view     View
	change   func(context.Context, string, func([]sidecar.Function) ([]sidecar.Function, error)) error
	patience time.Duration // of the server, from its start on; 0: its own
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{t: t, state: t.TempDir(), view: views(), log: &safeBuffer{}, stop: func() {},
		live: func(w http.ResponseWriter, _ *http.Request, camera string, blurred bool) {
			_, _ = fmt.Fprintf(w, "live %s, blurred %v", camera, blurred)
		}}
	s.start()
	t.Cleanup(func() {
		s.stop()
		if out := s.log.String(); strings.Contains(out, password) || strings.Contains(out, token) || strings.Contains(out, camPW) {
			t.Errorf("a secret is in the log:\n%s", out)
		}
	})
	return s
}

// start runs a server over the site's state folder.
func (s *site) start() {
	s.t.Helper()
	var err error
	if s.accounts, err = accounts.Open(s.t.Context(), s.state); err != nil {
		s.t.Fatal(err)
	}
	server, err := New(s.t.Context(), Options{Listen: "127.0.0.1:0", State: s.state, SetupToken: sidecar.NewSecret(token),
		Accounts: s.accounts, Source: source{}, Log: slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Live: func(w http.ResponseWriter, r *http.Request, camera string, blurred bool) {
			s.live(w, r, camera, blurred)
		}, Snapshot: snapshot, Figures: figuresOf, View: s.view, Change: s.change, Audits: audit.In(s.state), WHEP: s.whep, Audit: s.audit,
		Discover: func(r Search) (Work, error) { return s.discover(r) }, Probe: probeOf})
	if err != nil {
		s.t.Fatal(err)
	}
	server.recheck = 20 * time.Millisecond
	began := time.Now()
	server.guard.now = func() time.Time { return began } // however slow a test is, no attempt is forgotten
	if s.patience > 0 {
		server.patience = s.patience
	}
	pem, err := os.ReadFile(filepath.Join(s.state, "console.crt"))
	if err != nil {
		s.t.Fatal(err)
	}
	s.roots = x509.NewCertPool()
	s.roots.AppendCertsFromPEM(pem)
	s.url = "https://" + server.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx) }()
	s.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			s.t.Error(err)
		}
		if err := s.accounts.Close(); err != nil {
			s.t.Error(err)
		}
	})
}

// browser is someone who visits the site.
type browser struct {
	s      *site
	client *http.Client
}

func (s *site) browser() *browser {
	jar, _ := cookiejar.New(nil) // never fails
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: s.roots, MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true}
	s.t.Cleanup(transport.CloseIdleConnections)
	return &browser{s, &http.Client{Jar: jar, Transport: transport, Timeout: 20 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// admin is a browser after the set-up.
func (s *site) admin() *browser {
	s.t.Helper()
	b := s.browser()
	if got, body := b.do("POST", "/api/v1/setup", map[string]string{"token": token, "name": "root", "password": password}); got.StatusCode != http.StatusCreated {
		s.t.Fatalf("set-up: got %s %s", got.Status, body)
	}
	return b
}

// do sends a request and gives the answer with its body.
func (b *browser) do(method, path string, body any, headers ...string) (*http.Response, string) {
	b.s.t.Helper()
	var r io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			b.s.t.Fatal(err)
		}
		r = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(b.s.t.Context(), method, b.s.url+path, r)
	if err != nil {
		b.s.t.Fatal(err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := b.client.Do(req)
	if err != nil {
		b.s.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		b.s.t.Fatal(err)
	}
	for _, secret := range []string{password, token, camPW} {
		if strings.Contains(string(data), secret) {
			b.s.t.Errorf("%s %s answers with a secret: %s", method, path, data)
		}
	}
	if resp.Header.Get("Content-Security-Policy") == "" || resp.Header.Get("X-Content-Type-Options") != "nosniff" {
		b.s.t.Errorf("%s %s: the security headers are missing", method, path)
	}
	return resp, string(data)
}

// want sends a request and compares the status.
func (b *browser) want(status int, method, path string, body any, headers ...string) string {
	b.s.t.Helper()
	got, text := b.do(method, path, body, headers...)
	if got.StatusCode != status {
		b.s.t.Errorf("%s %s: got %s %s, want %d", method, path, got.Status, text, status)
	}
	return text
}

// audits starts the server anew, and gives what it writes down of an action, or of those
// that begin so: "who action what".
func (s *site) audits() func(action string) []string {
	var mu sync.Mutex
	var all []string
	s.audit = func(_ context.Context, who, action, what string) {
		mu.Lock()
		defer mu.Unlock()
		all = append(all, who+" "+action+" "+what)
	}
	s.stop()
	s.start()
	return func(action string) []string {
		mu.Lock()
		defer mu.Unlock()
		return slices.DeleteFunc(slices.Clone(all), func(line string) bool { return !strings.Contains(line, " "+action) })
	}
}

func login(name, secret string) map[string]string {
	return map[string]string{"name": name, "password": secret}
}

func TestNothingIsOpenByDefault(t *testing.T) {
	s := newSite(t)
	admin, stranger := s.admin(), s.browser()
	var doc struct {
		OpenAPI string                               `json:"openapi"`
		Paths   map[string]map[string]map[string]any `json:"paths"`
	}
	if err := json.Unmarshal([]byte(admin.want(200, "GET", "/api/v1/openapi.json", nil)), &doc); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(doc.OpenAPI, "3.1") || len(doc.Paths) < 10 {
		t.Errorf("got OpenAPI %q with %d paths", doc.OpenAPI, len(doc.Paths))
	}
	for path, methods := range doc.Paths {
		for method := range methods {
			if path == "/api/v1/setup" || path == "/api/v1/login" {
				continue
			}
			real := strings.NewReplacer("{id}", "1", "{name}", "root", "{function}", "l").Replace(path)
			stranger.want(401, strings.ToUpper(method), real, nil)
		}
	}
	for _, path := range []string{"/api", "/api/", "/api/v1", "/api/v1/", "/api/v1/nothing", "/api/v1/cameras/a/live",
		"/api/v1/openapi.json", "/api/v1/openapi.yaml", "/api/v1/setup/", "/docs", "/schemas/Account.json", "/metrics", "/debug/pprof/"} {
		got, body := stranger.do("GET", path, nil)
		open := got.StatusCode == 503 && strings.Contains(body, "make build") // the page's own routes, in a build without it
		if strings.HasPrefix(path, "/api") && got.StatusCode != 401 || !strings.HasPrefix(path, "/api") && got.StatusCode == 200 && !strings.Contains(body, "<html") && !open {
			t.Errorf("GET %s: got %s %s", path, got.Status, body)
		}
	}
	stranger.want(401, "POST", "/", nil)
	stranger.want(401, "DELETE", "/index.html", nil)
	admin.want(404, "GET", "/api/v1/nothing", nil)
}

// TestOpenAPIHoldsWhatIsAnswered compares the document with what routes answer
// apart from success.
func TestOpenAPIHoldsWhatIsAnswered(t *testing.T) {
	var doc struct {
		Paths map[string]map[string]struct {
			Responses map[string]any
			Security  *[]any
		}
		Components struct {
			Schemas map[string]struct {
				Properties map[string]struct{ Description string }
			}
		}
	}
	if err := json.Unmarshal([]byte(newSite(t).admin().want(200, "GET", "/api/v1/openapi.json", nil)), &doc); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ method, path, want string }{
		{"get", "/setup", "200 500"},
		{"post", "/setup", "201 401 409 422 429 500"},
		{"post", "/login", "200 401 422 429 500"},
		{"post", "/logout", "204 401 500"},
		{"get", "/cameras", "200 401 500"},
		{"get", "/cameras/{id}", "200 401 404 422 500"},
		{"get", "/cameras/{id}/live", "101 400 401 404"},
		{"post", "/cameras/{id}/whep", "201 400 401 403 404 406 409 413 415 429 503"},
		{"get", "/cameras/{id}/figures", "200 401 404 422 500"},
		{"post", "/discover", "200 401 403 422 429 500 501"},
		{"post", "/probe", "200 401 403 422 429 500 501"},
		{"get", "/cameras/{id}/audit", "200 401 403 404 422 500"},
		{"post", "/cameras/{id}/audit", "201 401 403 404 409 422 500"},
		{"delete", "/cameras/{id}/audit", "204 401 403 404 422 500"},
		{"post", "/cameras/{id}/audit/tally", "200 401 403 404 409 422 500"},
		{"get", "/cameras/{id}/audit/strips/{strip}", "200 206 401 403 404 416 500"},
		{"get", "/cameras/{id}/view/reference.png", "200 401 403 404 422 500 503"},
		{"post", "/cameras/{id}/view/confirm", "204 401 403 404 409 422 500 503"},
		{"get", "/cameras/{id}/functions/{function}", "200 401 403 404 422 500"},
		{"put", "/cameras/{id}/functions/{function}", "200 202 401 403 404 409 412 422 500 501"},
		{"delete", "/cameras/{id}/functions/{function}", "202 204 401 403 404 409 412 422 500 501"},
		{"post", "/accounts", "201 401 403 409 422 500"},
		{"delete", "/accounts/{name}", "204 401 403 404 409 422 500"},
		{"delete", "/me/device-passwords/{id}", "204 401 404 422 500"},
	} {
		got := strings.Join(slices.Sorted(maps.Keys(doc.Paths["/api/v1"+c.path][c.method].Responses)), " ")
		if got != c.want {
			t.Errorf("%s %s: got %s, want %s", c.method, c.path, got, c.want)
		}
	}
	if s := doc.Paths["/api/v1/setup"]["get"].Security; s == nil || len(*s) != 0 {
		t.Errorf("GET setup: got security %v, want none", s)
	}
	if got := doc.Components.Schemas["Function"].Properties["dwell"].Description; !strings.Contains(got, "anoseconds") {
		t.Errorf("dwell: got %q, want its unit", got)
	}
}

func TestCamerasAreRedacted(t *testing.T) {
	b := newSite(t).admin()
	var all []sidecar.CameraStatus
	body := b.want(200, "GET", "/api/v1/cameras", nil)
	if err := json.Unmarshal([]byte(body), &all); err != nil {
		t.Fatal(err)
	}
	if len(all) != 2 || all[0].Source.RTSP != "rtsp://10.0.0.1/a" || all[0].Source.User != "" || all[1].Source.File != "street.mp4" || all[1].Status.Hint == "" {
		t.Errorf("got %s", body)
	}
	var status NodeAndCameras
	body = b.want(200, "GET", "/api/v1/status", nil)
	if err := json.Unmarshal([]byte(body), &status); err != nil {
		t.Fatal(err)
	}
	if status.Node != "node-1" || status.Cameras["running"] != 1 || status.FPS.Camera != 30 {
		t.Errorf("got %s", body)
	}
}

func TestOtherOriginsAreRefused(t *testing.T) {
	s := newSite(t)
	b := s.admin()
	for _, h := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "https://elsewhere.example.org"}} {
		b.want(403, "POST", "/api/v1/logout", nil, h...)
		b.want(403, "POST", "/api/v1/login", login("root", password), h...)
	}
	b.want(204, "POST", "/api/v1/logout", nil, "Sec-Fetch-Site", "same-origin", "Origin", s.url)
}

func TestBodiesAreLimited(t *testing.T) {
	b := newSite(t).browser()
	b.want(413, "POST", "/api/v1/login", login("root", strings.Repeat("x", maxBody)))
	b.want(422, "POST", "/api/v1/login", map[string]any{"name": 3})
	b.want(401, "POST", "/api/v1/login", login(strings.Repeat("x", maxName), password))
	b.want(422, "POST", "/api/v1/login", login(strings.Repeat("x", maxName+1), password))
	b.want(422, "POST", "/api/v1/login", login(strings.Repeat("é", maxName), password)) // by bytes
	b.want(422, "POST", "/api/v1/login", map[string]any{"name": "a", "password": "b", "more": 1})
}
