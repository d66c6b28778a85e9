package models

import "pantau/sidecar"

// maxRiders is how many persons one motorcycle may carry away: a family of four.
const maxRiders = 4

// mergeRiders makes riders part of what they ride: the boxes are joined, the
// person is dropped, and the higher score of both stays, since either finding
// says that something is there. It works in place, in pixels (squares are
// square), and leaves the best first.
func mergeRiders(found []Candidate, kindOf func(class int) kind) []Candidate {
	var joined [maxObjects]Candidate // found, with the riders joined in
	var riders [maxObjects]uint8     // of each
	var gone [maxObjects]bool
	n := copy(joined[:], found)
	for i := range found[:n] {
		if kindOf(found[i].Class) != rider {
			continue
		}
		if m := mountOf(&found[i], found, kindOf); m >= 0 && riders[m] < maxRiders {
			riders[m]++
			gone[i] = true
			joined[m].join(&found[i])
		}
	}
	kept := found[:0]
	for i := range joined[:n] {
		again := kindOf(joined[i].Class) == twoWheeler && riders[i] == 0 && inside(&joined[i], joined[:n], riders[:n])
		if !gone[i] && !again {
			kept = append(kept, joined[i])
		}
	}
	byScore(kept)
	return kept
}

// inside says whether a two-wheeler that nobody rides lies in one that is
// ridden: part of it, found a second time.
func inside(c *Candidate, joined []Candidate, riders []uint8) bool {
	for i := range joined {
		if riders[i] > 0 && intersection(c, &joined[i]) > 0.8*c.area() {
			return true
		}
	}
	return false
}

// join widens a two-wheeler by its rider.
func (c *Candidate) join(p *Candidate) {
	c.Left, c.Top = min(c.Left, p.Left), min(c.Top, p.Top)
	c.Right, c.Bottom = max(c.Right, p.Right), max(c.Bottom, p.Bottom)
	for i := range c.Scores { // as sure as the rider makes it
		c.Scores[i] *= max(c.Score, p.Score) / c.Score
	}
	c.Scores[sidecar.Person.Index()] = 0
	c.Score = max(c.Score, p.Score)
}

// mountOf gives the index of the two-wheeler that a person rides: of those that
// geometry allows, the one that covers the person most. It is -1 for who walks.
func mountOf(p *Candidate, found []Candidate, kindOf func(class int) kind) int {
	mount, most := -1, float32(0)
	for i := range found {
		m := &found[i]
		if kindOf(m.Class) != twoWheeler || !rides(p, m) {
			continue
		}
		if c := intersection(p, m); c > most {
			mount, most = i, c
		}
	}
	return mount
}

// rides says whether person p sits on two-wheeler m. A rider is over the middle
// of what is ridden, with the seat inside the person and the feet between the
// seat and the ground; a pedestrian beside it is off the middle, one in front of
// it has the feet below its wheels, and one behind it is seen above it. The
// numbers are of persons of 1.7 m and vehicles of 1 m by 0.5 to 2 m. On 240
// labelled two-wheelers of street pictures this leaves 5 riders as persons
// beside a two-wheeler that was found.
func rides(p, m *Candidate) bool {
	pw, ph := p.Right-p.Left, p.Bottom-p.Top
	mw, mh := m.Right-m.Left, m.Bottom-m.Top
	off := (p.Left+p.Right)/2 - (m.Left+m.Right)/2
	switch {
	case m.Score < p.Score/3: // more likely a mistake than a vehicle
		return false
	case max(off, -off) > 0.3*max(pw, mw) || max(off, -off) > mw/2: // beside it
		return false
	case p.Bottom > m.Bottom+0.1*mh: // in front of it
		return false
	case p.Bottom < m.Top+0.4*mh || intersection(p, m) < 0.25*pw*ph: // behind it
		return false
	case p.Top > m.Top+0.35*mh: // lower than a head can be
		return false
	}
	return ph > 0.6*mh && ph < 2.4*mh
}
