package console

import (
	"context"
	"net/http"
	"net/url"
	"path/filepath"

	"github.com/danielgtaylor/huma/v2"

	"pantau/sidecar"
	"pantau/sidecar/console/accounts"
)

// cameraRoutes are those of the cameras and of this process.
func (s *Server) cameraRoutes(api huma.API) {
	type cameras struct{ Body []sidecar.CameraStatus }
	huma.Register(api, operation("list-cameras", http.MethodGet, "/api/v1/cameras",
		"All cameras and how they fare", http.StatusOK, accounts.Viewer),
		func(ctx context.Context, _ *struct{}) (*cameras, error) {
			all := []sidecar.CameraStatus{}
			for _, c := range s.options.Source.Cameras() {
				all = append(all, shown(ctx, c))
			}
			return &cameras{Body: all}, nil
		})

	type camera struct{ Body sidecar.CameraStatus }
	huma.Register(api, operation("get-camera", http.MethodGet, "/api/v1/cameras/{id}",
		"One camera and how it fares", http.StatusOK, accounts.Viewer, http.StatusNotFound),
		func(ctx context.Context, in *struct {
			ID string `path:"id"`
		}) (*camera, error) {
			c, err := s.camera(in.ID)
			if err != nil {
				return nil, err
			}
			return &camera{Body: shown(ctx, c)}, nil
		})
	s.snapshotRoute(api)

	type status struct{ Body NodeAndCameras }
	huma.Register(api, operation("get-status", http.MethodGet, "/api/v1/status",
		"How this process fares", http.StatusOK, accounts.Operator),
		func(context.Context, *struct{}) (*status, error) {
			return &status{Body: summary(s.options.Source)}, nil
		})
}

// camera is how one camera fares, or the answer that there is none.
func (s *Server) camera(id string) (sidecar.CameraStatus, error) {
	for _, c := range s.options.Source.Cameras() {
		if c.ID == id {
			return c, nil
		}
	}
	return sidecar.CameraStatus{}, huma.Error404NotFound("no such camera")
}

// NodeAndCameras is how this process fares, with its cameras summed up.
type NodeAndCameras struct {
	sidecar.NodeStatus
	Cameras map[string]int `json:"cameras"` // number of cameras by state
	FPS     sidecar.Rates  `json:"fps"`     // of all cameras together
}

func summary(source Source) NodeAndCameras {
	sum := NodeAndCameras{NodeStatus: source.Node(), Cameras: map[string]int{}}
	for _, c := range source.Cameras() {
		sum.Cameras[c.Status.State]++
		sum.FPS.Camera += c.Status.FPS.Camera
		sum.FPS.Processed += c.Status.FPS.Processed
		sum.FPS.Skipped += c.Status.FPS.Skipped
		sum.FPS.Detection += c.Status.FPS.Detection
	}
	return sum
}

// shown is a camera as the API shows it: its address without what may be a
// secret, and nothing else that serves to reach it. Viewers are shown no address, nor a cause, which
// may name it.
func shown(ctx context.Context, c sidecar.CameraStatus) sidecar.CameraStatus {
	if !caller(ctx).Role.Includes(accounts.Operator) {
		c.Source, c.Status = sidecar.Source{}, c.Status.Unnamed()
		return c
	}
	c.Source = sidecar.Source{ONVIF: c.Source.ONVIF, Profile: c.Source.Profile, RTSPPort: c.Source.RTSPPort, Events: c.Source.Events, Endpoint: c.Source.Endpoint, Follow: c.Source.Follow,
		RTSP: address(c.Source.RTSP), File: c.Source.File, Transport: c.Source.Transport}
	if c.Source.File != "" {
		c.Source.File = filepath.Base(c.Source.File)
	}
	return c
}

// address is an RTSP address without user information and query: many cameras
// take their password in the query.
func address(rtsp string) string {
	u, err := url.Parse(rtsp)
	if err != nil {
		return ""
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}

// milliseconds is sidecar.Latency as it is written.
type milliseconds struct {
	Receive float64 `json:"recv"`
	Decode  float64 `json:"decode"`
	Wait    float64 `json:"wait"`
	Infer   float64 `json:"infer"`
	Total   float64 `json:"total"`
}
