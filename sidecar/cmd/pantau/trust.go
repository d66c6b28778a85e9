package main

import (
	"bytes"
	"context"
	"fmt"
	"image/png"

	"pantau/sidecar/audit"
	"pantau/sidecar/console"
	"pantau/sidecar/figures"
	"pantau/sidecar/view"
)

// trust gives the console what tells how far the numbers can be trusted.
func (s *service) trust(o *console.Options) {
	o.Figures, o.Audits = s.figures, audit.In(s.state)
	o.View = console.View{Sketch: s.sketch, Confirm: func(ctx context.Context, camera string) error { return s.fleet.ConfirmView(ctx, camera) }}
}

// figures tells the console what is known of a camera now.
func (s *service) figures(camera string) (figures.Figures, bool) {
	since, rows := s.fleet.Totals(camera)
	return s.board.Of(camera, since, rows)
}

// sketch draws the edges of what a camera's view is held against.
func (s *service) sketch(ctx context.Context, camera string) ([]byte, error) {
	reference, err := s.fleet.Reference(ctx, camera)
	if err != nil || reference == nil {
		return nil, err
	}
	img, err := view.Sketch(reference)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		return nil, fmt.Errorf("drawing the reference of the view: %w", err)
	}
	return b.Bytes(), nil
}
