// Package catalogue finds out which cameras there are and what is enabled on
// each.
package catalogue

import (
	"context"

	"pantau/sidecar"
)

// Discoverer finds cameras. Run sends the whole set at first and after every
// change, and ends with ctx. Who receives compares each set with the one before.
type Discoverer interface {
	Run(ctx context.Context, sets chan<- []sidecar.Camera) error
}
