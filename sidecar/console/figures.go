package console

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"pantau/sidecar/console/accounts"
	"pantau/sidecar/figures"
)

// cameraID is the path of what is about one camera.
type cameraID struct {
	ID string `path:"id" maxLength:"64"`
}

// figureRoutes are those of a camera's numbers.
func (s *Server) figureRoutes(api huma.API) {
	type output struct{ Body figures.Figures }
	huma.Register(api, operation("get-figures", http.MethodGet, "/api/v1/cameras/{id}/figures",
		"What is known of a camera now: sums, the newest minute with its quality and audits, states of functions",
		http.StatusOK, accounts.Viewer, http.StatusNotFound),
		func(_ context.Context, in *cameraID) (*output, error) {
			f, ok := s.options.Figures(in.ID)
			if !ok {
				return nil, huma.Error404NotFound("no such camera")
			}
			return &output{Body: f}, nil
		})
}
