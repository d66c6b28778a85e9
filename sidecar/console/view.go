package console

import (
	"context"
	"errors"
	"fmt"
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
		c, err := s.camera(in.ID)
		if err != nil {
			return nil, err
		}
		ctx, cancel := context.WithTimeout(ctx, viewTimeout)
		defer cancel()
		png, err := s.options.View.Sketch(ctx, in.ID)
		if err != nil {
			return nil, unanswered(c.Status, err)
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
		c, err := s.camera(in.ID)
		if err != nil {
			return nil, err
		}
		ctx, cancel := context.WithTimeout(ctx, viewTimeout)
		defer cancel()
		err = s.options.View.Confirm(ctx, in.ID)
		var fault *sidecar.Fault
		switch {
		case errors.As(err, &fault):
			return nil, huma.Error409Conflict(fault.Error())
		case err != nil:
			return nil, unanswered(c.Status, err)
		}
		s.options.Log.Info("view confirmed", "camera", in.ID, "by", caller(ctx).Name)
		s.audit(ctx, caller(ctx).Name, "view.confirm", in.ID)
		return nil, nil
	})
}

// unanswered is the answer where a camera's view could not be asked for.
func unanswered(camera sidecar.Status, err error) error {
	why := blind(camera)
	switch {
	case why != "":
	case errors.Is(err, context.DeadlineExceeded):
		why = fmt.Sprintf("the camera's analysis has not answered in %.0f s: try again; if it stays so, this machine has too many cameras, or analyses them too often (analyse.fps)", viewTimeout.Seconds())
	default:
		why = err.Error() + ": try again; if it stays so, the log says why"
	}
	return huma.Error503ServiceUnavailable(why)
}
