package audit

import (
	"hash/fnv"
	"math/rand/v2"
)

// draw keeps a simple random sample of the windows that pass, without knowing how
// many there will be: algorithm R (Vitter, ACM Transactions on Mathematical
// Software 11, 1985). At any time each window so far has been kept with the same
// probability, size over seen.
type draw struct {
	size int
	seen int
	kept []*Strip
	rand *rand.Rand
}

// newDraw makes a sample whose chance depends on the seed and its name alone.
func newDraw(size int, seed uint64, name string) *draw {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name)) // a hash takes everything
	return &draw{size: size, rand: rand.New(rand.NewPCG(seed, h.Sum64()))}
}

// offer says whether the next window is kept, and what it replaces; nil: nothing.
func (d *draw) offer(s *Strip) (kept bool, instead *Strip) {
	d.seen++
	if len(d.kept) < d.size {
		d.kept = append(d.kept, s)
		return true, nil
	}
	i := d.rand.IntN(d.seen)
	if i >= d.size {
		return false, nil
	}
	instead, d.kept[i] = d.kept[i], s
	return true, instead
}

// some gives n of the sample at random, which are a simple random sample too, as
// long as n does not depend on which were kept.
func (d *draw) some(n int) (chosen, others []*Strip) {
	d.rand.Shuffle(len(d.kept), func(i, j int) { d.kept[i], d.kept[j] = d.kept[j], d.kept[i] })
	n = min(n, len(d.kept))
	return d.kept[:n], d.kept[n:]
}
