package live

import (
	"testing"
	"time"
)

// TestHoldFollowsTheScenes plays 25 pictures a second, whose scenes come so much
// later, for some seconds; every picture is analysed, or every nth.
func TestHoldFollowsTheScenes(t *testing.T) {
	type part struct {
		seconds, every int
		late           time.Duration
	}
	const ms = time.Millisecond
	tests := []struct {
		name  string
		parts []part
		want  time.Duration
	}{
		{"nothing came", nil, 400 * ms},
		{"too little came", []part{{1, 4, 20 * ms}}, 400 * ms},
		{"quick: the pictures before wait one picture more", []part{{5, 1, 20 * ms}}, 90 * ms},
		{"at once", []part{{12, 25, 0}}, 60 * ms},
		{"slow", []part{{5, 1, 400 * ms}}, 470 * ms},
		{"pictures between two scenes wait for the second", []part{{5, 5, 100 * ms}}, 330 * ms},
		{"scenes far apart: not waited for", []part{{12, 12, 100 * ms}}, 130 * ms},
		{"bounded", []part{{5, 1, 5 * time.Second}}, 1500 * ms},
		{"what was slow is remembered", []part{{2, 1, 400 * ms}, {8, 1, 40 * ms}}, 470 * ms},
		{"and forgotten", []part{{2, 1, 400 * ms}, {12, 1, 40 * ms}}, 110 * ms},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var l lateness
			now, pts := time.Unix(1000, 0), int64(1<<32-7)
			for _, p := range test.parts {
				for i := range p.seconds * 25 {
					l.picture("e1", pts, now)
					if i%p.every == 0 {
						l.scene("e1", pts, 90000, now.Add(p.late))
					}
					pts += 3600
					now = now.Add(40 * ms)
				}
			}
			if got := l.hold(400 * ms); got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

func TestScenesOfNoPictureTeachNothing(t *testing.T) {
	var l lateness
	now := time.Unix(1000, 0)
	l.picture("e1", 0, now)
	for i := range int64(50) {
		l.scene("e0", 0, 90000, now.Add(time.Second))
		l.scene("e1", 1+i*100_000, 90000, now.Add(time.Second))
		l.scene("e1", 0, 0, now)
	}
	if got := l.hold(time.Second); got != time.Second {
		t.Errorf("got %v, want what it began with", got)
	}
}
