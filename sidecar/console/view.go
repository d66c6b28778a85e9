package console

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"pantau/sidecar"
	"pantau/sidecar/console/accounts"
)

// View reaches what the views of cameras are held against.
type View struct {
	// Sketch draws the edges of a camera's reference as PNG; nil: there is none.
	Sketch func(ctx context.Context, camera string) ([]byte, error)
	// Confirm takes what a camera shows now as its reference. That it cannot be
	// confirmed is a *sidecar.Fault.
	Confirm func(ctx context.Context, camera string) error
}

// viewTimeout is how long a camera may take to answer.
const viewTimeout = 5 * time.Second

// viewRoutes are those of a camera's view.
func (s *Server) viewRoutes(api huma.API) {
	type sketch struct {
		Type string `header:"Content-Type"`
		Body []byte
	}
	o := operation("get-view-reference", http.MethodGet, "/api/v1/cameras/{id}/view/reference.png",
		"The edges of the scene that a camera's rules hold on", http.StatusOK, accounts.Operator, http.StatusNotFound, http.StatusServiceUnavailable)
	o.Description = "160 pixels wide. It is drawn from directions of edges: no picture is kept."
	o.Responses = map[string]*huma.Response{"200": {Description: "A PNG",
		Content: map[string]*huma.MediaType{"image/png": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}}}}
	huma.Register(api, o, func(ctx context.Context, in *cameraID) (*sketch, error) {
		if _, err := s.camera(in.ID); err != nil {
			return nil, err
		}
		ctx, cancel := context.WithTimeout(ctx, viewTimeout)
		defer cancel()
		png, err := s.options.View.Sketch(ctx, in.ID)
		if err != nil {
			return nil, huma.Error503ServiceUnavailable(err.Error())
		}
		if png == nil {
			return nil, huma.Error404NotFound("there is no reference of this view yet, or it is not watched")
		}
		return &sketch{Type: "image/png", Body: png}, nil
	})

	o = operation("confirm-view", http.MethodPost, "/api/v1/cameras/{id}/view/confirm",
		"Take what a camera shows now as the scene that its rules hold on", http.StatusNoContent, accounts.Operator,
		http.StatusNotFound, http.StatusConflict, http.StatusServiceUnavailable)
	o.Description = "For a view that was told to be moved or covered: its rules go on at once."
	huma.Register(api, o, func(ctx context.Context, in *cameraID) (*struct{}, error) {
		if _, err := s.camera(in.ID); err != nil {
			return nil, err
		}
		ctx, cancel := context.WithTimeout(ctx, viewTimeout)
		defer cancel()
		err := s.options.View.Confirm(ctx, in.ID)
		var fault *sidecar.Fault
		switch {
		case errors.As(err, &fault):
			return nil, huma.Error409Conflict(fault.Error())
		case err != nil:
			return nil, huma.Error503ServiceUnavailable(err.Error())
		}
		s.options.Log.Info("view confirmed", "camera", in.ID, "by", caller(ctx).Name)
		s.audit(ctx, caller(ctx).Name, "view.confirm", in.ID)
		return nil, nil
	})
}
