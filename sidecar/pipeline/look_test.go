package pipeline

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pantau/inference"
	"pantau/sidecar"
	"pantau/sidecar/decode"
	"pantau/sidecar/look"
)

// sized opens the 8-bit model with another input.
func sized(tb testing.TB, size int) *inference.Detector {
	tb.Helper()
	m := model(tb, "street-int8")
	m.Input.Size = size
	return open(tb, inference.Options{Model: m})
}

// still opens a picture as a clip of one frame.
func still(tb testing.TB, path string) *sidecar.Frame {
	tb.Helper()
	f, err := decode.OpenFile(path, decode.FileOptions{})
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	frame, err := f.Next()
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(frame.Release)
	return frame
}

// find gives what a detector finds in a frame, with some crops.
func find(tb testing.TB, d Detector, f *sidecar.Frame, crops []sidecar.Crop) []sidecar.Detection {
	tb.Helper()
	f.Crops = crops
	_, found, err := d.Detect(tb.Context(), func() *sidecar.Frame { return f }, nil)
	if err != nil {
		tb.Fatal(err)
	}
	return found
}

// heads counts the labelled heads of a picture of a crowd.
func heads(tb testing.TB, path string) int {
	tb.Helper()
	f, err := os.Open(path)
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	n := -1 // the first line names the columns
	for lines := bufio.NewScanner(f); lines.Scan(); {
		n++
	}
	return n
}

// Of the heads of crowds, as a camera of 640 by 480 shows them, a close look finds
// far more than the whole picture at half of that.
func TestCloserLooksFindMoreOfACrowd(t *testing.T) {
	all, err := filepath.Glob(filepath.Join(shared(t, "data", "crowd", "images"), "*.jpg"))
	if err != nil || len(all) == 0 {
		t.Fatalf("%d pictures, error %v", len(all), err)
	}
	d := sized(t, 320)
	square := sidecar.Function{ID: "square", Kind: "crowd", Polygon: sidecar.Polygon{{0, 0}, {1, 0}, {1, 1}, {0, 1}}}
	var truth, whole, close int
	var plan look.Plan
	for _, path := range all {
		f := still(t, path)
		name := strings.TrimSuffix(filepath.Base(path), ".jpg")
		truth += heads(t, filepath.Join(filepath.Dir(path), "..", "points", name+".csv"))
		plan = planned(f, d, sidecar.LookClose, square, nil)
		whole += people(find(t, d, f, nil))
		close += people(find(t, d, f, plan.Crops))
	}
	t.Logf("%d heads: %d in the whole picture, %d in %v", truth, whole, close, plan)
	if close < 2*whole || close > truth {
		t.Errorf("%d of %d heads, want at least twice the %d of the whole picture", close, truth, whole)
	}
}

// planned plans for a frame.
func planned(f *sidecar.Frame, d Sizer, mode sidecar.Look, rule sidecar.Function, seen map[string]look.Seen) look.Plan {
	o := look.Options{FPS: 10, Seen: seen, Assume: true}
	o.Width, o.Height = f.Picture.Size()
	o.Input.Width, o.Input.Height, o.Input.Free = d.Input(o.Width, o.Height)
	return look.New(sidecar.Camera{Analyse: sidecar.Analyse{Look: mode}, Functions: []sidecar.Function{rule}}, o)
}

