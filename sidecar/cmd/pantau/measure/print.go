package measure

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strings"

	"pantau/sidecar/internal/ap"
)

// Print writes the tables: models are columns, and each figure stands with its
// 95 % interval, in points of 0 to 100.
func (r Report) Print(w io.Writer) error {
	b := &strings.Builder{}
	fmt.Fprintf(b, "%d pictures; each figure with its 95 %% interval over pictures, 0 to 100\n", r.Pictures)
	for _, t := range []struct {
		title string
		show  func(f ap.Figure) bool
		value func(f ap.Figure) ap.Value
	}{
		{"AP50", func(f ap.Figure) bool { return f.Size == ap.All }, func(f ap.Figure) ap.Value { return f.AP50 }},
		{"AP50:95", func(f ap.Figure) bool { return f.Size == ap.All }, func(f ap.Figure) ap.Value { return f.AP }},
		{"AP50 by size", bySize, func(f ap.Figure) ap.Value { return f.AP50 }},
	} {
		r.table(b, t.title, t.show, t.value)
	}
	fmt.Fprintln(b)
	for _, row := range []struct {
		name string
		of   func(m Measured) string
	}{
		{"best F1 of groups", func(m Measured) string { return fmt.Sprintf("%.1f", 100*m.F1) }},
		{"  at the score", func(m Measured) string { return fmt.Sprintf("%.2f", m.Score) }},
		{"  precision, recall", func(m Measured) string { return fmt.Sprintf("%.1f %.1f", 100*m.Precision, 100*m.Recall) }},
		{"ms of CPU in the model", func(m Measured) string { return fmt.Sprintf("%.1f", float64(m.CPU.Microseconds())/1000) }},
		{"input, pixels", func(m Measured) string { return fmt.Sprint(m.Input) }},
	} {
		fmt.Fprintf(b, "%-29s", row.name)
		for _, m := range r.Models {
			fmt.Fprintf(b, "  %-14s", row.of(m))
		}
		fmt.Fprintln(b)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func bySize(f ap.Figure) bool {
	switch f.Group {
	case "person", ap.TwoWheeler, ap.FourWheeler, ap.MeanGroups:
		return f.Size != ap.All
	}
	return false
}

func (r Report) table(w io.Writer, title string, show func(ap.Figure) bool, value func(ap.Figure) ap.Value) {
	fmt.Fprintf(w, "\n%-22s%7s", title, "labels")
	for _, m := range r.Models {
		fmt.Fprintf(w, "  %-14s", m.Label[:min(len(m.Label), 14)])
	}
	fmt.Fprintln(w)
	for i, f := range r.Models[0].Figures {
		if !show(f) || f.Truth == 0 {
			continue
		}
		name := f.Group
		if f.Size != ap.All {
			name += " " + string(f.Size)
		}
		fmt.Fprintf(w, "%-22s%7d", name, f.Truth)
		for _, m := range r.Models {
			fmt.Fprintf(w, "  %-14s", cell(value(m.Figures[i])))
		}
		fmt.Fprintln(w)
	}
}

func cell(v ap.Value) string {
	if math.IsNaN(v.Low) {
		return fmt.Sprintf("%.1f", 100*v.Value)
	}
	return fmt.Sprintf("%4.1f %.0f..%.0f", 100*v.Value, 100*v.Low, 100*v.High)
}

// valueJSON is a value and its interval; null where there is nothing to measure.
type valueJSON struct {
	Value float64  `json:"value"`
	Low   *float64 `json:"low,omitempty"`
	High  *float64 `json:"high,omitempty"`
}

func newValue(v ap.Value) *valueJSON {
	if math.IsNaN(v.Value) {
		return nil
	}
	j := &valueJSON{Value: v.Value}
	if !math.IsNaN(v.Low) {
		j.Low, j.High = &v.Low, &v.High
	}
	return j
}

type figureJSON struct {
	Labels int        `json:"labels"`
	AP50   *valueJSON `json:"ap50"`
	AP     *valueJSON `json:"ap50_95"`
}

type pointJSON struct {
	Score     float64 `json:"score"`
	Precision float64 `json:"precision"`
	Recall    float64 `json:"recall"`
	F1        float64 `json:"f1"`
}

type modelJSON struct {
	Model  string                           `json:"model"`
	Label  string                           `json:"label"`
	Input  int                              `json:"input"`
	CPU    float64                          `json:"cpu_ms"`
	Best   pointJSON                        `json:"best_f1"` // classes merged into person, two-wheeler, four-wheeler
	Groups map[string]map[string]figureJSON `json:"groups"`  // by group and size
}

// JSON writes everything, values 0..1.
func (r Report) JSON(w io.Writer) error {
	var all struct {
		Pictures int         `json:"pictures"`
		Models   []modelJSON `json:"models"`
	}
	all.Pictures = r.Pictures
	for _, m := range r.Models {
		j := modelJSON{m.Model, m.Label, m.Input, float64(m.CPU.Microseconds()) / 1000, pointJSON(m.Point), map[string]map[string]figureJSON{}}
		for _, f := range m.Figures {
			if j.Groups[f.Group] == nil {
				j.Groups[f.Group] = map[string]figureJSON{}
			}
			j.Groups[f.Group][string(f.Size)] = figureJSON{f.Truth, newValue(f.AP50), newValue(f.AP)}
		}
		all.Models = append(all.Models, j)
	}
	e := json.NewEncoder(w)
	e.SetIndent("", " ")
	return e.Encode(all)
}
