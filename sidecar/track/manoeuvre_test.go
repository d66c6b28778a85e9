package track

import (
	"testing"

	"pantau/sidecar"
)

// Who is hidden while it brakes, turns or stops is not where it was predicted,
// and is the same all the same.
func TestManoeuvreWhileHidden(t *testing.T) {
	ways := map[string]func(s float64) (float64, float64){
		"stops": func(s float64) (float64, float64) { return 0.1 + 0.08*min(s, 3.3), 0.5 },
		"turns": func(s float64) (float64, float64) { return 0.1 + 0.05*min(s, 3.5), 0.5 + 0.05*max(0, s-3.5) },
	}
	for name, way := range ways {
		for _, fps := range rates {
			tk := New(Options{})
			newStreet(actor{class: sidecar.Car, size: 0.08, at: way, hidden: func(s float64) bool { return s > 3 && s < 4.3 }}).
				play(tk, fps, 7, nil)
			if tk.lastID != 1 {
				t.Errorf("%s at %v fps: %d identities, want 1", name, fps, tk.lastID)
			}
		}
	}
}