// A motorway with small cars: of what the detector sees at the line with four
// times the pixels, the part finds clearly more than the whole picture, for less.
func TestPartsFindMoreForTheSame(t *testing.T) {
	clip := shared(t, "videos", "motorway-720p.mp4")
	rule := sidecar.Function{ID: "road", Kind: "line", Line: []sidecar.Point{{0.05, 0.4}, {0.95, 0.4}}}
	d, reference := sized(t, 640), sized(t, 1280)
	watch := look.NewWatch([]sidecar.Function{rule})
	camera := sidecar.Camera{ID: "c", Analyse: sidecar.Analyse{Look: sidecar.LookWhole}, Functions: []sidecar.Function{rule}}
	if _, err := Analyse(t.Context(), File{Camera: camera, Clip: opened(t, clip), Detector: d, Workers: 2, Sink: &memory{}, Watch: watch}); err != nil {
		t.Fatal(err)
	}
	file := opened(t, clip)
	var truth, whole, part, frames int
	var plan look.Plan
	for {
		f, err := file.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if frames++; frames%5 == 0 {
			plan = planned(f, d, sidecar.LookAuto, rule, watch.Seen())
			w, p := find(t, d, f, nil), find(t, d, f, plan.Crops)
			for _, r := range find(t, reference, f, nil) {
				if r.Score < 0.5 || r.Box.Top > 0.4 || r.Box.Bottom < 0.4 {
					continue
				}
				truth++
				whole += has(w, r)
				part += has(p, r)
			}
		}
		f.Release()
	}
	t.Logf("%d at the line: %d in the whole picture, %d in %v", truth, whole, part, plan)
	if len(plan.Crops) == 0 || plan.Cost > 1 || truth < 50 || part < whole+truth/10 {
		t.Errorf("%d of %d with %v, want a tenth more than the %d of the whole picture", part, truth, plan, whole)
	}
}

// has is 1 if an object is among what was found with a score that begins a track.
func has(found []sidecar.Detection, r sidecar.Detection) int {
	for _, f := range found {
		if f.Score >= 0.4 && f.Box.IoU(r.Box) > 0.5 {
			return 1
		}
	}
	return 0
}

// opened opens a clip.
func opened(tb testing.TB, clip string) *decode.File {
	tb.Helper()
	f, err := decode.OpenFile(clip, decode.FileOptions{})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(f.Close)
	return f
}

// What is looked at follows what was seen, and still the same clip gives the same
// facts, however many frames are looked at side by side; and scenes say what was
// looked at.
func TestPartsAreTheSameForAnyNumberOfWorkers(t *testing.T) {
	clip := built(t, "share", "pantau", "vtest.avi")
	d := sized(t, 192)
	line := sidecar.Function{ID: "line", Kind: "line", Line: []sidecar.Point{{0.45, 0.2}, {0.45, 1}}}
	var first []byte
	for _, workers := range []int{1, 4} {
		var sink memory
		var plans []sidecar.Looking
		camera := sidecar.Camera{ID: "c", Functions: []sidecar.Function{line}}
		_, err := Analyse(t.Context(), File{Camera: camera, Clip: opened(t, clip), Detector: d, Workers: workers, Sink: &sink,
			Looking: func(l sidecar.Looking) { plans = append(plans, l) }})
		if err != nil {
			t.Fatal(err)
		}
		if len(plans) < 2 || len(plans[0].Crops) != 0 || len(plans[len(plans)-1].Crops) == 0 {
			t.Fatalf("plans %+v, want the whole picture and then a part", plans)
		}
		if s := sink.scenes; len(s[0].Looked) != 0 || len(s[len(s)-1].Looked) == 0 {
			t.Errorf("scenes say %v first and %v last", s[0].Looked, s[len(s)-1].Looked)
		}
		for _, s := range sink.scenes {
			for _, track := range s.Tracks {
				if len(s.Looked) > 0 && track.Observed && track.Box.Intersect(s.Looked[0]).Area() < 0.5*track.Box.Area() {
					t.Fatalf("%v was seen outside of %v", track.Box, s.Looked)
				}
			}
		}
		if text := facts(t, &sink); first == nil {
			first = text
		} else if !bytes.Equal(first, text) {
			t.Error("with other workers there are other facts")
		}
	}
}

func people(all []sidecar.Detection) int {
	n := 0
	for _, d := range all {
		if d.Class == sidecar.Person && d.Score >= 0.3 {
			n++
		}
	}
	return n
}
