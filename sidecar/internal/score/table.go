package score

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"text/tabwriter"

	"pantau/sidecar"
)

// Row is how one class in one direction was counted. An empty class or
// direction stands for all.
type Row struct {
	Class     sidecar.Class     `json:"class,omitempty"`
	Direction sidecar.Direction `json:"dir,omitempty"`
	True      int               `json:"true"`
	Counted   int               `json:"counted"` // with this class; those that match an ignored crossing left out
	Matched   int               `json:"matched"` // of the true ones, by whatever class
	Renamed   int               `json:"renamed"` // of the matched ones: counted as another class
	Missed    int               `json:"missed"`
	False     int               `json:"false"` // counted with this class, and not true
	Precision float64           `json:"precision"`
	Recall    float64           `json:"recall"`
	F1        float64           `json:"f1"`
	Error     float64           `json:"count_error"`   // (counted - true) / true
	GEH       *float64          `json:"geh,omitempty"` // of hourly volumes; absent if the length is not known
}

// Table gives a row for each class and direction that occurs, for each
// direction, and for all; seconds is the length of what was counted.
func (r Result) Table(seconds float64) []Row {
	var rows []Row
	for _, class := range append(sidecar.Classes(), "") {
		for _, dir := range []sidecar.Direction{sidecar.In, sidecar.Out, ""} {
			if dir == "" && class != "" {
				continue
			}
			if row := r.row(class, dir, seconds); class == "" || row.True+row.Counted > 0 {
				rows = append(rows, row)
			}
		}
	}
	return rows
}

func (r Result) row(class sidecar.Class, dir sidecar.Direction, seconds float64) Row {
	of := func(c Crossing) bool {
		return (class == "" || c.Class == class) && (dir == "" || c.Direction == dir)
	}
	row := Row{Class: class, Direction: dir}
	for _, p := range r.Pairs {
		if of(p.True) {
			row.Matched++
			if p.True.Class != p.Counted.Class {
				row.Renamed++
			}
		}
		if of(p.Counted) {
			row.Counted++
		}
	}
	for _, c := range r.Missed {
		if of(c) {
			row.Missed++
		}
	}
	for _, c := range r.False {
		if of(c) {
			row.False++
		}
	}
	row.True, row.Counted = row.Matched+row.Missed, row.Counted+row.False
	row.Precision = share(row.Matched, row.Matched+row.False)
	row.Recall = share(row.Matched, row.True)
	row.F1 = share(2*row.Matched, 2*row.Matched+row.Missed+row.False)
	row.Error = share(row.Counted-row.True, row.True)
	if seconds > 0 {
		g := GEH(float64(row.Counted)*3600/seconds, float64(row.True)*3600/seconds)
		row.GEH = &g
	}
	return row
}

// share is a/b, and 0 of nothing.
func share(a, b int) float64 {
	if b == 0 {
		return 0
	}
	return float64(a) / float64(b)
}

// GEH is the traffic engineers' measure of two hourly volumes, as in the DMRB:
// below 5 is a good fit.
func GEH(counted, truth float64) float64 {
	if counted+truth == 0 {
		return 0
	}
	return math.Sqrt(2 * (counted - truth) * (counted - truth) / (counted + truth))
}

// Print writes the table, the misses and the false ones.
func (r Result) Print(w io.Writer, seconds float64) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "class\tdir\ttrue\tcounted\tmissed\tfalse\tother class\tprecision\trecall\tF1\terror\tGEH\t")
	for _, row := range r.Table(seconds) {
		geh := "-"
		if row.GEH != nil {
			geh = fmt.Sprintf("%.1f", *row.GEH)
		}
		fmt.Fprintf(t, "%s\t%s\t%d\t%d\t%d\t%d\t%d\t%.3f\t%.3f\t%.3f\t%+.1f %%\t%s\t\n", orAll(string(row.Class)), orAll(string(row.Direction)),
			row.True, row.Counted, row.Missed, row.False, row.Renamed, row.Precision, row.Recall, row.F1, 100*row.Error, geh)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, c := range r.Missed {
		fmt.Fprintf(w, "missed  %8.2f s  %-10s %s\n", c.T, c.Class, c.Direction)
	}
	for _, c := range r.False {
		fmt.Fprintf(w, "false   %8.2f s  %-10s %s\n", c.T, c.Class, c.Direction)
	}
	return nil
}

func orAll(s string) string {
	if s == "" {
		return "all"
	}
	return s
}

// JSON writes the table, the misses and the false ones.
func (r Result) JSON(w io.Writer, seconds float64) error {
	e := json.NewEncoder(w)
	e.SetIndent("", " ")
	return e.Encode(struct {
		Rows   []Row      `json:"rows"`
		Missed []Crossing `json:"missed"`
		False  []Crossing `json:"false"`
	}{r.Table(seconds), r.Missed, r.False})
}
