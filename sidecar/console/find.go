package console

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"golang.org/x/time/rate"

	"pantau/sidecar"
	"pantau/sidecar/console/accounts"
)

// Search says where ONVIF cameras are looked for.
type Search struct {
	Hosts    []string       `json:"hosts,omitempty" maxItems:"256" doc:"HOST, HOST:PORT or http:// addresses"`
	Ranges   []string       `json:"ranges,omitempty" maxItems:"16" doc:"Networks that are looked through address by address" example:"10.2.4.0/24"`
	SignIn   []string       `json:"sign_in,omitempty" maxItems:"16" doc:"Networks in which cameras that were found may be sent the password; it goes to named hosts and ranges anyway"`
	User     string         `json:"user,omitempty" maxLength:"128"`
	Password sidecar.Secret `json:"password,omitempty"`
	Seconds  float64        `json:"for_s,omitempty" minimum:"0.1" maximum:"60" default:"3" doc:"How long to wait for answers, seconds"`
	Height   int            `json:"height,omitempty" minimum:"0" maximum:"10000" doc:"Lines that the picture must have, to choose the profile; 0: 360"`
}

// Question names a camera that is looked at.
type Question struct {
	Address     string         `json:"address" minLength:"1" maxLength:"512" doc:"An ONVIF camera (HOST, HOST:PORT or http:// address), or an rtsp:// or rtsps:// address"`
	User        string         `json:"user,omitempty" maxLength:"128"`
	Password    sidecar.Secret `json:"password,omitempty"`
	Profile     string         `json:"profile,omitempty" maxLength:"128" doc:"Token or name of an ONVIF camera's profile; empty: it is chosen"`
	Height      int            `json:"height,omitempty" minimum:"0" maximum:"10000" doc:"Lines that the picture must have, to choose the profile; 0: 360"`
	RTSPPort    int            `json:"rtsp_port,omitempty" minimum:"0" maximum:"65535"`
	Fingerprint string         `json:"fingerprint,omitempty" maxLength:"128" doc:"SHA-256 of a certificate that no authority signed"`
	Seconds     float64        `json:"for_s,omitempty" minimum:"0.1" maximum:"30" default:"6" doc:"How long to look at the stream, seconds"`
}

// Work does something that takes a while, and tells how far it is, one call at a time.
type Work func(ctx context.Context, tell func(line any)) error

const (
	longest   = 15 * time.Minute // of one search
	findBurst = 10               // searches at once, and then one each findEvery
	findEvery = 2 * time.Second
)

// findRoutes are those that look for cameras and at them: one at a time, since they
// load the network.
func (s *Server) findRoutes(api huma.API) {
	busy := make(chan struct{}, 1)
	often := rate.NewLimiter(rate.Every(findEvery), findBurst)
	type search struct{ Body Search }
	huma.Register(api, findOperation("discover-cameras", "/api/v1/discover", "Look for ONVIF cameras"),
		func(ctx context.Context, in *search) (*huma.StreamResponse, error) {
			if s.options.Discover == nil {
				return nil, huma.Error501NotImplemented("this process looks for no cameras")
			}
			work, err := s.options.Discover(in.Body)
			what := in.Body.Ranges
			for _, h := range in.Body.Hosts {
				what = append(what, address(h))
			}
			return s.stream(ctx, busy, often, "camera.discover", strings.Join(what, " "), work, err)
		})
	type question struct{ Body Question }
	huma.Register(api, findOperation("probe-camera", "/api/v1/probe", "Look at a camera and its stream"),
		func(ctx context.Context, in *question) (*huma.StreamResponse, error) {
			if s.options.Probe == nil {
				return nil, huma.Error501NotImplemented("this process looks at no cameras")
			}
			work, err := s.options.Probe(in.Body)
			return s.stream(ctx, busy, often, "camera.probe", address(in.Body.Address), work, err)
		})
}

func findOperation(id, path, summary string) huma.Operation {
	o := operation(id, http.MethodPost, path, summary, http.StatusOK, accounts.Admin, http.StatusTooManyRequests, http.StatusNotImplemented)
	o.Description += " Answers with lines of JSON as things are found; the last one has the key done or error. docs/api.md describes them."
	o.Responses = map[string]*huma.Response{"200": {Description: "Lines of JSON",
		Content: map[string]*huma.MediaType{"application/x-ndjson": {Schema: &huma.Schema{Type: huma.TypeObject}}}}}
	return o
}

// stream answers with what a work tells, a line of JSON each.
func (s *Server) stream(ctx context.Context, busy chan struct{}, often *rate.Limiter, action, what string, work Work, err error) (*huma.StreamResponse, error) {
	var field *sidecar.FieldError
	switch {
	case errors.As(err, &field):
		return nil, huma.Error422UnprocessableEntity(err.Error(), &huma.ErrorDetail{Message: field.Problem + "; " + field.Remedy, Location: "body." + field.Field})
	case err != nil:
		return nil, huma.Error422UnprocessableEntity(err.Error())
	case !often.Allow():
		return nil, tooMany(findEvery, "too many searches in a short time")
	}
	select {
	case busy <- struct{}{}:
	default:
		return nil, tooMany(5*time.Second, "another search is going on")
	}
	s.audit(ctx, caller(ctx).Name, action, what)
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		s.viewers.Add(1)
		defer s.viewers.Done()
		defer func() { <-busy }()
		hc.SetHeader("Content-Type", "application/x-ndjson")
		ctx, cancel := context.WithTimeout(hc.Context(), longest)
		defer cancel()
		w, _ := hc.BodyWriter().(http.ResponseWriter)
		control := http.NewResponseController(w)
		_ = control.SetReadDeadline(time.Time{}) // it has been read; otherwise the search ends with the time to read it
		limit := func(d time.Duration) { _ = control.SetWriteDeadline(time.Now().Add(d)) }
		limit(longest + s.patience) // over HTTP/2 an answer is cut off at its deadline, even if nothing is being written
		defer limit(s.patience)
		tell := func(line any) {
			limit(s.patience)
			defer limit(longest + s.patience)
			if err := json.NewEncoder(w).Encode(line); err != nil || control.Flush() != nil {
				cancel() // whoever asked has gone
			}
		}
		began := time.Now()
		if err := work(ctx, tell); err != nil {
			tell(failure(err))
			return
		}
		tell(map[string]any{"done": map[string]any{"seconds": time.Since(began).Round(time.Millisecond).Seconds()}})
	}}, nil
}

// failure is a last line: what went wrong, and what to do about it.
func failure(err error) map[string]string {
	line := map[string]string{"error": err.Error()}
	var f *sidecar.Fault
	if errors.As(err, &f) {
		line["error"], line["hint"] = f.Err.Error(), f.Hint
	}
	return line
}

func tooMany(wait time.Duration, detail string) error {
	return huma.ErrorWithHeaders(huma.Error429TooManyRequests(detail), http.Header{"Retry-After": {strconv.Itoa(int(wait.Seconds()))}})
}
