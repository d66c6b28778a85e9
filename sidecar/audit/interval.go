package audit

import "math"

// level is the confidence of every interval.
const level = 0.95

// part is what a stratum adds to an estimated total: a number of crossings that
// was found in the windows that a person saw, and what each of them stands for.
type part struct {
	found   float64
	weight  float64 // windows of the stratum for each window that was seen
	windows float64 // that were seen
	spread  float64 // variance of the windows' numbers as a part of their mean, at least 1
}

// limits is the confidence interval of found by itself: Garwood's exact one of a
// Poisson mean (Biometrika 28, 1936), which has an upper limit of 3.7 where
// nothing was found. Windows that differ more than a Poisson number does, since
// what is missed comes in groups, make it wider by their spread; that this is known
// of a few windows only makes it wider as Student's t does.
func (p part) limits() (low, high float64) {
	const tail = (1 - level) / 2
	n, wider := p.found/p.spread, 1.0
	if p.spread > 1 {
		wider = student(p.windows - 1)
	}
	if n > 0 {
		low = max(0, p.found-wider*(p.found-p.spread*gammaQuantile(tail, n)))
	}
	return low, p.found + wider*(p.spread*gammaQuantile(1-tail, n+1)-p.found)
}

// student is how much wider Student's t makes a 95 % interval than the normal
// distribution does (Abramowitz and Stegun, 26.7.5).
func student(degrees float64) float64 {
	const z2 = 1.959964 * 1.959964
	v := 4 * max(1, degrees)
	return 1 + (z2+1)/v + (5*z2*z2+16*z2+3)/(6*v*v) + (3*z2*z2*z2+19*z2*z2+17*z2-15)/(6*v*v*v)
}

// total gives the weighted sum of the parts and its confidence interval: the
// distances of the parts' limits, squared and added (the method of variance
// estimates recovery; Zou, Huang and Zhang, Computational Statistics & Data
// Analysis 53, 2009). Unlike a resampled one it does not end at zero where
// nothing was found in a few windows.
func total(parts ...part) (sum, low, high float64) {
	var below, above float64
	for _, p := range parts {
		l, h := p.limits()
		sum += p.weight * p.found
		below += sq(p.weight * (p.found - l))
		above += sq(p.weight * (h - p.found))
	}
	return sum, sum - math.Sqrt(below), sum + math.Sqrt(above)
}

func sq(v float64) float64 { return v * v }

// gammaQuantile is the value that a gamma variable of the given shape and scale 1
// does not exceed with probability p, by bisection.
func gammaQuantile(p, shape float64) float64 {
	low, high := 0.0, shape+1
	for gammaCDF(high, shape) < p {
		high *= 2
	}
	for range 60 {
		mid := (low + high) / 2
		if gammaCDF(mid, shape) < p {
			low = mid
		} else {
			high = mid
		}
	}
	return (low + high) / 2
}

// gammaCDF is the regularised lower incomplete gamma function P(a, x), a > 0, by
// its series (Abramowitz and Stegun, 6.5.29), which converges for every x.
func gammaCDF(x, a float64) float64 {
	if x <= 0 {
		return 0
	}
	log, _ := math.Lgamma(a + 1)
	term := math.Exp(a*math.Log(x) - x - log)
	sum := term
	for n := 1.0; term > sum*1e-15 || n < x; n++ {
		term *= x / (a + n)
		sum += term
	}
	return min(1, sum)
}
