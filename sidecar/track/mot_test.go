package track

import (
	"bufio"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pantau/sidecar"
)

// identified is a box with the identity that somebody gave to it.
type identified struct {
	id  uint64
	box sidecar.Box
}

// readMOT reads a MOTChallenge text file: frame, id, left, top, width, height,
// score, and three numbers that two dimensions do not need.
func readMOT(t testing.TB, path string, width, height float64, each func(frame int, id int64, b sidecar.Box, score float64)) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		fields := strings.Split(s.Text(), ",")
		var v [7]float64
		for i := range v {
			if v[i], err = strconv.ParseFloat(strings.TrimSpace(fields[i]), 64); err != nil {
				t.Fatalf("reading %s: %v", path, err)
			}
		}
		b := sidecar.Box{Left: v[2] / width, Top: v[3] / height, Right: (v[2] + v[4]) / width, Bottom: (v[3] + v[5]) / height}
		each(int(v[0]), int64(v[1]), b, v[6])
	}
}

func readDetections(t testing.TB, path string, width, height float64) map[int][]sidecar.Detection {
	dets := map[int][]sidecar.Detection{}
	readMOT(t, path, width, height, func(frame int, _ int64, b sidecar.Box, score float64) {
		dets[frame] = append(dets[frame], sidecar.Detection{Class: sidecar.Person, Score: score, Box: b})
	})
	return dets
}

// rating is how well tracks agree with the truth.
type rating struct {
	truth, missed, spurious, switches, sameID, tracked int
}

// mota is CLEAR MOT's accuracy (Bernardin, Stiefelhagen 2008).
func (r rating) mota() float64 {
	return 1 - float64(r.missed+r.spurious+r.switches)/float64(r.truth)
}

// idf1 is the F1 of identities (Ristani 2016).
func (r rating) idf1() float64 { return 2 * float64(r.sameID) / float64(r.truth+r.tracked) }

// rate compares frame by frame, with boxes matched from an IoU of 0.5.
func rate(want, got [][]identified) rating {
	var r rating
	var a assignment
	partner := map[uint64]uint64{} // truth -> track, the last known
	together := map[[2]uint64]int{}
	for i := range want {
		matched := map[uint64]uint64{} // in this frame
		usedTruth, usedTrack := map[uint64]bool{}, map[uint64]bool{}
		for _, w := range want[i] { // what was matched stays matched
			for _, g := range got[i] {
				if w.box.IoU(g.box) < 0.5 {
					continue
				}
				together[[2]uint64{w.id, g.id}]++
				if id, ok := partner[w.id]; ok && id == g.id {
					matched[w.id], usedTruth[w.id], usedTrack[g.id] = g.id, true, true
				}
			}
		}
		a.reset()
		for _, w := range want[i] {
			for col, g := range got[i] {
				if iou := w.box.IoU(g.box); iou >= 0.5 && !usedTruth[w.id] && !usedTrack[g.id] {
					a.add(col, (1-iou)/2)
				}
			}
			a.endRow()
		}
		a.solve(len(got[i]))
		for row, col := range a.colOf[:len(want[i])] {
			if col < 0 {
				continue
			}
			w, g := want[i][row].id, got[i][col].id
			if id, ok := partner[w]; ok && id != g {
				r.switches++
			}
			matched[w] = g
		}
		for w, g := range matched {
			partner[w] = g
		}
		r.truth += len(want[i])
		r.tracked += len(got[i])
		r.missed += len(want[i]) - len(matched)
		r.spurious += len(got[i]) - len(matched)
	}
	r.sameID = mostTogether(together, len(want))
	return r
}

// mostTogether pairs true with found identities so that the frames in which
// they agree are most.
func mostTogether(together map[[2]uint64]int, frames int) int {
	rows, cols := map[uint64]int{}, map[uint64]int{}
	var order []uint64
	for k := range together {
		if _, ok := rows[k[0]]; !ok {
			rows[k[0]] = len(rows)
			order = append(order, k[0])
		}
		if _, ok := cols[k[1]]; !ok {
			cols[k[1]] = len(cols)
		}
	}
	var a assignment
	a.reset()
	for _, w := range order {
		for g, col := range cols {
			if n := together[[2]uint64{w, g}]; n > 0 {
				a.add(col, 1-float64(n)/float64(frames+1))
			}
		}
		a.endRow()
	}
	a.solve(len(cols))
	total := 0
	for k, n := range together {
		if a.colOf[rows[k[0]]] == int32(cols[k[1]]) {
			total += n
		}
	}
	return total
}

