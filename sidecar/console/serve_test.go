package console

import (
	"crypto/tls"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/coder/websocket"

	"pantau/overlays/live"
	"pantau/sidecar"
)

// cookie is the session's token in a browser.
func (b *browser) cookie() string {
	u, err := url.Parse(b.s.url)
	if err != nil {
		b.s.t.Fatal(err)
	}
	for _, c := range b.client.Jar.Cookies(u) {
		return c.Value
	}
	return ""
}

// carry gives the cookies of a browser to another address.
func carry(t *testing.T, b *browser, from, to string) http.CookieJar {
	t.Helper()
	jar, _ := cookiejar.New(nil) // never fails
	old, err := url.Parse(from)
	if err != nil {
		t.Fatal(err)
	}
	next, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	cookies := b.client.Jar.Cookies(old)
	for _, c := range cookies {
		c.Secure, c.Path = true, "/"
	}
	jar.SetCookies(next, cookies)
	return jar
}

// dial opens the live view of a camera.
func (b *browser) dial(camera, origin string) (*websocket.Conn, *http.Response, error) {
	h := http.Header{}
	if origin != "" {
		h.Set("Origin", origin)
	}
	client := *b.client // over HTTP/1.1, as browsers do
	client.Transport = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: b.s.roots, MinVersion: tls.VersionTLS12}}
	client.Timeout = 0
	b.s.t.Cleanup(client.CloseIdleConnections)
	return websocket.Dial(b.s.t.Context(), b.s.url+"/api/v1/cameras/"+camera+"/live",
		&websocket.DialOptions{HTTPClient: &client, HTTPHeader: h})
}

// withHub makes the site serve a hub with the camera a.
func (s *site) withHub() *live.Hub {
	h := live.NewHub(live.Options{})
	h.Camera(sidecar.Camera{ID: "a", Name: "North"})
	s.live = h.Serve
	return h
}

func TestLiveViewNeedsASessionAndItsOrigin(t *testing.T) {
	s := newSite(t)
	s.withHub()
	admin := s.admin()
	if _, r, err := s.browser().dial("a", ""); err == nil || r.StatusCode != 401 {
		t.Errorf("a stranger: got %v, want unauthorized", err)
	}
	if _, r, err := admin.dial("a", "https://elsewhere.example.org"); err == nil || r.StatusCode != 403 {
		t.Errorf("another origin: got %v, want forbidden", err)
	}
	if _, r, err := admin.dial("none", ""); err == nil || r.StatusCode != 404 {
		t.Errorf("no such camera: got %v, want not found", err)
	}
	conn, _, err := admin.dial("a", s.url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.CloseNow() }()
	if _, data, err := conn.Read(t.Context()); err != nil || !strings.Contains(string(data), `"type":"hello"`) {
		t.Errorf("got %s, %v, want hello", data, err)
	}
	admin.want(204, "POST", "/api/v1/logout", nil)
	if _, _, err := conn.Read(t.Context()); err == nil {
		t.Error("the live view goes on after signing out")
	}
}

// TestServerEndsWithItsViewers stops the server while somebody watches.
func TestServerEndsWithItsViewers(t *testing.T) {
	s := newSite(t)
	s.withHub()
	conn, _, err := s.admin().dial("a", "")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.CloseNow() }()
	if _, _, err := conn.Read(t.Context()); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	s.stop()
	if took := time.Since(start); took > 4*time.Second {
		t.Errorf("stopping took %v", took)
	}
}

