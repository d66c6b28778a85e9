package accuracy

import (
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"pantau/sidecar"
	"pantau/sidecar/internal/score"
)

// Write writes the tables as Markdown. pictures is the way from the page to their folder.
func Write(w io.Writer, all []Counted, pictures string, notes Notes) error {
	b := &strings.Builder{}
	b.WriteString(`# Accuracy

Clips that a person counted on every frame, without a detector, counted by Pantau. ` + "`make accuracy`" + ` writes this page;
[how to measure your own](how-to/measure-accuracy.md). A crossing is matched with a true one of the same direction, at
most once, within the clip's tolerance (0.4 to 1 s). Nothing is tuned to these clips one by one.

Each cell: matched of true / false · F1.

`)
	models, rates := distinct(all, func(c Counted) string { return c.Model }), distinct(all, func(c Counted) float64 { return c.FPS })
	for _, m := range models {
		fmt.Fprintf(b, "## %s\n\n| clip |", m)
		for _, fps := range rates {
			fmt.Fprintf(b, " %s |", rate(fps))
		}
		b.WriteString("\n|---|" + strings.Repeat("---|", len(rates)) + "\n")
		for _, clip := range distinct(all, func(c Counted) string { return c.Clip }) {
			fmt.Fprintf(b, "| `%s` |", clip)
			for _, fps := range rates {
				fmt.Fprintf(b, " %s |", cell(pick(all, clip, m, fps)))
			}
			b.WriteByte('\n')
		}
		b.WriteString("| **all** |")
		for _, fps := range rates {
			fmt.Fprintf(b, " %s |", cell(join(pick(all, "", m, fps))))
		}
		for _, dir := range []sidecar.Direction{sidecar.In, sidecar.Out} {
			fmt.Fprintf(b, "\n| count error, %s |", dir)
			for _, fps := range rates {
				fmt.Fprintf(b, " %s |", countError(pick(all, "", m, fps), dir))
			}
		}
		b.WriteString("\n\n")
		faults(b, all, m, rates, pictures, notes)
	}
	if sources := notes.sources(all); len(sources) > 0 {
		fmt.Fprintf(b, "The pictures are from these clips, cut out and drawn upon. %s.\n", strings.Join(sources, "; "))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// faults lists every miss and every false count at each rate, with its picture
// where it comes first.
func faults(b *strings.Builder, all []Counted, model string, rates []float64, pictures string, notes Notes) {
	shown := map[string]bool{}
	b.WriteString("<details><summary>every miss and every false count</summary>\n\n")
	for _, fps := range rates {
		for _, c := range pick(all, "", model, fps) {
			for _, f := range c.Faults {
				fmt.Fprintf(b, "- `%s`, %s, %s: %s %s at %.1f s", c.Clip, rate(fps), f.Kind, f.Class, f.Direction, f.T)
				if why := notes.of(c.Clip, model, f); why != "" {
					fmt.Fprintf(b, ". %s", why)
				}
				link := path.Join(pictures, f.Picture)
				switch {
				case f.Picture == "" && pictures != "" && notes.Clips[c.Clip] == "":
					b.WriteString(" (no picture: its licence is not known)")
				case f.Picture == "":
				case shown[link]:
					fmt.Fprintf(b, " ([picture](%s))", link)
				default:
					fmt.Fprintf(b, "\n\n  ![%.1f s before, then, %.1f s after](%s)\n", apart, apart, link)
					shown[link] = true
				}
				b.WriteByte('\n')
			}
		}
	}
	b.WriteString("\n</details>\n\n")
}

func rate(fps float64) string {
	if fps >= Full {
		return "every frame"
	}
	return fmt.Sprintf("%g fps", fps)
}

// distinct lists what occurs, in the order of its first occurrence.
func distinct[T comparable](all []Counted, of func(Counted) T) []T {
	var some []T
	for _, c := range all {
		if v := of(c); !slices.Contains(some, v) {
			some = append(some, v)
		}
	}
	return some
}

// pick gives what was counted with a model at a rate, in one clip or, if clip is empty, in all.
func pick(all []Counted, clip, model string, fps float64) []Counted {
	return slices.DeleteFunc(slices.Clone(all), func(c Counted) bool {
		return c.Model != model || c.FPS != fps || clip != "" && c.Clip != clip
	})
}

// join adds results up.
func join(some []Counted) []Counted {
	var sum Counted
	for _, c := range some {
		sum.Result.True += c.Result.True
		sum.Result.Matched += c.Result.Matched
		sum.Result.Pairs = append(sum.Result.Pairs, c.Result.Pairs...)
		sum.Result.Missed = append(sum.Result.Missed, c.Result.Missed...)
		sum.Result.False = append(sum.Result.False, c.Result.False...)
	}
	return []Counted{sum}
}

func cell(some []Counted) string {
	if len(some) == 0 {
		return "–"
	}
	r := some[0].Result
	return fmt.Sprintf("%d of %d / %d · %.3f", r.Matched, r.True, len(r.False), F1(r))
}

// F1 is the harmonic mean of precision and recall.
func F1(r score.Result) float64 {
	rows := r.Table(0)
	return rows[len(rows)-1].F1
}

// countError is the count error of a direction over all clips.
func countError(some []Counted, dir sidecar.Direction) string {
	for _, row := range join(some)[0].Result.Table(0) {
		if row.Class == "" && row.Direction == dir {
			return fmt.Sprintf("%+.1f %% (%d for %d)", 100*row.Error, row.Counted, row.True)
		}
	}
	return "–"
}
