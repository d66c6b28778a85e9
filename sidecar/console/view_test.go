package console

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"pantau/sidecar"
)

// views has a reference of camera a alone, and b cannot be confirmed.
func views() View {
	return View{
		Sketch: func(_ context.Context, camera string) ([]byte, error) {
			if camera != "a" {
				return nil, nil
			}
			return []byte("edges"), nil
		},
		Confirm: func(_ context.Context, camera string) error {
			if camera != "a" {
				return &sidecar.Fault{Err: errors.New("the camera is running"), Hint: "nothing is to be confirmed"}
			}
			return nil
		},
	}
}

func TestViewsAreConfirmed(t *testing.T) {
	s := newSite(t)
	told := s.audits()
	operator, nobody := s.operator(), s.browser()
	for _, tt := range []struct {
		who          *browser
		method, path string
		status       int
		body         string
	}{
		{operator, "GET", "a/view/reference.png", 200, "edges"},
		{operator, "GET", "b/view/reference.png", 404, "no reference"},
		{operator, "GET", "c/view/reference.png", 404, "no such camera"},
		{operator, "POST", "a/view/confirm", 204, ""},
		{operator, "POST", "b/view/confirm", 409, "nothing is to be confirmed"},
		{operator, "POST", "c/view/confirm", 404, "no such camera"},
		{nobody, "POST", "a/view/confirm", 401, "sign in first"},
		{nobody, "GET", "a/view/reference.png", 401, "sign in first"},
		{operator, "GET", "a/view/confirm", 404, ""},
	} {
		got, body := tt.who.do(tt.method, "/api/v1/cameras/"+tt.path, nil)
		if got.StatusCode != tt.status || !strings.Contains(body, tt.body) {
			t.Errorf("%s %s: got %s %q, want %d with %q", tt.method, tt.path, got.Status, body, tt.status, tt.body)
		}
		if tt.body == "edges" && got.Header.Get("Content-Type") != "image/png" {
			t.Errorf("got %v", got.Header)
		}
	}
	operator.want(http.StatusForbidden, "POST", "/api/v1/cameras/a/view/confirm", nil, "Origin", "https://elsewhere.example.org")
	if got := told("view.confirm"); len(got) != 1 || got[0] != "budi view.confirm a" {
		t.Errorf("got %v", got)
	}
}

// TestAViewThatIsNotToldSaysWhatToDo has cameras whose analysis does not answer.
func TestAViewThatIsNotToldSaysWhatToDo(t *testing.T) {
	s := newSite(t)
	operator := s.operator()
	s.stop()
	err := fmt.Errorf("asking for the view: %w", context.DeadlineExceeded)
	s.view = View{
		Sketch:  func(context.Context, string) ([]byte, error) { return nil, err },
		Confirm: func(context.Context, string) error { return err },
	}
	s.start()
	for camera, want := range map[string]string{"a": "try again; if it stays so, ", "b": "no answer: check the cable"} {
		for path, method := range map[string]string{"reference.png": "GET", "confirm": "POST"} {
			got := operator.want(503, method, "/api/v1/cameras/"+camera+"/view/"+path, nil)
			if !strings.Contains(got, want) || strings.Contains(got, "deadline") {
				t.Errorf("%s %s: got %s, want %q", camera, path, got, want)
			}
		}
	}
	if got := unanswered(sidecar.Status{}, errors.New("no such camera works")).Error(); !strings.Contains(got, "no such camera works: try again") {
		t.Errorf("got %s", got)
	}
}
