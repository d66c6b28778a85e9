package main

import (
	"pantau/sidecar/console"
	"pantau/sidecar/figures"
)

// trust gives the console what tells how far the numbers can be trusted.
func (s *service) trust(o *console.Options) {
	o.Figures = s.figures
}

// figures tells the console what is known of a camera now.
func (s *service) figures(camera string) (figures.Figures, bool) {
	since, rows := s.fleet.Totals(camera)
	return s.board.Of(camera, since, rows)
}
