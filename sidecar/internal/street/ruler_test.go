package street

import (
	"encoding/gob"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pantau/sidecar"
	"pantau/sidecar/internal/score"
	"pantau/sidecar/track"
)

// sample is one frame of a track: its detection, or none.
type sample struct {
	t     float64
	found bool
	det   sidecar.Detection
}

// tracked runs the tracker over detections and gives what each object that was
// followed for a while was detected as.
func tracked(at []float64, found [][]sidecar.Detection) [][]sample {
	tk, byID := track.New(track.Options{}), map[sidecar.TrackID][]sample{}
	for i := range at {
		r := tk.Update(time.Duration(at[i]*float64(time.Second)), found[i])
		seen := map[sidecar.TrackID]bool{}
		for _, k := range r.Tracks {
			if !k.Confirmed || !k.Observed || k.Box.Left < 0.01 || k.Box.Right > 0.99 || k.Box.Bottom > 0.99 {
				continue
			}
			best, most := -1, 0.4
			for j, d := range found[i] {
				if iou := d.Box.IoU(k.Box); iou > most {
					best, most = j, iou
				}
			}
			if best >= 0 {
				byID[k.ID] = append(byID[k.ID], sample{at[i], true, found[i][best]})
				seen[k.ID] = true
			}
		}
		for id := range byID {
			if !seen[id] {
				byID[id] = append(byID[id], sample{t: at[i]})
			}
		}
	}
	var all [][]sample
	for id := sidecar.TrackID(1); id < 100000 && len(byID) > 0; id++ {
		l, ok := byID[id]
		delete(byID, id)
		if !ok {
			continue
		}
		for len(l) > 0 && !l[len(l)-1].found {
			l = l[:len(l)-1]
		}
		if len(l) >= 15 {
			all = append(all, l)
		}
	}
	return all
}

// reading is what the ruler says of a detector.
type reading struct {
	tracks, looks  int
	missed, doubt  float64    // parts of the looks; doubt: a score below 0.4
	uneven         float64    // deviation of the missed part from track to track
	bursts         [4]float64 // parts of the gaps of 1, 2, 3, and more looks
	logit          float64    // mean evidence
	between        float64    // its deviation from track to track
	inside         float64    // within a track
	lag            float64    // its correlation from look to look
	flips          float64    // parts of the looks with another class than most
	tail           float64    // of x: the 95th percentile over the median (of noise that is normal: 2.9)
	x, y, w, h     float64    // deviation from the middle of both neighbours, sides of the box
	x3, y3, w3, h3 float64    // the same from neighbours three looks away
}

func (r reading) String() string {
	return fmt.Sprintf("%3d tracks, %5d looks: missed %4.1f %% ±%4.1f, doubtful %4.1f %%, gaps of 1 2 3 4+: %2.0f %2.0f %2.0f %2.0f %%; evidence %.2f ±%.2f between ±%.2f within, lag %.2f; flips %.1f %%; tail %.1f; jitter x %.3f y %.3f w %.3f h %.3f; over 3: x %.3f y %.3f w %.3f h %.3f",
		r.tracks, r.looks, 100*r.missed, 100*r.uneven, 100*r.doubt, 100*r.bursts[0], 100*r.bursts[1], 100*r.bursts[2], 100*r.bursts[3],
		r.logit, r.between, r.inside, r.lag, 100*r.flips, r.tail, r.x, r.y, r.w, r.h, r.x3, r.y3, r.w3, r.h3)
}

