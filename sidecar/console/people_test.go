package console

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestSetUpOnce(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	if got := b.want(200, "GET", "/api/v1/setup", nil); got != "{\"needed\":true}\n" {
		t.Errorf("got %q", got)
	}
	setup := func(token, name, password string) map[string]string {
		return map[string]string{"token": token, "name": name, "password": password}
	}
	b.want(401, "POST", "/api/v1/setup", setup("wrong", "root", password))
	b.want(401, "POST", "/api/v1/setup", setup("", "root", password))
	if body := b.want(422, "POST", "/api/v1/setup", setup(token, "root", "too-short")); strings.Contains(body, "too-short") {
		t.Errorf("a refused password is in the answer: %s", body)
	}
	b.want(422, "POST", "/api/v1/setup", setup(token, "no spaces", password))
	b.want(401, "GET", "/api/v1/me", nil)
	got, body := b.do("POST", "/api/v1/setup", setup(token, "root", password))
	if got.StatusCode != 201 || !strings.Contains(body, `"role":"admin"`) {
		t.Fatalf("got %s %s", got.Status, body)
	}
	cookie := got.Header.Get("Set-Cookie")
	for _, want := range []string{"__Host-pantau=", "Path=/;", "HttpOnly", "Secure", "SameSite=Strict"} {
		if !strings.Contains(cookie, want) {
			t.Errorf("cookie %q lacks %s", cookie, want)
		}
	}
	if strings.Contains(cookie, "Domain") {
		t.Errorf("cookie %q is for more than this host", cookie)
	}
	b.want(200, "GET", "/api/v1/me", nil)
	b.want(409, "POST", "/api/v1/setup", setup(token, "other", password))
	if got := b.want(200, "GET", "/api/v1/setup", nil); got != "{\"needed\":false}\n" {
		t.Errorf("got %q", got)
	}
}

func TestSignInAndOutAndRestart(t *testing.T) {
	s := newSite(t)
	s.admin()
	b := s.browser()
	b.want(401, "POST", "/api/v1/login", login("root", "wrong password"))
	b.want(401, "POST", "/api/v1/login", login("nobody", password))
	b.want(200, "POST", "/api/v1/login", login("ROOT", password))
	first := b.cookie()
	b.want(200, "POST", "/api/v1/login", login("root", password))
	if b.cookie() == first {
		t.Error("signing in kept the session's token")
	}
	old := s.url
	s.stop()
	s.start()
	restarted := s.browser()
	restarted.client.Jar = carry(t, b, old, s.url)
	restarted.want(200, "GET", "/api/v1/me", nil)
	restarted.want(204, "POST", "/api/v1/logout", nil)
	restarted.want(401, "GET", "/api/v1/me", nil)
}

func TestRolesAreHeld(t *testing.T) {
	s := newSite(t)
	admin, operator := s.admin(), s.browser()
	account := map[string]string{"name": "ops", "password": password, "role": "operator"}
	admin.want(201, "POST", "/api/v1/accounts", account)
	admin.want(409, "POST", "/api/v1/accounts", account)
	if body := admin.want(422, "POST", "/api/v1/accounts", map[string]string{"name": "x", "password": password, "role": "king"}); !strings.Contains(body, "body.role") {
		t.Errorf("the answer does not name the field: %s", body)
	}
	operator.want(200, "POST", "/api/v1/login", login("ops", password))
	for _, path := range []string{"/api/v1/me", "/api/v1/cameras", "/api/v1/cameras/a", "/api/v1/status", "/api/v1/cameras/a/live"} {
		operator.want(200, "GET", path, nil)
	}
	operator.want(404, "GET", "/api/v1/cameras/none", nil)
	operator.want(403, "GET", "/api/v1/accounts", nil)
	operator.want(403, "POST", "/api/v1/accounts", account)
	operator.want(403, "DELETE", "/api/v1/accounts/root", nil)
	operator.want(403, "POST", "/api/v1/discover", map[string]any{})
	operator.want(403, "POST", "/api/v1/probe", map[string]any{"address": "10.0.0.5"})

	viewer := s.browser()
	admin.want(201, "POST", "/api/v1/accounts", map[string]string{"name": "wall", "password": password, "role": "viewer"})
	viewer.want(200, "POST", "/api/v1/login", login("wall", password))
	for path, wants := range map[string]string{
		"/api/v1/me": `"role":"viewer"`, "/api/v1/cameras": "North", "/api/v1/cameras/a/figures": "", "/api/v1/cameras/a/live": "blurred true",
		"/api/v1/cameras/a/snapshot.jpg": "boxes blurred", "/api/v1/cameras/a/snapshot.jpg?boxes=0": "plain blurred",
	} {
		if got := viewer.want(200, "GET", path, nil); !strings.Contains(got, wants) || strings.Contains(got, "10.0.0.1") {
			t.Errorf("%s: got %s, want %s and no address", path, got, wants)
		}
	}
	for _, refused := range [][2]string{
		{"GET", "/api/v1/status"}, {"GET", "/api/v1/accounts"}, {"GET", "/api/v1/cameras/a/view/reference.png"}, {"POST", "/api/v1/cameras/a/view/confirm"},
		{"GET", "/api/v1/cameras/a/audit"}, {"DELETE", "/api/v1/cameras/a/audit"}, {"GET", "/api/v1/cameras/a/audit/strips/x"},
	} {
		viewer.want(403, refused[0], refused[1], nil)
	}
	viewer.want(403, "POST", "/api/v1/cameras/a/audit", map[string]any{})
	viewer.want(403, "POST", "/api/v1/discover", map[string]any{})
	if got := operator.want(200, "GET", "/api/v1/cameras/a/live", nil); !strings.Contains(got, "blurred false") {
		t.Errorf("an operator gets %s", got)
	}
	if got := operator.want(200, "GET", "/api/v1/cameras/a/snapshot.jpg", nil); strings.Contains(got, "blurred") {
		t.Errorf("an operator gets %s", got)
	}

	if got := admin.want(200, "GET", "/api/v1/accounts", nil); !strings.Contains(got, `"ops"`) || strings.Contains(got, "argon2") {
		t.Errorf("got accounts %s", got)
	}
	admin.want(409, "DELETE", "/api/v1/accounts/root", nil) // the last administrator
	admin.want(404, "DELETE", "/api/v1/accounts/nobody", nil)
	admin.want(204, "DELETE", "/api/v1/accounts/ops", nil)
	operator.want(401, "GET", "/api/v1/me", nil) // at once
}

