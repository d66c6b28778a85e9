package assign

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// cheapest tries every matching: the independent reference.
func cheapest(costs [][]float64, row int, used []bool) float64 {
	if row == len(costs) {
		return 0
	}
	best := Alone + cheapest(costs, row+1, used)
	for col, c := range costs[row] {
		if c < Alone && !used[col] {
			used[col] = true
			best = min(best, c+cheapest(costs, row+1, used))
			used[col] = false
		}
	}
	return best
}

func TestAssignmentIsTheCheapest(t *testing.T) {
	var a Problem // one for all: nothing may be left of an earlier problem
	rapid.Check(t, func(t *rapid.T) {
		rows, cols := rapid.IntRange(0, 6).Draw(t, "rows"), rapid.IntRange(0, 6).Draw(t, "cols")
		costs := make([][]float64, rows)
		a.Reset()
		for i := range costs {
			costs[i] = make([]float64, cols)
			for j := range costs[i] {
				costs[i][j] = rapid.SampledFrom([]float64{0, 0.1, 0.25, 0.3, 0.5, 0.9, 2, 2}).Draw(t, "cost")
				if costs[i][j] < Alone {
					a.Add(j, costs[i][j])
				}
			}
			a.EndRow()
		}
		a.Solve(cols)
		total := 0.0
		for row, col := range a.ColOf {
			if col < 0 {
				total += Alone
				continue
			}
			if a.RowOf[col] != int32(row) {
				t.Fatalf("row %d has column %d, which has row %d", row, col, a.RowOf[col])
			}
			total += costs[row][col]
		}
		if want := cheapest(costs, 0, make([]bool, cols)); math.Abs(total-want) > 1e-9 {
			t.Fatalf("total %v, want %v", total, want)
		}
	})
}
