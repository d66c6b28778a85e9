package audit

import (
	"bytes"
	_ "embed"
	"encoding/base64"
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

// Shown is a strip as a person gets it. What was counted is not in it.
type Shown struct {
	ID     string          `json:"id"`
	Line   []sidecar.Point `json:"line"`
	Name   string          `json:"name"` // of the line
	Groups []Group         `json:"groups"`
	Begin  float64         `json:"begin"` // seconds of the strip
	End    float64         `json:"end"`
}

// Shown lists a recording's strips in the order in which a person sees them.
func (r *Record) Shown() []Shown {
	all := []Shown{}
	for _, l := range r.Lines {
		for _, s := range l.Strips {
			all = append(all, Shown{ID: s.ID, Line: l.Rule.Line, Name: l.Rule.ID, Groups: groupsOf(l.Rule), Begin: s.Begin.Seconds(), End: s.End.Seconds()})
		}
	}
	return all
}

// shown is a strip with its film, for the page that is one file.
type shown struct {
	Shown
	Video string `json:"video"` // MP4, base64
}

// writePage writes one file that needs nothing else: strips, lines and keys.
func writePage(f Folder, r *Record) error {
	content := struct {
		Audit  string    `json:"audit"`
		Camera string    `json:"camera"`
		From   time.Time `json:"from"`
		To     time.Time `json:"to"`
		Ends   time.Time `json:"ends"`
		Width  int       `json:"width"`
		Height int       `json:"height"`
		Strips []shown   `json:"strips"`
	}{Audit: r.ID, Camera: r.Camera, From: r.From, To: r.To, Ends: r.Ends, Width: r.Width, Height: r.Height}
	for _, s := range r.Shown() {
		video, err := os.ReadFile(f.strip(r.Camera, s.ID))
		if err != nil {
			return fmt.Errorf("writing the page: %w", err)
		}
		content.Strips = append(content.Strips, shown{s, base64.StdEncoding.EncodeToString(video)})
	}
	data, err := json.Marshal(content) // "<" is escaped: nothing in it can end the script
	if err != nil {
		return fmt.Errorf("writing the page: %w", err)
	}
	return replace(f.Page(r.Camera), bytes.Replace(pageText, []byte("/*strips*/null"), data, 1))
}

// groupsOf lists what a line counts.
func groupsOf(f sidecar.Function) []Group {
	classes := f.Classes
	if len(classes) == 0 {
		classes = sidecar.Classes()
	}
	var all []Group
	for _, g := range Groups() {
		if slices.ContainsFunc(classes, func(c sidecar.Class) bool { return GroupOf(c) == g }) {
			all = append(all, g)
		}
	}
	return all
}
