package analyse

import (
	"fmt"
	"slices"
	"strings"

	"pantau/sidecar"
)

const (
	longestID = 64
	// trackRule stands for the rule in the ids of the tracks' own events.
	trackRule = "track"
)

// Check says what is wrong with a function, as a *sidecar.FieldError, or nil.
func Check(f sidecar.Function) error {
	if err := checkID(f.ID); err != nil {
		return err
	}
	k, ok := kinds[f.Kind]
	if !ok {
		return unknown("kind", "kind", f.Kind, kindNames())
	}
	if err := checkFields(f, k.reads); err != nil {
		return err
	}
	for i, c := range f.Classes {
		field := fmt.Sprintf("classes[%d]", i)
		if !slices.Contains(known[:], c) {
			return unknownClass(field, c)
		}
		if slices.Contains(f.Classes[:i], c) {
			return &sidecar.FieldError{Field: field, Problem: fmt.Sprintf("class %s is named twice", c), Remedy: "name it once"}
		}
	}
	anchors := []string{string(sidecar.AnchorBottom), string(sidecar.AnchorCentre)}
	if f.Anchor != "" && !slices.Contains(anchors, string(f.Anchor)) {
		return unknown("anchor", "anchor", string(f.Anchor), anchors)
	}
	return k.check(f)
}

// checkID refuses what would break the ids of events and the keys of streams.
func checkID(id string) error {
	const remedy = "use 1 to 64 letters, digits, dots, hyphens and underscores"
	switch {
	case id == "":
		return &sidecar.FieldError{Field: "id", Problem: "the function has no id", Remedy: remedy}
	case len(id) > longestID:
		return &sidecar.FieldError{Field: "id", Problem: fmt.Sprintf("the id has %d characters", len(id)), Remedy: remedy}
	case id == trackRule:
		return &sidecar.FieldError{Field: "id", Problem: fmt.Sprintf("%q stands for the tracks themselves", id), Remedy: "use another id"}
	}
	for _, c := range id {
		if !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_", c) {
			return &sidecar.FieldError{Field: "id", Problem: fmt.Sprintf("%q is not allowed in an id", c), Remedy: remedy}
		}
	}
	return nil
}

// checkFields refuses fields that the kind would not read.
func checkFields(f sidecar.Function, reads []string) error {
	for _, field := range [...]struct {
		name string
		set  bool
	}{
		{"line", len(f.Line) > 0},
		{"lines", len(f.Lines) > 0},
		{"polygon", len(f.Polygon) > 0},
		{"dwell", f.Dwell != 0},
		{"time_threshold", f.TimeThreshold != 0},
		{"plane", f.Plane != nil},
		{"levels", len(f.Levels) > 0},
		{"lanes", f.Lanes != 0},
		{"window", f.Window != 0},
		{"bays", len(f.Bays) > 0},
		{"capacity", f.Capacity != 0},
		{"forbidden", f.Forbidden},
	} {
		if !field.set || slices.Contains(reads, field.name) {
			continue
		}
		var readers []string
		for _, name := range kindNames() {
			if slices.Contains(kinds[name].reads, field.name) {
				readers = append(readers, name)
			}
		}
		remedy := "remove it, or use kind " + either(readers)
		return &sidecar.FieldError{Field: field.name, Problem: fmt.Sprintf("a %s has no %s", f.Kind, field.name), Remedy: remedy}
	}
	return nil
}

// checkPoints refuses points outside of the picture.
func checkPoints(field string, points []sidecar.Point) error {
	for i, p := range points {
		if !(p[0] >= 0 && p[0] <= 1 && p[1] >= 0 && p[1] <= 1) { // false for NaN
			return &sidecar.FieldError{
				Field:   fmt.Sprintf("%s[%d]", field, i),
				Problem: fmt.Sprintf("point %v, %v lies outside of the picture", p[0], p[1]),
				Remedy:  "use coordinates from 0 to 1",
			}
		}
	}
	return nil
}

// either lists words: "a, b or c".
func either(words []string) string {
	last := len(words) - 1
	if last < 1 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// unknown refuses a word, and names those that are known, the nearest first
// where one is near.
func unknown(field, what, word string, words []string) error {
	e := &sidecar.FieldError{Field: field, Problem: fmt.Sprintf("unknown %s %q", what, word)}
	if word == "" {
		e.Problem = "the " + what + " is missing"
	}
	e.Remedy = "use " + either(words)
	if near := meant(word, words); near != "" {
		e.Remedy = fmt.Sprintf("did you mean %s? Otherwise %s", near, e.Remedy)
	}
	return e
}

// unknownClass suggests the nearest of all known classes, and lists the default ones.
func unknownClass(field string, c sidecar.Class) error {
	e := &sidecar.FieldError{Field: field, Problem: fmt.Sprintf("unknown class %q", string(c))}
	words := make([]string, len(known))
	for i, k := range known {
		words[i] = string(k)
	}
	var defaults []string
	for _, k := range sidecar.Classes() {
		defaults = append(defaults, string(k))
	}
	e.Remedy = "use a class of COCO, such as " + strings.Join(defaults, ", ")
	if near := meant(strings.ToLower(string(c)), words); near != "" {
		e.Remedy = fmt.Sprintf("did you mean %s?", near)
	}
	return e
}
