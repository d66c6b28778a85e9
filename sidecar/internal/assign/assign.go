// Package assign pairs things with things such that the pairs cost least in all.
package assign

// Problem solves the linear assignment problem over a sparse set of possible
// pairs: shortest augmenting paths with potentials (Jonker, Volgenant 1987), each
// found by Dijkstra's algorithm. A row may stay alone, which costs Alone; a
// column may stay alone for nothing. Rows and columns that are far apart in the
// picture share no pair and never see each other, so the work grows with the
// number of objects and not with its cube. All memory is kept between calls.
type Problem struct {
	start   []int32 // first pair of each row, and the end of the last
	pairs   []pair
	ColOf   []int32 // by row; -1: alone
	RowOf   []int32 // by column; -1: alone
	u, v    []float64
	dist    []float64 // by column, the last ones stand for the rows' staying alone
	from    []int32
	settled []bool
	touched []int32
	heap    []step
}

// pair is a possible match of the row under which it stands.
type pair struct {
	col  int32
	cost float64 // 0..Alone
}

type step struct {
	dist float64
	col  int32
}

// Alone is the cost of a row without column: more than any pair's.
const Alone = 1.0

// Reset forgets all rows and pairs.
func (a *Problem) Reset() {
	a.start, a.pairs = append(a.start[:0], 0), a.pairs[:0]
}

// Add offers a column to the row that is being written.
func (a *Problem) Add(col int, cost float64) {
	a.pairs = append(a.pairs, pair{int32(col), cost})
}

// EndRow begins the next row.
func (a *Problem) EndRow() { a.start = append(a.start, int32(len(a.pairs))) }

// Solve finds the matching of least total cost; ColOf and RowOf hold it.
func (a *Problem) Solve(cols int) {
	rows := len(a.start) - 1
	a.ColOf, a.RowOf = fill(a.ColOf, rows, -1), fill(a.RowOf, cols, -1)
	a.u, a.v = fill(a.u, rows, 0), fill(a.v, cols, 0)
	a.dist = fill(a.dist, cols+rows, -1)
	a.from = fill(a.from, cols+rows, -1)
	a.settled = fill(a.settled, cols+rows, false)
	for row := range rows {
		a.augment(int32(row), int32(cols))
	}
}

// augment gives a row its column, moving others to their next best where that
// is cheaper in all.
func (a *Problem) augment(first, cols int32) {
	a.heap, a.touched = a.heap[:0], a.touched[:0]
	row, base := first, 0.0
	var last step
	for {
		for _, p := range a.pairs[a.start[row]:a.start[row+1]] {
			a.relax(row, p.col, base+p.cost-a.u[row]-a.v[p.col])
		}
		a.relax(row, cols+row, base+Alone-a.u[row])
		last = a.pop()
		if last.col >= cols || a.RowOf[last.col] < 0 {
			break
		}
		a.settled[last.col] = true
		row, base = a.RowOf[last.col], last.dist
	}
	a.u[first] += last.dist
	for _, col := range a.touched {
		if a.settled[col] {
			gain := last.dist - a.dist[col]
			a.v[col] -= gain
			a.u[a.RowOf[col]] += gain
		}
	}
	a.flip(first, last.col, cols)
	for _, col := range a.touched {
		a.dist[col], a.settled[col] = -1, false
	}
}

// flip walks the path back and hands the columns on.
func (a *Problem) flip(first, col, cols int32) {
	for {
		row := a.from[col]
		next := a.ColOf[row]
		if col < cols {
			a.ColOf[row], a.RowOf[col] = col, row
		} else {
			a.ColOf[row] = -1
		}
		if row == first {
			return
		}
		col = next
	}
}

// relax notes a way to a column if it is the shortest yet.
func (a *Problem) relax(row, col int32, dist float64) {
	old := a.dist[col]
	if a.settled[col] || (old >= 0 && old <= dist) {
		return
	}
	if old < 0 {
		a.touched = append(a.touched, col)
	}
	dist = max(dist, 0) // rounding
	a.dist[col], a.from[col] = dist, row
	a.push(step{dist, col})
}

func (a *Problem) push(s step) {
	a.heap = append(a.heap, s)
	for i := len(a.heap) - 1; i > 0; {
		up := (i - 1) / 2
		if a.heap[up].dist <= a.heap[i].dist {
			return
		}
		a.heap[up], a.heap[i] = a.heap[i], a.heap[up]
		i = up
	}
}

// pop takes the nearest column that is not settled. There is always one: the
// staying alone of a row that was reached.
func (a *Problem) pop() step {
	for {
		top, n := a.heap[0], len(a.heap)-1
		a.heap[0] = a.heap[n]
		a.heap = a.heap[:n]
		for i := 0; ; {
			least := 2*i + 1
			if least >= n {
				break
			}
			if r := least + 1; r < n && a.heap[r].dist < a.heap[least].dist {
				least = r
			}
			if a.heap[i].dist <= a.heap[least].dist {
				break
			}
			a.heap[i], a.heap[least] = a.heap[least], a.heap[i]
			i = least
		}
		if !a.settled[top.col] && top.dist == a.dist[top.col] {
			return top
		}
	}
}

// fill gives a slice of n values v, in the memory of s where it suffices.
func fill[T any](s []T, n int, v T) []T {
	if cap(s) < n {
		s = make([]T, n, n+n/2)
	}
	s = s[:n]
	for i := range s {
		s[i] = v
	}
	return s
}
