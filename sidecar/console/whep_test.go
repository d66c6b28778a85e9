package console

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"testing"
)

// A player comes in by session, or by a device password from a page of any origin, and
// stays as long as either holds.
func TestWHEPIsForThoseWhoMayWatch(t *testing.T) {
	s := newSite(t)
	var who string
	var holds func(context.Context) bool
	s.whep = func(w http.ResponseWriter, r *http.Request, name string, _ bool, still func(context.Context) bool) {
		who, holds = name, still
		_, _ = io.WriteString(w, r.PathValue("id")+" "+r.PathValue("session"))
	}
	s.stop()
	s.start()
	admin, stranger := s.admin(), s.browser()
	var made struct{ Password string }
	if err := json.Unmarshal([]byte(admin.want(201, "POST", "/api/v1/me/device-passwords", map[string]string{"label": "wall"})), &made); err != nil {
		t.Fatal(err)
	}
	const path = "/api/v1/cameras/a/whep"
	elsewhere := []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://elsewhere.example.org"}
	bearer := append([]string{"Authorization", "Bearer " + made.Password}, elsewhere...)
	for _, c := range []struct {
		name, method, path string
		by                 *browser
		headers            []string
		status             int
		who                string
	}{
		{"a stranger", "POST", path, stranger, nil, 401, ""},
		{"a stranger's session", "DELETE", path + "/x", stranger, nil, 401, ""},
		{"a wrong password", "POST", path, stranger, []string{"Authorization", "Bearer " + password}, 401, ""},
		{"another scheme", "POST", path, stranger, []string{"Authorization", "Digest x"}, 401, ""},
		{"with another name", "POST", path, stranger, basic("nobody", made.Password), 401, ""},
		{"with the console's password", "POST", path, stranger, basic("root", password), 401, ""},
		{"with the name", "POST", path, stranger, basic("Root", made.Password), 200, "root"},
		{"the cookie from elsewhere", "POST", path, admin, elsewhere, 403, ""},
		{"the cookie beside a wrong password", "POST", path, admin, []string{"Authorization", "Bearer x"}, 401, ""},
		{"a preflight", "OPTIONS", path, stranger, elsewhere, 200, ""},
		{"a device password", "POST", path, stranger, bearer, 200, "root"},
		{"a device password, a session", "DELETE", path + "/x", stranger, bearer, 200, "root"},
		{"the session", "POST", path, admin, []string{"Sec-Fetch-Site", "same-origin"}, 200, "root"},
	} {
		who = ""
		got, body := c.by.do(c.method, c.path, nil, c.headers...)
		if got.StatusCode != c.status || who != c.who {
			t.Errorf("%s: got %s %s as %q, want %d as %q", c.name, got.Status, body, who, c.status, c.who)
		}
		if got.Header.Get("Access-Control-Allow-Origin") != "*" || got.Header.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%s: got %v", c.name, got.Header)
		}
	}
	session := holds
	stranger.want(200, "POST", path, nil, bearer...)
	if !session(t.Context()) || !holds(t.Context()) {
		t.Error("they may not watch any more")
	}
	admin.want(204, "DELETE", "/api/v1/me/device-passwords/1", nil)
	if holds(t.Context()) {
		t.Error("a deleted device password still holds")
	}
	admin.want(204, "POST", "/api/v1/logout", nil)
	if session(t.Context()) {
		t.Error("the session holds after signing out")
	}
}

// A viewer's player gets blurred pictures, by session and by device password.
func TestWHEPIsBlurredForViewers(t *testing.T) {
	s := newSite(t)
	var hidden bool
	s.whep = func(_ http.ResponseWriter, _ *http.Request, _ string, blurred bool, _ func(context.Context) bool) {
		hidden = blurred
	}
	s.stop()
	s.start()
	admin, viewer := s.admin(), s.browser()
	admin.want(201, "POST", "/api/v1/accounts", map[string]string{"name": "wall", "password": password, "role": "viewer"})
	viewer.want(200, "POST", "/api/v1/login", login("wall", password))
	const path = "/api/v1/cameras/a/whep"
	for who, b := range map[string]*browser{"admin": admin, "viewer": viewer} {
		var made struct{ Password string }
		if err := json.Unmarshal([]byte(b.want(201, "POST", "/api/v1/me/device-passwords", map[string]string{"label": "x"})), &made); err != nil {
			t.Fatal(err)
		}
		b.want(200, "POST", path, nil, "Sec-Fetch-Site", "same-origin")
		if hidden != (who == "viewer") {
			t.Errorf("%s by session: blurred %v", who, hidden)
		}
		hidden = who != "viewer"
		s.browser().want(200, "POST", path, nil, "Authorization", "Bearer "+made.Password)
		if hidden != (who == "viewer") {
			t.Errorf("%s by device password: blurred %v", who, hidden)
		}
	}
}

func TestWHEPGuessesAreLimited(t *testing.T) {
	s := newSite(t)
	s.whep = func(http.ResponseWriter, *http.Request, string, bool, func(context.Context) bool) {}
	s.stop()
	s.start()
	b := s.browser()
	for range 10 {
		b.want(401, "POST", "/api/v1/cameras/a/whep", nil, "Authorization", "Bearer guess")
	}
	got, _ := b.do("POST", "/api/v1/cameras/a/whep", nil, "Authorization", "Bearer guess")
	if got.StatusCode != 429 || got.Header.Get("Retry-After") == "" {
		t.Errorf("got %s %v", got.Status, got.Header)
	}
}

// basic is the header of RFC 7617.
func basic(name, password string) []string {
	return []string{"Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte(name+":"+password))}
}
