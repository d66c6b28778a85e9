// Package measure measures detectors on labelled pictures, through the same
// decoder and detector as a camera's frames take.
package measure

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"pantau/inference/models"
	"pantau/sidecar"
	"pantau/sidecar/internal/ap"
)

// Set is labelled pictures.
type Set struct {
	Labels      string // folder of labels
	Images      string // folder of pictures
	YOLO        bool   // class number, centre and size in 0..1; otherwise name and edges in pixels
	Classes     []sidecar.Class
	Only        string // pattern of names (path.Match) without extension; empty: all
	List        []string
	MergeRiders bool            // riders are labelled apart from what they ride
	Line        []sidecar.Point // only what is at this line counts; none: everything
}

// OpenSet finds out how a folder is laid out: images/ and labels/ (YOLO), or
// labels in pixels whose pictures are in images.
func OpenSet(folder, images string) (Set, error) {
	if images != "" {
		return Set{Labels: folder, Images: images}, nil
	}
	s := Set{Labels: filepath.Join(folder, "labels"), Images: filepath.Join(folder, "images"), YOLO: true, Classes: sidecar.Classes()}
	for _, dir := range []string{s.Labels, s.Images} {
		if _, err := os.Stat(dir); err != nil {
			return s, &sidecar.Fault{Err: fmt.Errorf("opening labelled pictures: %w", err),
				Hint: "give a folder with images/ and labels/, or a folder of labels in pixels with --images DIR"}
		}
	}
	text, err := os.ReadFile(filepath.Join(folder, "classes.txt"))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return s, nil
	case err != nil:
		return s, fmt.Errorf("reading class names: %w", err)
	}
	s.Classes = nil
	for name := range strings.Lines(string(text)) {
		s.Classes = append(s.Classes, sidecar.Class(strings.TrimSpace(name)))
	}
	return s, nil
}

// Names lists the pictures, without folder and extension, sorted.
func (s Set) Names() ([]string, error) {
	entries, err := os.ReadDir(s.Labels)
	if err != nil {
		return nil, fmt.Errorf("listing labels: %w", err)
	}
	var names []string
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), ".txt")
		if !ok || e.IsDir() || name == "classes" {
			continue
		}
		if s.Only != "" {
			match, err := filepath.Match(s.Only, name)
			if err != nil {
				return nil, &sidecar.FieldError{Field: "--only", Problem: err.Error(), Remedy: "use a pattern such as 'manaus_*'"}
			}
			if !match {
				continue
			}
		}
		if s.List == nil || slices.Contains(s.List, name) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil, &sidecar.Fault{Err: fmt.Errorf("no labels in %s", s.Labels), Hint: "check the folder, --only and --list"}
	}
	return names, nil
}

// ReadList reads a list of pictures, one name a line.
func ReadList(path string) ([]string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading list of pictures: %w", err)
	}
	names := []string{}
	for _, line := range strings.Fields(string(text)) {
		base := filepath.Base(line)
		names = append(names, strings.TrimSuffix(base, filepath.Ext(base)))
	}
	return names, nil
}

// Picture finds a picture's file.
func (s Set) Picture(name string) (string, error) {
	for _, ext := range []string{".jpg", ".png", ".jpeg", ".JPG"} {
		path := filepath.Join(s.Images, name+ext)
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	return "", &sidecar.Fault{Err: fmt.Errorf("no picture for the labels %s in %s", name, s.Images), Hint: "check --images"}
}

// Truth reads a picture's labels; width and height are its size in pixels.
func (s Set) Truth(name string, width, height int) ([]ap.Object, error) {
	f, err := os.Open(filepath.Join(s.Labels, name+".txt"))
	if err != nil {
		return nil, fmt.Errorf("reading labels: %w", err)
	}
	defer f.Close()
	var boxes []sidecar.Detection
	var all []ap.Object
	scale := float64(ap.LongSide) / float64(max(width, height))
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		text, _, _ := strings.Cut(lines.Text(), "#")
		fields := strings.Fields(text)
		if len(fields) == 0 {
			continue
		}
		class, box, err := s.line(fields, float64(width), float64(height))
		if err != nil {
			return nil, &sidecar.Fault{Err: fmt.Errorf("reading labels %s, line %d: %w", f.Name(), n, err), Hint: "mend the file"}
		}
		box = sidecar.Box{Left: box.Left * scale, Top: box.Top * scale, Right: box.Right * scale, Bottom: box.Bottom * scale}
		if class == "ignore" {
			all = append(all, ap.Object{Ignore: true, Box: box})
			continue
		}
		boxes = append(boxes, sidecar.Detection{Class: class, Score: 1, Box: box})
	}
	if s.MergeRiders {
		boxes = models.MergeRiders(boxes)
	}
	for _, b := range boxes {
		all = append(all, ap.Object{Class: b.Class, Box: b.Box})
	}
	return all, lines.Err()
}

// line reads a label into pixels.
func (s Set) line(fields []string, width, height float64) (class sidecar.Class, box sidecar.Box, err error) {
	if len(fields) < 5 {
		return "", box, fmt.Errorf("%d fields, want a class and four numbers", len(fields))
	}
	var v [4]float64
	for i := range v {
		if v[i], err = strconv.ParseFloat(fields[i+1], 64); err != nil {
			return "", box, err
		}
	}
	if !s.YOLO {
		class = sidecar.Class(fields[0])
		if class != "ignore" && !slices.Contains(sidecar.Classes(), class) {
			return "", box, fmt.Errorf("class %q is none of %v and ignore", class, sidecar.Classes())
		}
		return class, sidecar.Box{Left: v[0], Top: v[1], Right: v[2], Bottom: v[3]}, nil
	}
	n, err := strconv.Atoi(fields[0])
	if err != nil || n < 0 || n >= len(s.Classes) {
		return "", box, fmt.Errorf("class number is %q, want 0 to %d", fields[0], len(s.Classes)-1)
	}
	return s.Classes[n], sidecar.Box{
		Left: (v[0] - v[2]/2) * width, Top: (v[1] - v[3]/2) * height,
		Right: (v[0] + v[2]/2) * width, Bottom: (v[1] + v[3]/2) * height}, nil
}