// measureNoise is the ruler: the same for real and for simulated detections.
func measureNoise(tracks [][]sample) reading {
	var r reading
	r.tracks = len(tracks)
	var shares, means, spreads, lags []float64
	var jitter [8][]float64
	gaps := 0
	for _, l := range tracks {
		missed, burst := 0, 0
		classes := map[sidecar.Class]int{}
		var e []float64
		for _, k := range l {
			r.looks++
			if !k.found {
				missed++
				burst++
				continue
			}
			if burst > 0 {
				r.bursts[min(burst, 4)-1]++
				gaps++
			}
			burst = 0
			if k.det.Score < 0.4 {
				r.doubt++
			}
			classes[k.det.Class]++
			e = append(e, logit(min(0.98, max(0.02, k.det.Score))))
		}
		r.missed += float64(missed)
		most := 0
		for _, n := range classes {
			most = max(most, n)
		}
		r.flips += float64(len(l) - missed - most)
		shares = append(shares, float64(missed)/float64(len(l)))
		m, s := spread(e)
		means, spreads = append(means, m), append(spreads, s)
		if s > 0 {
			c := 0.0
			for i := 1; i < len(e); i++ {
				c += (e[i] - m) * (e[i-1] - m)
			}
			lags = append(lags, c/float64(len(e)-1)/(s*s))
		}
		for g, gap := range [2]int{1, 3} {
			for i := gap; i+gap < len(l); i++ {
				a, b, c := l[i-gap], l[i], l[i+gap]
				if !a.found || !b.found || !c.found {
					continue
				}
				f := (b.t - a.t) / (c.t - a.t)
				m := blend(a.det.Box, c.det.Box, f)
				n := math.Sqrt(1 + f*f + (1-f)*(1-f))
				w, h := b.det.Box.Width(), b.det.Box.Height()
				jitter[4*g] = append(jitter[4*g], math.Abs(b.det.Box.Centre()[0]-m.Centre()[0])/w/n)
				jitter[4*g+1] = append(jitter[4*g+1], math.Abs(b.det.Box.Centre()[1]-m.Centre()[1])/h/n)
				jitter[4*g+2] = append(jitter[4*g+2], math.Abs(w-m.Width())/w/n)
				jitter[4*g+3] = append(jitter[4*g+3], math.Abs(h-m.Height())/h/n)
			}
		}
	}
	r.missed /= float64(r.looks)
	r.doubt /= float64(r.looks)
	r.flips /= float64(r.looks)
	for i := range r.bursts {
		r.bursts[i] /= float64(max(1, gaps))
	}
	_, r.uneven = spread(shares)
	r.logit, r.between = spread(means)
	r.inside, _ = spread(spreads)
	r.lag, _ = spread(lags)
	for i, v := range []*float64{&r.x, &r.y, &r.w, &r.h, &r.x3, &r.y3, &r.w3, &r.h3} {
		*v = 1.4826 * median(jitter[i])
		if i == 0 {
			sorted := slices.Sorted(slices.Values(jitter[0]))
			r.tail = sorted[len(sorted)*95/100] / sorted[len(sorted)/2]
		}
	}
	return r
}

func spread(v []float64) (mean, deviation float64) {
	for _, x := range v {
		mean += x / float64(len(v))
	}
	for _, x := range v {
		deviation += (x - mean) * (x - mean) / float64(len(v))
	}
	return mean, math.Sqrt(deviation)
}

func median(v []float64) float64 {
	if len(v) == 0 {
		return 0
	}
	return slices.Sorted(slices.Values(v))[len(v)/2]
}

