// Package mot reads and writes the text files of the MOTChallenge (Leal-Taixé et al.
// 2015), and rates tracks by its measures: CLEAR MOT (Bernardin and Stiefelhagen 2008)
// and the F1 of identities (Ristani et al. 2016).
package mot

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"pantau/sidecar"
)

// Row is one line of a file: a box of one frame.
type Row struct {
	Frame int // from 1
	ID    int // of the track; −1 in files of detections
	Box   sidecar.Box
	Score float64
}

// Size is the picture's, pixels. Files hold pixels, and boxes are 0..1.
type Size struct{ Width, Height float64 }

// maxFrames bounds what a file may ask for: a day at 30 frames a second.
const maxFrames = 24 * 3600 * 30

// Read reads frame, id, left, top, width, height, score; what follows is not needed.
// name stands in errors.
func Read(r io.Reader, name string, size Size) ([]Row, error) {
	var rows []Row
	s := bufio.NewScanner(r)
	for n := 1; s.Scan(); n++ {
		line := strings.TrimSpace(s.Text())
		if line == "" {
			continue
		}
		row, err := parse(line, size)
		if err != nil {
			return nil, &sidecar.Fault{Err: fmt.Errorf("%s:%d: %w", name, n, err),
				Hint: "a line is frame,id,left,top,width,height,score,…: frames from 1, the rest in pixels"}
		}
		rows = append(rows, row)
	}
	if err := s.Err(); err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	return rows, nil
}

func parse(line string, size Size) (Row, error) {
	fields := strings.Split(line, ",")
	if len(fields) < 6 {
		return Row{}, fmt.Errorf("%d fields, want at least 6", len(fields))
	}
	v := [7]float64{6: 1} // without a score: certain
	for i := range min(len(fields), len(v)) {
		var err error
		if v[i], err = strconv.ParseFloat(strings.TrimSpace(fields[i]), 64); err != nil || math.IsNaN(v[i]) || math.IsInf(v[i], 0) {
			return Row{}, fmt.Errorf("field %d is %q, want a number", i+1, fields[i])
		}
	}
	if v[0] != math.Trunc(v[0]) || v[0] < 1 || v[0] > maxFrames {
		return Row{}, fmt.Errorf("frame %v, want 1 to %d", v[0], maxFrames)
	}
	if v[4] <= 0 || v[5] <= 0 {
		return Row{}, fmt.Errorf("a box of %v × %v", v[4], v[5])
	}
	return Row{Frame: int(v[0]), ID: int(v[1]), Score: v[6], Box: sidecar.Box{
		Left: v[2] / size.Width, Top: v[3] / size.Height, Right: (v[2] + v[4]) / size.Width, Bottom: (v[3] + v[5]) / size.Height}}, nil
}

// Write writes rows as they stand.
func Write(w io.Writer, rows []Row, size Size) error {
	b := bufio.NewWriter(w)
	for _, r := range rows {
		_, _ = fmt.Fprintf(b, "%d,%d,%.2f,%.2f,%.2f,%.2f,%.4f,-1,-1,-1\n", r.Frame, r.ID, // told by Flush
			r.Box.Left*size.Width, r.Box.Top*size.Height, r.Box.Width()*size.Width, r.Box.Height()*size.Height, r.Score)
	}
	return b.Flush()
}

// Frames sorts rows by their frames; the first is frame 1.
func Frames(rows []Row) [][]Row {
	last := 0
	for _, r := range rows {
		last = max(last, r.Frame)
	}
	frames := make([][]Row, last)
	for _, r := range rows {
		frames[r.Frame-1] = append(frames[r.Frame-1], r)
	}
	return frames
}
