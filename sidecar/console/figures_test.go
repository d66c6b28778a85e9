package console

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"pantau/sidecar"
	"pantau/sidecar/console/accounts"
	"pantau/sidecar/figures"
)

// figuresOf knows one minute of camera a.
func figuresOf(camera string) (figures.Figures, bool) {
	board := figures.NewBoard()
	board.Camera(sidecar.Camera{ID: "a", Functions: []sidecar.Function{{ID: "lot", Kind: "parking"}}})
	at := time.Date(2026, 11, 23, 5, 0, 0, 0, time.UTC)
	board.Facts([]sidecar.Event{{ID: "1", Camera: "a", Type: sidecar.ParkingOccupied,
		Data: sidecar.ParkingChange{Origin: sidecar.Origin{Rule: "lot"}, Class: sidecar.Car, Arrived: "2026-11-23T05:00:07.000000Z"}}},
		[]sidecar.Count{{Camera: "a", From: at, To: at.Add(time.Minute), Uptime: 0.9, Quality: sidecar.QualityLow, Flags: []string{"rain"},
			Audit: []sidecar.Audit{{Rule: "l", Direction: sidecar.In, Bias: 0.1, N: 12}}}})
	return board.Of(camera, at, []sidecar.CountRow{{Rule: "l", Kind: sidecar.Flow, Class: sidecar.Car, Direction: sidecar.In, N: new(7)}})
}

// operator is a browser after an operator, budi, has signed in.
func (s *site) operator() *browser {
	s.t.Helper()
	if _, err := s.accounts.Create(s.t.Context(), "budi", sidecar.NewSecret(password), accounts.Operator); err != nil {
		s.t.Fatal(err)
	}
	b := s.browser()
	b.want(200, "POST", "/api/v1/login", login("budi", password))
	return b
}

func TestFiguresOfACamera(t *testing.T) {
	s := newSite(t)
	s.browser().want(401, "GET", "/api/v1/cameras/a/figures", nil)
	operator := s.operator()
	operator.want(404, "GET", "/api/v1/cameras/none/figures", nil)
	operator.want(422, "GET", "/api/v1/cameras/"+strings.Repeat("x", 65)+"/figures", nil)
	var got figures.Figures
	if err := json.Unmarshal([]byte(operator.want(200, "GET", "/api/v1/cameras/a/figures", nil)), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Rows) != 1 || *got.Rows[0].N != 7 || got.Minute.Flags[0] != "rain" || got.Minute.Audit[0].N != 12 || got.States[0].Parked[0].Class != sidecar.Car {
		t.Errorf("got %+v", got)
	}
}
