package republish

import (
	"sync"

	"github.com/bluenviron/gortsplib/v4/pkg/format"

	"pantau/overlays/burn"
	"pantau/sidecar"
)

// overlayPath is where the pictures have their boxes in them.
const overlayPath = "overlay"

// overlay is a camera's stream of pictures with their boxes, made while somebody
// reads it. None of its methods but remove blocks.
type overlay struct {
	burner *burn.Watched

	mu   sync.Mutex
	ways map[*door]*way

	// of the burner's goroutine
	packer packer
	line   timeline
}

// overlayType is the payload type of these pictures.
const overlayType = 96

func newOverlay(o burn.Options) *overlay {
	v := &overlay{ways: map[*door]*way{}, packer: packer{largest: largestSecure, kind: overlayType}}
	v.burner = burn.NewWatched(o, v.write)
	return v
}

// way gives the stream at a door, and makes it for its first reader.
func (v *overlay) way(d *door) (*way, error) {
	v.mu.Lock()
	w := v.ways[d]
	v.mu.Unlock()
	if w != nil {
		return w, nil
	}
	sps, pps, err := v.burner.Format()
	if err != nil {
		d.server.log.Warn("describing pictures with boxes", "error", err)
		return nil, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if w = v.ways[d]; w != nil {
		return w, nil
	}
	w, err = newWay(d, &format.H264{PayloadTyp: overlayType, PacketizationMode: 1, SPS: sps, PPS: pps}, false)
	if err != nil {
		return nil, err
	}
	w.changed = v.readers
	v.ways[d] = w
	return w, nil
}

// readers lets the burner work while there are any.
func (v *overlay) readers() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.burner.Watch(v.reading() > 0)
}

// reading is how many there are. The caller holds mu.
func (v *overlay) reading() (n int) {
	for _, w := range v.ways {
		n += int(w.reading.Load())
	}
	return n
}

// part lets all readers go, and ends the burner with them: whoever comes at once gets
// one that knows the masks of now.
func (v *overlay) part() {
	v.mu.Lock()
	ways := v.ways
	v.ways = map[*door]*way{}
	v.burner.Watch(false)
	v.mu.Unlock()
	for _, w := range ways {
		w.rtsp.Close()
	}
	v.readers()
}

// remove ends everything.
func (v *overlay) remove() {
	v.part()
	v.burner.Close()
}

// write gives a picture to all who read.
func (v *overlay) write(u *sidecar.AccessUnit) {
	v.mu.Lock()
	ways := make([]*way, 0, len(v.ways))
	for _, w := range v.ways {
		ways = append(ways, w)
	}
	v.mu.Unlock()
	packets, due := v.packer.packets(u), v.line.follow(u.Stamp)
	for _, w := range ways {
		w.report(v.line.at(u.Stamp), u.RTPTime, due)
		w.picture(packets)
	}
}

// stats says how many read, and what became of the pictures.
func (v *overlay) stats() (int, burn.Stats) {
	v.mu.Lock()
	n := v.reading()
	v.mu.Unlock()
	return n, v.burner.Stats()
}
