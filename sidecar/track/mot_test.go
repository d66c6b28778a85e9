package track

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
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

// TestSequences rates the tracker and its peers on all sequences of a folder in the layout of
// the MOTChallenge (NAME/det/det.txt and NAME/gt/gt.txt, or without the inner folders), and
// on all of them together: PANTAU_MOT=DIR go test -v -run Sequences ./sidecar/track.
func TestSequences(t *testing.T) {
	dir := os.Getenv("PANTAU_MOT")
	if dir == "" {
		t.Skip("PANTAU_MOT names no folder")
	}
	sizes := map[string][3]float64{ // width, height, frames per second
		"TUD-Campus": {640, 480, 25}, "TUD-Stadtmitte": {640, 480, 25}, "PETS09-S2L1": {768, 576, 7}, "Venice-2": {1920, 1080, 30},
		"ADL-Rundle-6": {1920, 1080, 30}, "ADL-Rundle-8": {1920, 1080, 30}, "KITTI-13": {1242, 375, 10}, "KITTI-17": {1224, 370, 10},
		"ETH-Bahnhof": {640, 480, 14}, "ETH-Pedcross2": {640, 480, 14}, "ETH-Sunnyday": {640, 480, 14},
	}
	all := map[string]mot.Rating{}
	say := func(sequence, name string, r mot.Rating) {
		t.Logf("| %s | %s | %.1f | %.1f | %d | %d | %d |", sequence, name, 100*r.MOTA(), 100*r.IDF1(), r.Missed, r.False, r.Switches)
	}
	for _, sequence := range slices.Sorted(maps.Keys(sizes)) {
		find := func(kind string) string {
			for _, path := range []string{filepath.Join(dir, sequence, kind, kind+".txt"), filepath.Join(dir, sequence, kind+".txt")} {
				if _, err := os.Stat(path); err == nil {
					return path
				}
			}
			return ""
		}
		det, gt := find("det"), find("gt")
		if det == "" || gt == "" {
			continue
		}
		size := sizes[sequence]
		dets := readDetections(t, det, size[0], size[1])
		want := readMOT(t, gt, mot.Size{Width: size[0], Height: size[1]})
		for _, c := range []struct {
			name string
			got  [][]mot.Row
		}{
			{"Pantau", follow(Options{Aspect: size[0] / size[1], High: 0.6}, dets, size[2])}, {"SORT", followSORT(dets)},
			{"ByteTrack, threshold 0.5", followByteTrack(dets, 0.5)}, {"ByteTrack, threshold 0.6", followByteTrack(dets, 0.6)},
		} {
			r := mot.Rate(want, c.got)
			say(sequence, c.name, r)
			sum := all[c.name]
			sum.Add(r)
			all[c.name] = sum
		}
	}
	if len(all) == 0 {
		t.Fatalf("there is no sequence in %s", dir)
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		say("all", name, all[name])
	}
}
