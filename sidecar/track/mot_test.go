package track

import (
	"os"
	"testing"
	"time"

	"pantau/sidecar"
	"pantau/sidecar/internal/mot"
)

// readMOT reads a file of the MOTChallenge by frames.
func readMOT(t testing.TB, path string, size mot.Size) [][]mot.Row {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := mot.Read(f, path, size)
	if err != nil {
		t.Fatal(err)
	}
	return mot.Frames(rows)
}

// readDetections gives persons by frames, the first is frame 1.
func readDetections(t testing.TB, path string, width, height float64) [][]sidecar.Detection {
	t.Helper()
	frames := readMOT(t, path, mot.Size{Width: width, Height: height})
	all := make([][]sidecar.Detection, len(frames))
	for i, rows := range frames {
		for _, r := range rows {
			all[i] = append(all[i], sidecar.Detection{Class: sidecar.Person, Score: r.Score, Box: r.Box})
		}
	}
	return all
}

// follow gives the tracks of a recording as rows.
func follow(o Options, dets [][]sidecar.Detection, fps float64) [][]mot.Row {
	out := make([][]mot.Row, len(dets))
	for i, tracks := range Follow(o, fps, dets) {
		for _, k := range tracks {
			out[i] = append(out[i], mot.Row{Frame: i + 1, ID: int(k.ID), Box: k.Box})
		}
	}
	return out
}

// TestCampus rates the tracker against SORT and ByteTrack on the same detections.
func TestCampus(t *testing.T) {
	const width, height, fps = 640, 480, 25
	dets := readDetections(t, shared(t, "mot", "TUD-Campus", "det.txt"), width, height)
	want := readMOT(t, shared(t, "mot", "TUD-Campus", "gt.txt"), mot.Size{Width: width, Height: height})
	ours := mot.Rate(want, follow(Options{Aspect: float64(width) / height, High: 0.6}, dets, fps)) // as sure as the detector of this file
	for name, got := range map[string][][]mot.Row{"SORT": followSORT(dets),
		"ByteTrack 0.5": followByteTrack(dets, 0.5), "ByteTrack 0.6": followByteTrack(dets, 0.6)} {
		peer := mot.Rate(want, got)
		t.Logf("%s: MOTA %.3f IDF1 %.3f %+v", name, peer.MOTA(), peer.IDF1(), peer)
		few := 0.0
		if name != "SORT" {
			few = 0.02 // seven boxes of 359: less than a sequence of 71 frames can tell
		}
		if ours.MOTA() < peer.MOTA()-few || ours.IDF1() < peer.IDF1() {
			t.Errorf("%s is better", name)
		}
	}
	t.Logf("Pantau: MOTA %.3f IDF1 %.3f %+v", ours.MOTA(), ours.IDF1(), ours)
}

// TestStreetCrossings counts the pedestrians of PETS 2009 S2.L1 over a line, at
// three frame rates.
func TestStreetCrossings(t *testing.T) {
	tr := readTruth(t, shared(t, "videos", "pedestrians-pets09.json"))
	dets := readDetections(t, shared(t, "mot", "PETS09-S2L1", "det.txt"), tr.Width, tr.Height)
	for _, c := range []struct{ every, least, most int }{{1, 30, 2}, {2, 30, 2}, {3, 29, 3}} {
		tk, n := New(Options{}), newCounter(tr)
		for i := 0; i < 795; i += c.every {
			at := time.Duration(i) * 100 * time.Millisecond
			n.update(at, tk.Update(at, dets[i]))
		}
		matched, total, spurious := n.score(tr)
		t.Logf("%.1f fps: %d of %d matched, %d false, %d identities", 10/float64(c.every), matched, total, spurious, tk.lastID)
		if matched < c.least || spurious > c.most {
			t.Errorf("every %d frames: %d matched, %d false; want at least %d, at most %d", c.every, matched, spurious, c.least, c.most)
		}
	}
}
