package audit

import (
	"bufio"
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"time"

	"pantau/sidecar"
)

// pageText is the page, with a place for its strips.
//
//go:embed page.html
var pageText []byte

// Shown is a strip, or a picture of a moment, as a person gets it. What was counted is
// not in it.
type Shown struct {
	ID      string                     `json:"id"`
	Line    []sidecar.Point            `json:"line,omitempty"`    // of a line
	Polygon sidecar.Polygon            `json:"polygon,omitempty"` // of a zone, a crowd, a kerb
	Bays    map[string]sidecar.Polygon `json:"bays,omitempty"`    // of a car park: the person says which are taken
	Name    string                     `json:"name"`              // of the line
	Kind    string                     `json:"kind"`              // of the function
	Still   bool                       `json:"still,omitempty"`   // it is one picture: who is there?
	Groups  []Group                    `json:"groups"`
	Begin   float64                    `json:"begin"` // seconds of the strip
	End     float64                    `json:"end"`
}

// Shown lists a recording's strips in the order in which a person sees them.
func (r *Record) Shown() []Shown {
	all := []Shown{}
	for _, l := range r.Lines {
		for _, s := range l.Strips {
			all = append(all, Shown{ID: s.ID, Line: l.Rule.Line, Polygon: areaOf(l.Rule), Bays: l.Rule.Bays, Name: l.Rule.ID, Kind: l.Rule.Kind,
				Still: s.Still, Groups: groupsOf(l.Rule), Begin: s.Begin.Seconds(), End: s.End.Seconds()})
		}
	}
	return all
}

// areaOf is the polygon of a function that has one.
func areaOf(f sidecar.Function) sidecar.Polygon {
	if len(f.Line) > 0 {
		return nil
	}
	return f.Polygon
}

// shown is a strip with its film, for the page that is one file.
type shown struct {
	Shown
	Video []byte `json:"video"` // MP4, or JPEG of a still; base64 in JSON
}

// writePage writes one file that needs nothing else: strips, lines and keys. Of the
// films only one at a time is in memory.
func writePage(f Folder, r *Record) error {
	head, err := json.Marshal(struct {
		Audit  string    `json:"audit"`
		Camera string    `json:"camera"`
		From   time.Time `json:"from"`
		To     time.Time `json:"to"`
		Ends   time.Time `json:"ends"`
		Width  int       `json:"width"`
		Height int       `json:"height"`
	}{r.ID, r.Camera, r.From, r.To, r.Ends, r.Width, r.Height}) // "<" is escaped: nothing in it can end the script
	if err != nil {
		return fmt.Errorf("writing the page: %w", err)
	}
	before, after, _ := bytes.Cut(pageText, []byte("/*strips*/null"))
	return stream(f.Page(r.Camera), func(w *bufio.Writer) error {
		fmt.Fprintf(w, `%s%s,"strips":[`, before, bytes.TrimSuffix(head, []byte("}")))
		for i, s := range r.Shown() {
			video, err := os.ReadFile(f.picture(r.Camera, s))
			if err != nil {
				return fmt.Errorf("writing the page: %w", err)
			}
			one, err := json.Marshal(shown{s, video})
			if err != nil {
				return fmt.Errorf("writing the page: %w", err)
			}
			if i > 0 {
				_ = w.WriteByte(',')
			}
			_, _ = w.Write(one)
		}
		fmt.Fprintf(w, "]}%s", after)
		return nil
	})
}

// groupsOf lists what a line counts.
func groupsOf(f sidecar.Function) []Group {
	classes := f.Classes
	if len(classes) == 0 {
		classes = sidecar.Classes()
		switch f.Kind { // as the function counts
		case "crowd":
			classes = classes[:1]
		case "parking":
			classes = classes[1:]
		}
	}
	var all []Group
	for _, g := range Groups() {
		if slices.ContainsFunc(classes, func(c sidecar.Class) bool { return GroupOf(c) == g }) {
			all = append(all, g)
		}
	}
	return all
}
