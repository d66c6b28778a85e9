package audit

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pantau/sidecar"
)

// street is what passes a simulated camera, and how it is counted.
type street struct {
	name   string
	rate   float64 // crossings a second
	clumps float64 // how many come together, in the mean
	recall float64
	blink  float64 // part of the time in which nothing is detected at all, in stretches of a minute
	wrong  float64 // false counts for each true crossing
	hours  float64
	quiet  int // windows to be seen without a count
}

// film gives the true and the counted crossings of one recording, by time.
func (s street) film(r *rand.Rand) (truth, counted []time.Duration, end time.Duration) {
	end = time.Duration(s.hours * float64(time.Hour))
	blind := map[time.Duration]bool{}
	for m := range end / time.Minute {
		blind[m] = r.Float64() < s.blink
	}
	gap := func(rate float64) time.Duration { return time.Duration(r.ExpFloat64() / rate * float64(time.Second)) }
	for at := gap(s.rate / s.clumps); at < end; at += gap(s.rate / s.clumps) {
		group := 1
		for r.Float64() < 1-1/s.clumps {
			group++
		}
		for i := range group {
			t := at + time.Duration(i)*time.Second
			if t >= end {
				break
			}
			truth = append(truth, t)
			if !blind[t/time.Minute] && r.Float64() < s.recall {
				counted = append(counted, t)
			}
		}
	}
	if s.wrong > 0 {
		for at := gap(s.rate * s.wrong); at < end; at += gap(s.rate * s.wrong) {
			counted = append(counted, at)
		}
	}
	slices.Sort(truth)
	slices.Sort(counted)
	return truth, counted, end
}

// audited carries out an audit of one recording, with the windows and the draw of
// the product and a person who makes no mistake.
func (s street) audited(seed uint64) (e Estimate, true_ int) {
	truth, counted, end := s.film(rand.New(rand.NewPCG(seed, 1)))
	key := Key{sidecar.In, Vehicles}
	order := Order{Crossings: 20, Quiet: s.quiet}
	line, tallies := Line{Counted: Tally{}}, map[*Strip]Tally{}
	var drawn [strata]*draw
	drawn[quiet], drawn[busy] = newDraw(s.quiet, seed, "quiet"), newDraw(order.Crossings, seed, "busy")
	for _, w := range windows(counted, end) {
		strip := &Strip{Counted: Tally{key: len(w.crossings)}}
		if len(w.crossings) > 0 {
			strip.Stratum = busy
		}
		line.Windows[strip.Stratum]++
		line.Counted[key] += len(w.crossings)
		if kept, _ := drawn[strip.Stratum].offer(strip); kept {
			n, _ := slices.BinarySearch(truth, w.to)
			m, _ := slices.BinarySearch(truth, w.from)
			tallies[strip] = Tally{key: n - m}
		}
	}
	var seen []Seen
	for h, n := range order.sizes(&line) {
		chosen, _ := drawn[h].some(n)
		for _, strip := range chosen {
			seen = append(seen, Seen{h, strip.Counted, tallies[strip]})
		}
	}
	e, _ = estimate(seen, Drawn{line.Windows, line.Counted}, func(Key) bool { return true })
	return e, len(truth)
}

// windows cuts a recording as it passes.
func windows(counted []time.Duration, end time.Duration) (all []window) {
	var c cutter
	for known := time.Duration(0); known < end; {
		known = min(known+3*shortest, end)
		for len(counted) > 0 && counted[0] < known {
			c.put(crossing{at: counted[0], key: Key{sidecar.In, Vehicles}})
			counted = counted[1:]
		}
		for w, ok := c.cut(known); ok; w, ok = c.cut(known) {
			all = append(all, w)
		}
	}
	return append(all, c.finish(end)...)
}

// The interval is right at least as often as it says, and what is estimated is
// neither too much nor too little in the mean, whatever the street and the errors.
func TestIntervalsHoldWhatTheySay(t *testing.T) {
	for _, s := range []street{
		{name: "nothing wrong", rate: 0.05, clumps: 1, recall: 1, hours: 1, quiet: 12},
		{name: "dense, some missed", rate: 0.5, clumps: 1, recall: 0.9, hours: 1, quiet: 12},
		{name: "dense, missed and false", rate: 0.5, clumps: 1, recall: 0.9, wrong: 0.08, hours: 1, quiet: 12},
		{name: "in groups", rate: 0.3, clumps: 4, recall: 0.8, wrong: 0.05, hours: 1, quiet: 12},
		{name: "sparse", rate: 0.02, clumps: 1, recall: 0.9, wrong: 0.1, hours: 2, quiet: 12},
		{name: "sparse, in groups", rate: 0.03, clumps: 3, recall: 0.85, hours: 2, quiet: 24},
		{name: "many false", rate: 0.1, clumps: 1, recall: 0.95, wrong: 0.3, hours: 1, quiet: 12},
		{name: "half missed", rate: 0.2, clumps: 1, recall: 0.5, hours: 1, quiet: 24},
		{name: "blind at times", rate: 0.3, clumps: 1, recall: 0.95, blink: 0.1, hours: 2, quiet: 12},
	} {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			const audits = 1000
			var few, held int
			var estimated, really, squares, width float64
			// In the long run, and not only in the recorded time.
			bias := s.recall*(1-s.blink) + s.wrong - 1
			for seed := range uint64(audits) {
				e, n := s.audited(seed)
				estimated, really = estimated+e.True, really+float64(n)
				squares += sq(e.True - float64(n))
				if e.TooFew {
					few++
					continue
				}
				width += e.Bias.High - e.Bias.Low
				if e.Bias.Low <= bias && bias <= e.Bias.High {
					held++
				}
			}
			n := float64(audits - few)
			cover, off := float64(held)/n, estimated/really-1
			sd := math.Sqrt(squares/audits) / (really / audits)
			t.Logf("holds %.1f %%, mean width %.3f, total off by %+.2f %% (%.2f %% by chance), too few in %d", 100*cover, width/n, 100*off, 100*sd/math.Sqrt(audits), few)
			if cover < 0.93 {
				t.Errorf("the interval holds the bias in %.1f %% of %g audits, want 93 at least", 100*cover, n)
			}
			if math.Abs(off) > 4*sd/math.Sqrt(audits)+1e-9 {
				t.Errorf("the estimated total is off by %+.2f %% in the mean; chance is %.2f %%", 100*off, 100*sd/math.Sqrt(audits))
			}
		})
	}
}