// TestSessionOfADeletedAccountIsNobodysElse makes an account after another one
// is deleted: the cookie of the first must not be the second's.
func TestSessionOfADeletedAccountIsNobodysElse(t *testing.T) {
	s := newSite(t)
	admin, gone := s.admin(), s.browser()
	account := map[string]string{"name": "gone", "password": password, "role": "operator"}
	admin.want(201, "POST", "/api/v1/accounts", account)
	gone.want(200, "POST", "/api/v1/login", login("gone", password))
	admin.want(204, "DELETE", "/api/v1/accounts/gone", nil)
	admin.want(201, "POST", "/api/v1/accounts", map[string]string{"name": "next", "password": password, "role": "admin"})
	gone.want(401, "GET", "/api/v1/me", nil)
	admin.want(201, "POST", "/api/v1/accounts", account)
	gone.want(401, "GET", "/api/v1/me", nil)
}

// TestChangesAreAudited makes every change that the console knows, and such as
// are refused.
func TestChangesAreAudited(t *testing.T) {
	s := newSite(t)
	s.stop()
	var mu sync.Mutex
	var got []string
	s.audit = func(ctx context.Context, who, action, what string) {
		mu.Lock()
		defer mu.Unlock()
		got = append(got, who+" "+action+" "+what)
		if ctx.Done() != nil {
			t.Errorf("%s: the note ends with the request", action)
		}
	}
	s.start()
	b := s.admin()
	account := map[string]string{"name": "Ops", "password": password, "role": "operator"}
	b.want(201, "POST", "/api/v1/accounts", account)
	b.want(409, "POST", "/api/v1/accounts", account)
	b.want(201, "POST", "/api/v1/me/device-passwords", map[string]string{"label": "wall"})
	b.want(204, "DELETE", "/api/v1/me/device-passwords/1", nil)
	b.want(404, "DELETE", "/api/v1/me/device-passwords/1", nil)
	b.want(204, "DELETE", "/api/v1/accounts/ops", nil)
	b.want(404, "DELETE", "/api/v1/accounts/ops", nil)
	mu.Lock()
	defer mu.Unlock()
	want := []string{"root account.setup root", "root account.add Ops", "root device-password.add root/1",
		"root device-password.remove root/1", "root account.remove Ops"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestAttemptsAreLimited(t *testing.T) {
	s := newSite(t)
	s.admin()
	b := s.browser()
	for range byPair().burst {
		b.want(200, "POST", "/api/v1/login", login("root", password)) // right ones do not count
	}
	for range byPair().burst {
		b.want(401, "POST", "/api/v1/login", login("root", "wrong password"))
	}
	got, body := b.do("POST", "/api/v1/login", login("root", password))
	if got.StatusCode != http.StatusTooManyRequests || got.Header.Get("Retry-After") == "" {
		t.Errorf("got %s %s, want too many requests", got.Status, body)
	}
	for range byAddress().burst - byPair().burst {
		b.want(401, "POST", "/api/v1/login", login("other", "wrong password"))
	}
	b.want(429, "POST", "/api/v1/login", login("third", "wrong password"))
	b.want(429, "GET", "/signin?t=x", nil)
}

func TestSignInLinkWorksOnce(t *testing.T) {
	s := newSite(t)
	s.admin()
	root, err := s.accounts.Find(t.Context(), "root")
	if err != nil {
		t.Fatal(err)
	}
	link, err := s.accounts.NewLink(t.Context(), root.ID, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	b := s.browser()
	b.want(405, "HEAD", "/signin?t="+link.Reveal(), nil)
	got, body := b.do("GET", "/signin?t="+link.Reveal(), nil)
	if got.StatusCode != http.StatusSeeOther || got.Header.Get("Location") != "/" {
		t.Fatalf("got %s %s", got.Status, body)
	}
	b.want(200, "GET", "/api/v1/me", nil)
	expired := func(path string) {
		t.Helper()
		b := s.browser()
		got, body := b.do("GET", path, nil)
		if got.StatusCode != http.StatusSeeOther || got.Header.Get("Location") != "/?link=expired" {
			t.Errorf("%s: got %s %s", path, got.Status, body)
		}
		b.want(401, "GET", "/api/v1/me", nil)
	}
	expired("/signin?t=" + link.Reveal())
	old, err := s.accounts.NewLink(t.Context(), root.ID, -time.Second)
	if err != nil {
		t.Fatal(err)
	}
	expired("/signin?t=" + old.Reveal())
	expired("/signin")
}

func TestDevicePasswordsAreShownOnce(t *testing.T) {
	b := newSite(t).admin()
	var made struct {
		ID       int64
		Password string
	}
	if err := json.Unmarshal([]byte(b.want(201, "POST", "/api/v1/me/device-passwords", map[string]string{"label": "wall"})), &made); err != nil {
		t.Fatal(err)
	}
	if len(made.Password) < 26 {
		t.Errorf("got a password of %d characters", len(made.Password))
	}
	if list := b.want(200, "GET", "/api/v1/me/device-passwords", nil); !strings.Contains(list, `"wall"`) || strings.Contains(list, made.Password) {
		t.Errorf("got %s", list)
	}
	b.want(422, "POST", "/api/v1/me/device-passwords", map[string]string{"label": ""})
	b.want(204, "DELETE", "/api/v1/me/device-passwords/1", nil)
	b.want(404, "DELETE", "/api/v1/me/device-passwords/1", nil)
}

// TestWhatViewersReach asks for every route of the document: what is not for viewers is
// refused to them, whatever is added.
func TestWhatViewersReach(t *testing.T) {
	s := newSite(t)
	admin, viewer := s.admin(), s.browser()
	admin.want(201, "POST", "/api/v1/accounts", map[string]string{"name": "wall", "password": password, "role": "viewer"})
	viewer.want(200, "POST", "/api/v1/login", login("wall", password))
	var doc struct{ Paths map[string]map[string]any }
	if err := json.Unmarshal([]byte(viewer.want(200, "GET", "/api/v1/openapi.json", nil)), &doc); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/api/v1/cameras", "/api/v1/cameras/b"} {
		if got := admin.want(200, "GET", path, nil); !strings.Contains(got, "no answer") {
			t.Errorf("%s does not tell an administrator why a camera gives nothing", path)
		}
		if got := viewer.want(200, "GET", path, nil); strings.Contains(got, "no answer") || strings.Contains(got, "check the cable") {
			t.Errorf("%s tells a viewer what may name an address: %s", path, got)
		}
	}
	theirs := map[string]bool{}
	for _, route := range []string{
		"get /setup", "post /setup", "post /login", "post /logout", "get /me", "get /me/device-passwords", "post /me/device-passwords", "delete /me/device-passwords/{id}",
		"get /cameras", "get /cameras/{id}", "get /cameras/{id}/figures", "get /cameras/{id}/snapshot.jpg", "get /cameras/{id}/live",
		"post /cameras/{id}/whep", "delete /cameras/{id}/whep/{session}",
	} {
		theirs[route] = true
	}
	refused := 0
	for path, methods := range doc.Paths {
		for method := range methods {
			if theirs[method+" "+strings.TrimPrefix(path, "/api/v1")] {
				continue
			}
			at := strings.NewReplacer("{id}", "a", "{name}", "root", "{strip}", "x").Replace(path)
			if got, body := viewer.do(strings.ToUpper(method), at, nil); got.StatusCode != http.StatusForbidden {
				t.Errorf("%s %s: a viewer gets %s %s", method, path, got.Status, body)
			}
			refused++
		}
	}
	if refused < 10 {
		t.Errorf("only %d routes were asked for", refused)
	}
}