// recorded reads what a detector found in a clip, about ten frames a second.
func recorded(t *testing.T, path string, truth score.Truth) (at []float64, found [][]sidecar.Detection) {
	var all []struct {
		At struct {
			Epoch string
			PTS   int64
		}
		Found []sidecar.Detection
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := gob.NewDecoder(f).Decode(&all); err != nil {
		t.Fatal(err)
	}
	if len(all) < truth.Frames*9/10 {
		t.Logf("%s has %d of %d frames: run pantau accuracy at every frame", path, len(all), truth.Frames)
		return nil, nil
	}
	slices.SortFunc(all, func(a, b struct {
		At struct {
			Epoch string
			PTS   int64
		}
		Found []sidecar.Detection
	}) int {
		return int(a.At.PTS - b.At.PTS)
	})
	every := max(1, int(math.Round(truth.FPS/10)))
	for i := 0; i < len(all); i += every {
		at = append(at, float64(i)/truth.FPS)
		found = append(found, all[i].Found)
	}
	return at, found
}

// nested is how many of the detections lie within a larger one of their family,
// of all scores and of those from which on tracks begin.
func nested(found [][]sidecar.Detection) string {
	var all, in [2]int
	two := func(c sidecar.Class) int {
		switch c {
		case sidecar.Person:
			return 0
		case sidecar.Motorcycle, sidecar.Bicycle:
			return 1
		}
		return 2
	}
	for _, frame := range found {
		for _, d := range frame {
			inside := slices.ContainsFunc(frame, func(e sidecar.Detection) bool {
				return e.Box.Area() > 1.2*d.Box.Area() && two(e.Class) == two(d.Class) && e.Score >= 0.2 && e.Box.Intersect(d.Box).Area() > 0.85*d.Box.Area()
			})
			for i, least := range [2]float64{0.1, 0.3} {
				if d.Score >= least {
					all[i]++
					if inside {
						in[i]++
					}
				}
			}
		}
	}
	return fmt.Sprintf("nested %.2f %% of %d, from 0.3 %.2f %% of %d", 100*float64(in[0])/float64(all[0]), all[0], 100*float64(in[1])/float64(all[1]), all[1])
}

// TestNoiseIsLikeThatOfRealClips reads detections of real clips, where they are
// kept (make accuracy), and simulated ones with the same ruler.
func TestNoiseIsLikeThatOfRealClips(t *testing.T) {
	root := "../../.."
	caches, _ := filepath.Glob(filepath.Join(root, "var/accuracy/*.gob"))
	var all [][]sample
	for _, c := range caches {
		name, _, _ := strings.Cut(filepath.Base(c), "-street")
		truth, err := score.Read(filepath.Join(root, "../shared/videos", name+".json"))
		if err != nil {
			t.Logf("%s: %v", c, err)
			continue
		}
		if at, found := recorded(t, c, truth); at != nil {
			tracks := tracked(at, found)
			t.Logf("%-20s %s; %v", name, nested(found), measureNoise(tracks))
			all = append(all, tracks...)
		}
	}
	if len(all) > 0 {
		t.Logf("%-20s %v", "all clips", measureNoise(all))
	}
	for _, k := range Kinds() {
		all = nil
		var every [][]sidecar.Detection
		for seed := range uint64(6) {
			f := Shoot(seed+1, Options{Kind: k, FPS: 10, Length: 30 * time.Second})
			var at []float64
			for i := range f.Frames {
				at = append(at, f.Frames[i].At.Seconds())
			}
			found := Like(0.97).Look(f, 1)
			every = append(every, found...)
			all = append(all, tracked(at, found)...)
		}
		r := measureNoise(all)
		t.Logf("%-20s %s; %v", fmt.Sprintf("simulated %s", k), nested(every), r)
		for _, c := range []struct {
			name          string
			got, from, to float64 // what the clips above read, and a little more
		}{
			{"missed", r.missed, 0.03, 0.22}, {"doubtful", r.doubt, 0.07, 0.53}, {"gaps of one look", r.bursts[0], 0.25, 0.75},
			{"evidence", r.logit, -0.3, 0.8}, {"evidence between", r.between, 0.4, 1.2}, {"evidence within", r.inside, 0.4, 0.65},
			{"lag", r.lag, 0.4, 0.75}, {"x", r.x, 0.006, 0.035}, {"w", r.w, 0.01, 0.045},
		} {
			if c.got < c.from || c.got > c.to {
				t.Errorf("%s: %s is %.3f, on real clips %.2f to %.2f", k, c.name, c.got, c.from, c.to)
			}
		}
	}
}
