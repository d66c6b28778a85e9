package decode

// #include "decode.h"
import "C"

import (
	"fmt"
	"math"
	"time"

	"pantau/sidecar"
)

// mask blanks areas of frames. The rows that they cover are worked out once
// for each size of picture.
type mask struct {
	polygons      []sidecar.Polygon
	width, height int
	spans         []C.pantau_span
}

// frame makes a frame of a picture that the decoder gave away, masked. On an
// error the picture is freed.
func (m *mask) frame(av *C.AVFrame, p *pending) (*sidecar.Frame, error) {
	if len(m.polygons) > 0 {
		if err := m.blank(av); err != nil {
			C.pantau_free_frame(av)
			return nil, err
		}
	}
	f := &frame{picture: picture{av}}
	f.Frame = sidecar.Frame{Stamp: p.stamp, Key: p.key, Received: p.received, Decoded: time.Now(), Picture: &f.picture}
	return &f.Frame, nil
}

func (m *mask) blank(av *C.AVFrame) error {
	if w, h := int(av.width), int(av.height); w != m.width || h != m.height {
		m.width, m.height, m.spans = w, h, m.spans[:0]
		for _, p := range m.polygons {
			m.add(p)
		}
	}
	if len(m.spans) == 0 {
		return nil
	}
	if err := C.pantau_mask(av, &m.spans[0], C.int(len(m.spans))); err < 0 {
		return fmt.Errorf("%w: masking: %s", ErrBroken, text(err))
	}
	return nil
}

// add works out the rows of a polygon, even-odd, every pixel that it touches at
// the middle of the pixel's row.
func (m *mask) add(p sidecar.Polygon) {
	var xs []float64
	for y := range m.height {
		xs = p.Row(xs[:0], (float64(y)+0.5)/float64(m.height))
		for i := 0; i+1 < len(xs); i += 2 {
			x0 := max(0, int(math.Floor(xs[i]*float64(m.width))))
			x1 := min(m.width, int(math.Ceil(xs[i+1]*float64(m.width))))
			if x0 < x1 {
				m.spans = append(m.spans, C.pantau_span{C.int32_t(y), C.int32_t(x0), C.int32_t(x1)})
			}
		}
	}
}
