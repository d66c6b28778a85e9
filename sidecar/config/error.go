package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Error is one fault of a file, with its place.
type Error struct {
	File    string `json:"file"`
	Line    int    `json:"line"`   // from 1
	Column  int    `json:"column"` // from 1, in characters
	Field   string `json:"field,omitempty"`
	Problem string `json:"problem"`
	Remedy  string `json:"remedy,omitempty"`
	excerpt string // the line, secrets left out
	caret   int    // characters of excerpt before the caret
}

// Error is place, field, problem and remedy in one line, and below it the line
// of the file with a caret.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s:%d:%d: ", e.File, e.Line, e.Column)
	if e.Field != "" {
		fmt.Fprintf(&b, "%s: ", e.Field)
	}
	b.WriteString(e.Problem)
	if e.Remedy != "" {
		fmt.Fprintf(&b, "; %s", e.Remedy)
	}
	if e.excerpt != "" {
		fmt.Fprintf(&b, "\n%5d | %s\n      | %s^", e.Line, e.excerpt, strings.Repeat(" ", e.caret))
	}
	return b.String()
}

// Errors are all faults of a file, in its order.
type Errors []*Error

// Error joins the errors with line breaks.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, err := range e {
		lines[i] = err.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives the single errors.
func (e Errors) Unwrap() []error {
	all := make([]error, len(e))
	for i, err := range e {
		all[i] = err
	}
	return all
}

// sorted gives the errors in the order of the file.
func (d *document) sorted() Errors {
	slices.SortStableFunc(d.errs, func(a, b *Error) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return d.errs
}
