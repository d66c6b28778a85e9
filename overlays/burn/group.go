package burn

import "pantau/sidecar"

// mostKept is how many bytes of a group of pictures are kept for who comes next.
const mostKept = 4 << 20

// group is the newest group of pictures, from its key picture on; empty where it
// grew too large.
type group struct {
	units []*sidecar.AccessUnit
	bytes int
	first *sidecar.AccessUnit // the newest key picture, also of a group that is too large
}

// add takes the next picture.
func (g *group) add(u *sidecar.AccessUnit) {
	if u.Packets != nil { // twice the memory, for nothing
		kept := *u
		kept.Packets = nil
		u = &kept
	}
	if u.Key {
		g.forget()
		g.first = u
	} else if len(g.units) == 0 || g.units[0].Epoch != u.Epoch {
		g.forget()
		return
	}
	g.units, g.bytes = append(g.units, u), g.bytes+u.Size()
	if g.bytes > mostKept {
		g.forget()
	}
}

func (g *group) forget() {
	clear(g.units)
	g.units, g.bytes = g.units[:0], 0
}
