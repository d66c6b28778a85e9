package pipeline

import (
	"context"
	"testing"
	"time"

	"pantau/sidecar"
	"pantau/sidecar/decode"
	"pantau/sidecar/tap/taptest"
)

// bumped is a clip of a scene that stands, in which a white square passes every two
// seconds. From the 12th to the 24th second the camera looks a tenth of the
// picture's width further to the right.
func bumped(tb taptest.TB) string {
	return taptest.MakeClip(tb, taptest.Spec{
		Width: 320, Height: 240, Rate: 10, GOP: 10, Frames: 360,
		Pattern: "testsrc2=s=640x480:r=10,trim=end_frame=1,loop=loop=-1:size=1,setpts=N/10/TB,lutyuv=y=16+(val-16)*0.4," +
			"crop=320:240:x='100+if(between(t\\,12\\,24)\\,32\\,0)':y=100,noise=alls=6:allf=t[b];" +
			"color=white:s=40x60:r=10[w];[b][w]overlay=x='mod(t*190\\,380)-40':y=90:shortest=1",
	})
}

// The rules are suspended while the camera looks elsewhere, and not for ever.
func TestMovedCameraSuspendsItsRules(t *testing.T) {
	clip := bumped(t)
	for _, watch := range []sidecar.ViewWatch{"", sidecar.ViewAny} {
		t.Run("view "+string(watch), func(t *testing.T) {
			file, err := decode.OpenFile(clip, decode.FileOptions{Start: time.Unix(0, 0).UTC()})
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			var sink memory
			camera := sidecar.Camera{ID: "clip", Analyse: sidecar.Analyse{FPS: 10, View: watch}, Functions: []sidecar.Function{middle}}
			if _, err := Analyse(context.Background(), File{Camera: camera, Clip: file, Detector: &bright{}, Workers: 1, Sink: &sink}); err != nil {
				t.Fatal(err)
			}
			var states []string
			var changed []float64
			during, others := 0, 0
			for _, e := range sink.events {
				at := e.Time.Sub(time.Unix(0, 0)).Seconds()
				switch d := e.Data.(type) {
				case sidecar.StateChange:
					states, changed = append(states, d.From+" "+d.To), append(changed, at)
				case sidecar.Crossing:
					if at > 17 && at < 24 {
						during++
					} else {
						others++
					}
				}
			}
			t.Logf("%v at %.1f s; %d crossings while it is moved, %d others", states, changed, during, others)
			if watch == sidecar.ViewAny {
				if len(states) != 0 || during == 0 {
					t.Errorf("got %v and %d crossings, want no state and all crossings", states, during)
				}
				return
			}
			if len(states) != 2 || states[0] != "running moved" || states[1] != "moved running" {
				t.Fatalf("got %v, want that it is moved, and runs", states)
			}
			if changed[0] < 12 || changed[0] > 17 || changed[1] < 24 || changed[1] > 29 {
				t.Errorf("got the changes at %.1f s, want them within 5 s of 12 and 24", changed)
			}
			if during != 0 || others < 9 {
				t.Errorf("got %d crossings while it is moved and %d others, want 0 and at least 9", during, others)
			}
		})
	}
}

// What a view is held against outlives the program, as long as rules, source and
// masks stay what they are.
func TestReferencesAreKept(t *testing.T) {
	dir := t.TempDir()
	file, err := decode.OpenFile(bumped(t), decode.FileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	camera := sidecar.Camera{ID: "clip", Source: sidecar.Source{RTSP: "rtsp://h/a"}, Functions: []sidecar.Function{middle}}
	first, err := newViewing(camera, dir)
	if err != nil {
		t.Fatal(err)
	}
	for range 110 {
		f, err := file.Next()
		if err != nil {
			t.Fatal(err)
		}
		first.look(f, &sidecar.Scene{})
		f.Release()
	}
	if err := first.keep(time.Now(), true); err != nil {
		t.Fatal(err)
	}
	other := camera
	other.Source.RTSP = "rtsp://h/b"
	redrawn := camera
	redrawn.Functions = []sidecar.Function{{ID: "other", Kind: "line", Line: middle.Line}}
	masked := camera
	masked.Analyse.Mask = []sidecar.Polygon{{{0, 0}, {0.2, 0}, {0.2, 0.2}}}
	for _, c := range []struct {
		name   string
		camera sidecar.Camera
		want   bool
	}{{"the same", camera, true}, {"another source", other, false}, {"other rules", redrawn, false}, {"another mask", masked, false}} {
		next, err := newViewing(c.camera, dir)
		if err != nil {
			t.Fatal(err)
		}
		if got := next.Reference() != nil; got != c.want {
			t.Errorf("%s: got a reference %v, want %v", c.name, got, c.want)
		}
	}
	first.redefine(redrawn)
	if first.Reference() != nil {
		t.Error("the rules are others, and the reference is the old one")
	}
}
