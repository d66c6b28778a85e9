package console

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"pantau/sidecar"
)

// snapshot gives a text in the place of a picture.
func snapshot(_ context.Context, camera string, boxes, blurred bool) ([]byte, time.Time, error) {
	if camera != "a" {
		return nil, time.Time{}, errors.New("asked for " + camera)
	}
	return []byte(map[bool]string{true: "boxes", false: "plain"}[boxes] + map[bool]string{true: " blurred"}[blurred]), time.Unix(1700000000, 5000).UTC(), nil
}

func TestSnapshots(t *testing.T) {
	s := newSite(t)
	admin, nobody := s.admin(), s.browser()
	for _, tt := range []struct {
		who    *browser
		path   string
		status int
		body   string
	}{
		{admin, "a/snapshot.jpg", http.StatusOK, "boxes"},
		{admin, "a/snapshot.jpg?boxes=1", http.StatusOK, "boxes"},
		{admin, "a/snapshot.jpg?boxes=0", http.StatusOK, "plain"},
		{admin, "a/snapshot.jpg?boxes=yes", http.StatusUnprocessableEntity, "boxes"},
		{admin, "b/snapshot.jpg", http.StatusServiceUnavailable, "the camera gives no picture: no answer: check the cable"},
		{admin, "c/snapshot.jpg", http.StatusNotFound, "no such camera"},
		{nobody, "a/snapshot.jpg", http.StatusUnauthorized, "sign in first"},
		{nobody, "c/snapshot.jpg", http.StatusUnauthorized, "sign in first"},
	} {
		got, body := tt.who.do("GET", "/api/v1/cameras/"+tt.path, nil)
		if got.StatusCode != tt.status || !strings.Contains(body, tt.body) {
			t.Errorf("%s: got %s %q, want %d with %q", tt.path, got.Status, body, tt.status, tt.body)
		}
		if tt.status != http.StatusOK {
			continue
		}
		h := got.Header
		if h.Get("Content-Type") != "image/jpeg" || h.Get("Cache-Control") != "no-store" || h.Get("Pantau-Capture") != "2023-11-14T22:13:20.000005Z" {
			t.Errorf("%s: got headers %v", tt.path, h)
		}
	}
}

func TestWhyACameraIsBlind(t *testing.T) {
	for want, s := range map[string]sidecar.Status{
		"":                                      {State: "running"},
		"the camera gives no picture":           {State: "stopped"},
		"the camera gives no picture: no route": {State: "retrying", Cause: "no route"},
		"the camera gives no picture: user name or password refused: enter others": {State: "faulty", Cause: "user name or password refused", Hint: "enter others"},
	} {
		if got := blind(s); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
