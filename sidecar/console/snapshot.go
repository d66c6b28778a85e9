package console

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"pantau/sidecar"
	"pantau/sidecar/console/accounts"
)

// jpegType is the media type of pictures.
const jpegType = "image/jpeg"

// snapshotRoute gives single pictures.
func (s *Server) snapshotRoute(api huma.API) {
	type picture struct {
		Type    string    `header:"Content-Type"`
		Capture time.Time `header:"Pantau-Capture" timeFormat:"2006-01-02T15:04:05.000000Z" doc:"When the picture was taken, UTC"`
		Body    []byte
	}
	o := operation("get-snapshot", http.MethodGet, "/api/v1/cameras/{id}/snapshot.jpg",
		"The next picture of a camera", http.StatusOK, accounts.Viewer, http.StatusNotFound, http.StatusServiceUnavailable)
	o.Description = "With the boxes found in it, or, with boxes=0, as it is. Masks are blanked in both. For a viewer persons and number plates are blurred."
	o.Responses = map[string]*huma.Response{"200": {Description: "A JPEG",
		Content: map[string]*huma.MediaType{jpegType: {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}}}}
	huma.Register(api, o, func(ctx context.Context, in *struct {
		ID    string `path:"id"`
		Boxes string `query:"boxes" enum:"0,1" default:"1" doc:"0: without boxes"`
	}) (*picture, error) {
		c, err := s.camera(in.ID)
		if err != nil {
			return nil, err
		}
		if why := blind(shown(ctx, c).Status); why != "" {
			return nil, huma.Error503ServiceUnavailable(why)
		}
		data, capture, err := s.options.Snapshot(ctx, in.ID, in.Boxes == "1", blurred(ctx))
		if err != nil {
			return nil, huma.Error503ServiceUnavailable(err.Error())
		}
		return &picture{Type: jpegType, Capture: capture.UTC(), Body: data}, nil
	})
}

// blind says why a camera gives no pictures; empty where it does.
func blind(s sidecar.Status) string {
	switch s.State {
	case "retrying", "stopped", "faulty":
		parts := []string{"the camera gives no picture"}
		for _, p := range []string{s.Cause, s.Hint} {
			if p != "" {
				parts = append(parts, p)
			}
		}
		return strings.Join(parts, ": ")
	}
	return ""
}