// follow runs the tracker over a sequence and gives the observed tracks. In a
// file, unlike live, the frames before a track's confirmation are its own too.
func follow(o Options, dets map[int][]sidecar.Detection, frames int, fps float64) [][]identified {
	type birth struct {
		born  time.Duration
		start sidecar.Box
	}
	type place struct{ frame, index int }
	tk, tentative := New(o), map[birth][]place{}
	out := make([][]identified, frames)
	for i := range frames {
		at := time.Duration(float64(i) / fps * float64(time.Second))
		for _, k := range tk.Update(at, dets[i+1]).Tracks {
			if !k.Observed {
				continue
			}
			b := birth{k.Born, k.Start}
			if k.Confirmed {
				for _, p := range tentative[b] {
					out[p.frame][p.index].id = uint64(k.ID)
				}
				delete(tentative, b)
			} else {
				tentative[b] = append(tentative[b], place{i, len(out[i])})
			}
			out[i] = append(out[i], identified{uint64(k.ID), k.Box})
		}
	}
	for i := range out {
		out[i] = slices.DeleteFunc(out[i], func(k identified) bool { return k.id == 0 })
	}
	return out
}

// TestCampus rates the tracker against SORT on the same detections.
func TestCampus(t *testing.T) {
	const width, height, fps = 640, 480, 25
	dets := readDetections(t, shared(t, "mot", "TUD-Campus", "det.txt"), width, height)
	var want [][]identified
	readMOT(t, shared(t, "mot", "TUD-Campus", "gt.txt"), width, height, func(frame int, id int64, b sidecar.Box, _ float64) {
		for len(want) < frame {
			want = append(want, nil)
		}
		want[frame-1] = append(want[frame-1], identified{uint64(id), b})
	})
	ours := rate(want, follow(Options{}, dets, len(want), fps))
	peer := rate(want, followSORT(dets, len(want)))
	t.Logf("Pantau: MOTA %.3f IDF1 %.3f %+v", ours.mota(), ours.idf1(), ours)
	t.Logf("SORT:   MOTA %.3f IDF1 %.3f %+v", peer.mota(), peer.idf1(), peer)
	if ours.mota() < peer.mota() || ours.idf1() < peer.idf1() {
		t.Error("SORT is better")
	}
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
			n.update(at, tk.Update(at, dets[i+1]))
		}
		matched, total, spurious := n.score(tr)
		t.Logf("%.1f fps: %d of %d matched, %d false, %d identities", 10/float64(c.every), matched, total, spurious, tk.lastID)
		if matched < c.least || spurious > c.most {
			t.Errorf("every %d frames: %d matched, %d false; want at least %d, at most %d", c.every, matched, spurious, c.least, c.most)
		}
	}
}

// TestRating checks the evaluator itself on a sequence small enough to count by hand.
func TestRating(t *testing.T) {
	at := func(id uint64, x float64) identified {
		return identified{id, sidecar.Box{Left: x, Right: x + 0.1, Bottom: 0.1}}
	}
	want := [][]identified{{at(1, 0), at(2, 0.5)}, {at(1, 0), at(2, 0.5)}, {at(1, 0), at(2, 0.5)}, {at(1, 0)}}
	got := [][]identified{{at(7, 0.01)}, {at(7, 0), at(8, 0.5)}, {at(9, 0), at(8, 0.5)}, {at(9, 0), at(8, 0.8)}}
	r := rate(want, got)
	// Truth 7 boxes: one missed (2 in the first frame), one spurious (8 in the
	// last), one switch (7 to 9). Identities: 1 with 7 or 9 (2), 2 with 8 (2).
	if w := (rating{truth: 7, missed: 1, spurious: 1, switches: 1, sameID: 4, tracked: 7}); r != w {
		t.Errorf("got %+v, want %+v", r, w)
	}
	if w := 1 - 3.0/7; math.Abs(r.mota()-w) > 1e-9 {
		t.Errorf("MOTA %v, want %v", r.mota(), w)
	}
}
