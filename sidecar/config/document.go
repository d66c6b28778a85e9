package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"pantau/sidecar"
)

// place is where something stands in a file.
type place struct {
	line, column int  // from 1
	secret       bool // the value must not be shown
}

// document is a YAML file on its way to a Config, with the place of every
// value that was read, by its path.
type document struct {
	path    string
	lines   []string
	secrets []secretLine // one for each line
	hide    patterns
	root    ast.Node
	places  map[string]place
	errs    Errors
	unread  Errors // those of errs that decode left
}

// newDocument parses the text. What is no YAML leaves an error and no root.
func newDocument(path string, data []byte) *document {
	d := &document{path: path, lines: strings.Split(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(string(data)), "\n"),
		places: make(map[string]place), hide: secretPatterns()}
	d.secrets = d.hide.secretLines(d.lines)
	file, err := parse(data)
	if err != nil {
		d.syntax(err)
		return d
	}
	for _, doc := range file.Docs {
		switch {
		case doc.Body == nil:
		case d.root != nil:
			d.report("", placeOf(doc.Body), &sidecar.FieldError{Problem: "a second document begins",
				Remedy: "keep everything in one, without ---"})
		default:
			d.root = doc.Body
		}
	}
	return d
}

// parse reads YAML. The library panics on some texts that are none: to the user
// that is a syntax error like others.
func parse(data []byte) (file *ast.File, err error) {
	defer func() {
		if recover() != nil {
			file, err = nil, errors.New("this is no YAML")
		}
	}()
	return parser.ParseBytes(data, 0)
}

// decode reads the whole document into v, a pointer to a struct.
func (d *document) decode(v any) {
	if d.root == nil {
		return
	}
	w := walker{document: d, anchors: make(map[string]ast.Node)}
	w.decode(d.root, "", v)
	d.unread = slices.Clone(d.errs)
}

// syntax reports an error of the parser. Of a line with a secret it does not
// repeat what the parser says: that may quote it.
func (d *document) syntax(err error) {
	at, message := place{line: 1, column: 1}, "this is no YAML"
	var parsed yaml.Error
	if errors.As(err, &parsed) {
		message = parsed.GetMessage()
		if t := parsed.GetToken(); t != nil && t.Position != nil {
			at = place{line: t.Position.Line, column: t.Position.Column}
		}
	}
	f := &sidecar.FieldError{Problem: message, Remedy: "check indentation, colons, quotes and brackets here and in the line above"}
	if at.line >= 1 && at.line <= len(d.secrets) && d.secrets[at.line-1] >= 0 {
		f = &sidecar.FieldError{Problem: "the secret in this line cannot be read as YAML", Remedy: "put it in single quotes"}
	}
	d.report("", at, f)
}

// fault reports a bad value at the place of its path, or of the nearest value
// around it. Where the same value has an error already, or a part of it could
// not be read, that is enough.
func (d *document) fault(path string, f *sidecar.FieldError) {
	within := func(e *Error) bool {
		rest, ok := strings.CutPrefix(e.Field, path)
		return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
	}
	if slices.ContainsFunc(d.unread, within) || slices.ContainsFunc(d.errs, func(e *Error) bool { return e.Field == path }) {
		return
	}
	for at := path; ; {
		if p, ok := d.places[at]; ok {
			d.report(path, p, f)
			return
		}
		cut := strings.LastIndexAny(at, ".[")
		if cut < 0 {
			d.report(path, place{line: 1, column: 1}, f)
			return
		}
		at = at[:cut]
	}
}

// report adds an error with the excerpt of its line.
func (d *document) report(path string, at place, f *sidecar.FieldError) {
	e := &Error{File: d.path, Line: max(at.line, 1), Column: max(at.column, 1), Field: path,
		Problem: f.Problem, Remedy: f.Remedy}
	d.errs = append(d.errs, e)
	if e.Line > len(d.lines) {
		return
	}
	from := d.secrets[e.Line-1]
	line := []rune(d.lines[e.Line-1])
	if at.secret && e.Column <= len(line)+1 {
		value := secretLine(len(string(line[:e.Column-1])))
		if from < 0 || value < from {
			from = value
		}
	}
	excerpt := d.hide.redact(d.lines[e.Line-1], from)
	e.excerpt = strings.TrimRight(strings.ReplaceAll(excerpt, "\t", " "), " ")
	e.caret = min(e.Column-1, len([]rune(e.excerpt)))
	e.excerpt = printable(e.excerpt)
}

// printable replaces what a terminal would act upon.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x20 || r >= 0x7f && r < 0xa0 {
			return '�'
		}
		return r
	}, s)
}

// placeOf is where a node begins.
func placeOf(n ast.Node) place {
	var t *token.Token
	switch n := n.(type) {
	case *ast.MappingNode:
		if !n.IsFlowStyle && len(n.Values) > 0 {
			return placeOf(n.Values[0])
		}
		t = n.Start
	case *ast.MappingValueNode:
		return placeOf(n.Key)
	default:
		t = n.GetToken()
	}
	if t == nil || t.Position == nil {
		return place{line: 1, column: 1}
	}
	return place{line: t.Position.Line, column: t.Position.Column}
}

// child is the path of a key or of an element.
func child(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func element(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }

// has says whether the document is a mapping with this key.
func (d *document) has(key string) bool {
	m, ok := d.root.(*ast.MappingNode)
	if !ok {
		return false
	}
	return slices.ContainsFunc(m.Values, func(v *ast.MappingValueNode) bool { return v.Key.String() == key })
}