func TestHTTPSOnly(t *testing.T) {
	s := newSite(t)
	got, _ := s.browser().do("GET", "/", nil)
	if got.ProtoMajor != 2 || got.TLS.Version < tls.VersionTLS12 {
		t.Errorf("got %s and TLS version %x, want HTTP/2 and TLS", got.Proto, got.TLS.Version)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, strings.Replace(s.url, "https", "http", 1), nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := s.browser().client.Do(req)
	if err != nil {
		return // refused altogether
	}
	if resp.StatusCode != http.StatusBadRequest {
		t.Errorf("plain HTTP: got %s", resp.Status)
	}
	_ = resp.Body.Close()
}

func TestCertificateIsMadeOnceAndWhenOld(t *testing.T) {
	o := Options{State: t.TempDir(), Listen: "10.1.2.3:8443"}
	now := time.Now()
	first, err := loadCertificate(o, now)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"localhost", "127.0.0.1", "::1", "10.1.2.3"} {
		if err := first.Leaf.VerifyHostname(name); err != nil {
			t.Error(err)
		}
	}
	for _, name := range []string{"console.key", "console.crt"} {
		info, err := os.Stat(filepath.Join(o.State, name))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: got %v, %v, want mode 0600", name, info, err)
		}
	}
	again, err := loadCertificate(o, now)
	if err != nil || !again.Leaf.Equal(first.Leaf) {
		t.Errorf("the second start has another certificate (%v)", err)
	}
	later, err := loadCertificate(o, now.Add(certificateLife))
	if err != nil || later.Leaf.Equal(first.Leaf) {
		t.Errorf("an old certificate is kept (%v)", err)
	}
	o.Listen = "10.9.9.9:8443"
	if other, err := loadCertificate(o, now.Add(certificateLife)); err != nil || other.Leaf.VerifyHostname("10.9.9.9") != nil {
		t.Errorf("the certificate does not follow the address (%v)", err)
	}
	if err := os.WriteFile(filepath.Join(o.State, "console.key"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	var fault *sidecar.Fault
	if _, err := loadCertificate(o, now); !errors.As(err, &fault) {
		t.Errorf("a broken key: got %v, want a fault", err)
	}
	o.Certificate, o.Key = "nowhere.pem", "nowhere.pem"
	if _, err := loadCertificate(o, now); !errors.As(err, &fault) {
		t.Errorf("a missing certificate: got %v, want a fault", err)
	}
}

func TestTakenPortIsAFault(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // a test
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	var fault *sidecar.Fault
	_, err = New(t.Context(), Options{State: t.TempDir(), Listen: taken.Addr().String()})
	if !errors.As(err, &fault) || fault.Hint == "" {
		t.Errorf("got %v, want a fault with a hint", err)
	}
}

// built is a page as the build leaves it.
func built() fs.FS {
	return fstest.MapFS{
		".keep":               {},
		"index.html":          {Data: []byte("<!doctype html><html>")},
		"assets/index-1a.js":  {Data: []byte("js")},
		"assets/.hidden":      {Data: []byte("hidden")},
		"favicon.svg":         {Data: []byte("<svg/>")},
		"assets/index-1a.css": {Data: []byte("css")},
	}
}

func TestPageFiles(t *testing.T) {
	for _, c := range []struct {
		path   string
		status int
		kind   string // Content-Type
		cache  string
	}{
		{"/", 200, "text/html; charset=utf-8", "no-cache"},
		{"/index.html", 200, "text/html; charset=utf-8", "no-cache"},
		{"/cameras/a", 200, "text/html; charset=utf-8", "no-cache"},
		{"/assets/index-1a.js", 200, "text/javascript; charset=utf-8", "public, max-age=31536000, immutable"},
		{"/favicon.svg", 200, "image/svg+xml", "no-cache"},
		{"/assets/", 200, "text/html; charset=utf-8", "no-cache"}, // the page, no list
		{"/.keep", 404, "", ""},
		{"/assets/.hidden", 404, "", ""},
		{"/nowhere.js", 404, "", ""},
		{"/../../etc/passwd.txt", 404, "", ""},
		{"/..%2f..%2fetc%2fpasswd.txt", 404, "", ""},
		{"/assets/../../certificate.go", 404, "", ""},
	} {
		w := httptest.NewRecorder()
		assets(built()).ServeHTTP(w, httptest.NewRequest(http.MethodGet, c.path, nil))
		if w.Code != c.status {
			t.Errorf("%s: got %d, want %d", c.path, w.Code, c.status)
		}
		if c.status == 200 && (w.Header().Get("Content-Type") != c.kind || w.Header().Get("Cache-Control") != c.cache) {
			t.Errorf("%s: got %v", c.path, w.Header())
		}
	}
}

func TestBuildWithoutPageSaysSo(t *testing.T) {
	w := httptest.NewRecorder()
	assets(fstest.MapFS{".keep": {}}).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	if w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "make build") {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

// TestFilesAreNotReachedFromOutside asks the running server, over the mux.
func TestFilesAreNotReachedFromOutside(t *testing.T) {
	s := newSite(t)
	for _, path := range []string{"/../console.key", "/%2e%2e/console.key", "/..%5cconsole.key", "//etc/passwd", "/assets/%2e%2e/%2e%2e/console.key"} {
		got, body := s.browser().do("GET", path, nil)
		if got.StatusCode == 200 && !strings.Contains(body, "<html") || strings.Contains(body, "PRIVATE KEY") {
			t.Errorf("%s: got %s %s", path, got.Status, body)
		}
	}
}
