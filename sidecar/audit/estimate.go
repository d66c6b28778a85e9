package audit

import (
	"math"

	"pantau/sidecar"
)

// The strata of the windows.
const (
	quiet = iota // nothing was counted in it
	busy         // something was
	strata
)

// fewest is how many crossings a person must have seen for a number to mean anything.
const fewest = 10

// Seen is one window as it was counted and as a person tallied it.
type Seen struct {
	Stratum          int
	Counted, Tallied Tally
}

// Drawn says of what the windows are a sample.
type Drawn struct {
	Windows [strata]int // all of the recorded time
	Counted Tally       // in all windows
}

// Estimate is how right the counts of one direction, or of one group of classes,
// are. Numbers of crossings are of the whole recorded time, and those of who was there
// of all of its moments together.
type Estimate struct {
	Direction sidecar.Direction `json:"dir,omitempty"`
	Group     Group             `json:"group,omitempty"`
	Seen      int               `json:"seen"`    // tallied in the windows that were seen
	Counted   int               `json:"counted"` // by Pantau, in all windows
	True      float64           `json:"true"`    // estimated
	Bias      Bounded           `json:"bias"`    // (counted - true) / true
	Recall    Bounded           `json:"recall"`
	Precision Bounded           `json:"precision"`
	TooFew    bool              `json:"too_few,omitempty"` // the numbers mean nothing yet
}

// Bounded is a number with its 95 % confidence interval.
type Bounded struct {
	Value float64 `json:"value"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
}

// Estimates gives an estimate for each direction that occurs, and for each group
// of classes where there is more than one.
func Estimates(seen []Seen, drawn Drawn) []Estimate {
	var all []Estimate
	for _, dir := range directions {
		if e, some := estimate(seen, drawn, func(k Key) bool { return k.Direction == dir }); some {
			e.Direction = dir
			all = append(all, e)
		}
	}
	var groups []Estimate
	for _, g := range Groups() {
		if e, some := estimate(seen, drawn, func(k Key) bool { return k.Group == g }); some {
			e.Group = g
			groups = append(groups, e)
		}
	}
	if len(groups) > 1 {
		all = append(all, groups...)
	}
	return all
}

// estimate is the stratified difference estimator (Cochran, Sampling Techniques,
// 1977, 5.3 and 7.2; the slope is 1): Pantau's own count is known for every
// window, and only its error is estimated, as the mean over the windows that were
// seen times the number of windows of their stratum. In each window the counted
// and the tallied crossings of one direction and group are held to be the same as
// far as their numbers allow: the rest is missed, or false.
func estimate(seen []Seen, drawn Drawn, of func(Key) bool) (e Estimate, some bool) {
	var missed, wrong [strata]sample
	for _, w := range seen {
		var m, f int
		for _, key := range keys(w.Counted, w.Tallied) {
			if of(key) {
				e.Seen += w.Tallied[key]
				m += max(0, w.Tallied[key]-w.Counted[key])
				f += max(0, w.Counted[key]-w.Tallied[key])
			}
		}
		missed[w.Stratum].add(m)
		wrong[w.Stratum].add(f)
	}
	e.Counted = drawn.Counted.sum(of)
	if wrong[quiet].sum == 0 {
		wrong[quiet].n = 0 // where nothing was counted nothing is false
	}
	misses, falses := parts(missed, drawn), parts(wrong, drawn)
	m, mLow, mHigh := total(misses...)
	f, fLow, fHigh := total(falses...)
	counted := float64(e.Counted)
	e.True = counted - f + m
	// The error of the total is f - m; its limits are those of both, squared and added.
	low := f - m - math.Hypot(f-fLow, mHigh-m)
	high := f - m + math.Hypot(fHigh-f, m-mLow)
	bias := func(d float64) float64 { return ratio(d, counted-d) }
	e.Bias = Bounded{bias(f - m), bias(low), bias(min(high, counted))}
	right := counted - f
	e.Recall = Bounded{ratio(right, right+m), ratio(right, right+mHigh), min(1, ratio(right, right+mLow))}
	e.Precision = Bounded{ratio(right, counted), max(0, ratio(counted-fHigh, counted)), min(1, ratio(counted-fLow, counted))}
	e.TooFew = e.Seen < fewest || e.True <= 0 || high >= counted
	for h, s := range missed {
		e.TooFew = e.TooFew || s.n == 0 && drawn.Windows[h] > 0
	}
	return e, e.Seen+e.Counted > 0
}

func ratio(a, b float64) float64 {
	if b <= 0 {
		return 0
	}
	return a / b
}

// sample is the windows of a stratum that were seen, by one number of each.
type sample struct{ n, sum, squares float64 }

func (s *sample) add(v int) {
	s.n++
	s.sum += float64(v)
	s.squares += sq(float64(v))
}

// spread is the variance as a part of the mean; 1, a Poisson number's, at least.
func (s sample) spread() float64 {
	if s.n < 2 || s.sum == 0 {
		return 1
	}
	mean := s.sum / s.n
	return max(1, (s.squares-s.n*sq(mean))/(s.n-1)/mean)
}

// parts are the strata's shares.
func parts(samples [strata]sample, drawn Drawn) []part {
	var all []part
	for h, s := range samples {
		if s.n > 0 {
			all = append(all, part{s.sum, float64(drawn.Windows[h]) / s.n, s.n, s.spread()})
		}
	}
	return all
}

// round keeps four decimals.
func round(v float64) float64 { return math.Round(v*1e4) / 1e4 }

// Judge makes a result of a recording and a person's tally of it.
func Judge(r *Record, a Answer) (Result, error) {
	seen, err := a.Of(r)
	if err != nil {
		return Result{}, err
	}
	result := Result{ID: r.ID, At: r.To, From: r.From, Who: a.Who, Model: r.Model, Rules: r.Rules}
	for i, l := range r.Lines {
		one := LineResult{Rule: l.Rule.ID, Kind: l.Rule.Kind, Moments: l.Moments, Windows: l.Windows, Estimates: Estimates(seen[i], Drawn{l.Windows, l.Counted})}
		for _, s := range seen[i] {
			one.Seen[s.Stratum]++
		}
		result.Lines = append(result.Lines, one)
	}
	return result, nil
}
