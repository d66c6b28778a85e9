package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/goccy/go-yaml/ast"

	"pantau/sidecar"
)

// Edit gives the text of a file with other functions of one camera: those that change
// makes of what the file says. Those that stay keep their place and their text, those that
// are new come last, and nothing else is touched: what the result says is read and compared
// before it is given. Of a function that changes, only the values that are others are
// written anew.
//
// The error is that of change, a *sidecar.FieldError below functions[i] where a function is
// wrong (i as change gave them), and a *sidecar.Fault where the file is wrong as it is, is
// written in a way that cannot be edited, or has no such camera.
func Edit(path string, data []byte, camera string, change func([]sidecar.Function) ([]sidecar.Function, error), c Checks) ([]byte, error) {
	before, read, err := parseAll(path, data, c)
	if err != nil {
		return nil, &sidecar.Fault{Err: fmt.Errorf("the configuration is wrong as it is: %w", err), Hint: "mend it first"}
	}
	i := slices.IndexFunc(before.Cameras, func(cam sidecar.Camera) bool { return cam.ID == camera })
	if i < 0 {
		return nil, &sidecar.Fault{Err: fmt.Errorf("%s has no camera %q", path, camera), Hint: "the file has changed a moment ago: look again"}
	}
	old := before.Cameras[i].Functions
	want, err := change(copied(old))
	if err != nil {
		return nil, err
	}
	if err := checkFunctions(want, c); err != nil {
		return nil, err
	}
	want = inOrder(old, want)
	if sameFunctions(old, want) {
		return data, nil
	}
	var why error
	for _, whole := range []bool{false, true} { // each value, or else the whole function that it is in
		text, err := edit(data, read.root, i, old, want, whole)
		if err == nil {
			err = meant(path, text, before, i, want, c)
		}
		if err == nil {
			return text, nil
		}
		why = err
	}
	return nil, &sidecar.Fault{Err: fmt.Errorf("the functions of %s stand in %s in a way that cannot be edited here: %w", camera, path, why),
		Hint: "write them out at the camera, without anchors, aliases and merge keys that others use too, or change them by hand"}
}

// checkFunctions says what is wrong with functions before they are written.
func checkFunctions(all []sidecar.Function, c Checks) error {
	for i, f := range all {
		at := element("functions", i)
		if slices.ContainsFunc(all[:i], func(o sidecar.Function) bool { return o.ID == f.ID }) {
			return &sidecar.FieldError{Field: child(at, "id"), Problem: fmt.Sprintf("the id %q is taken by another function of this camera", f.ID), Remedy: "give every function an id of its own"}
		}
		if c.Function == nil {
			continue
		}
		err := c.Function(f)
		if field := (*sidecar.FieldError)(nil); errors.As(err, &field) && field.Field != "" {
			return &sidecar.FieldError{Field: child(at, field.Field), Problem: field.Problem, Remedy: field.Remedy}
		}
		if err != nil {
			return err
		}
	}
	if c.Functions == nil {
		return nil
	}
	return c.Functions(all)
}

// inOrder puts functions into the order of those before, and new ones behind them.
func inOrder(old, all []sidecar.Function) []sidecar.Function {
	place := func(f sidecar.Function) int {
		if i := indexOf(old, f.ID); i >= 0 {
			return i
		}
		return len(old)
	}
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b sidecar.Function) int { return place(a) - place(b) })
	return all
}

func indexOf(all []sidecar.Function, id string) int {
	return slices.IndexFunc(all, func(f sidecar.Function) bool { return f.ID == id })
}

// copied are functions that share nothing with those that they were copied from.
func copied(all []sidecar.Function) (out []sidecar.Function) {
	text, _ := json.Marshal(all)   // strings and numbers always marshal,
	_ = json.Unmarshal(text, &out) // and come back as they were
	return out
}

// sameFunctions says whether functions mean the same, as their version does.
func sameFunctions(a, b []sidecar.Function) bool {
	one, err := json.Marshal(a)
	other, err2 := json.Marshal(b)
	return err == nil && err2 == nil && (bytes.Equal(one, other) || len(a)+len(b) == 0)
}

// meant says whether a text says what it should: the functions of the i-th camera are
// those wanted, and all else is as before.
func meant(path string, text []byte, before *Config, i int, want []sidecar.Function, c Checks) error {
	after, err := Parse(path, text, c)
	if err != nil {
		return err
	}
	if len(after.Cameras) != len(before.Cameras) || !sameFunctions(after.Cameras[i].Functions, want) {
		return errors.New("the result would not say what it should")
	}
	rest := *before
	rest.Cameras = slices.Clone(before.Cameras)
	rest.Cameras[i].Functions = after.Cameras[i].Functions
	if !reflect.DeepEqual(&rest, after) {
		return errors.New("others would change too")
	}
	return nil
}

// edit changes the text of the functions of the i-th camera, one function after the
// other, as each moves what stands below it. The tree is that of the text at first.
func edit(data []byte, root ast.Node, i int, old, want []sidecar.Function, whole bool) ([]byte, error) {
	text := string(data)
	step := func(do func(*editor) error) (err error) {
		before := text
		if text, err = stepped(text, root, i, do); text != before {
			root = nil
		}
		return err
	}
	own := false
	if err := step(func(e *editor) error { _, own = e.list(); return nil }); err != nil {
		return nil, err
	}
	kept := slices.Clone(old)
	if !own && len(old) > 0 { // others have this list too
		err := step(func(e *editor) error { return e.begin(want) })
		return []byte(text), err
	}
	for n := len(kept) - 1; n >= 0; n-- {
		if indexOf(want, kept[n].ID) >= 0 {
			continue
		}
		if err := step(func(e *editor) error { return e.remove(n) }); err != nil {
			return nil, err
		}
		kept = slices.Delete(kept, n, n+1)
	}
	for n, was := range kept {
		if sameFunctions([]sidecar.Function{was}, want[n:n+1]) {
			continue
		}
		if err := step(func(e *editor) error { return e.change(n, was, want[n], whole) }); err != nil {
			return nil, err
		}
	}
	for _, f := range want[len(kept):] {
		if err := step(func(e *editor) error { return e.add(f) }); err != nil {
			return nil, err
		}
	}
	return []byte(text), nil
}

// stepped makes one change of a text, whose tree is root; nil: it is not known.
func stepped(text string, root ast.Node, i int, do func(*editor) error) (string, error) {
	if root == nil {
		root = newDocument("", []byte(text)).root
	}
	camera, err := cameraNode(root, i)
	if err != nil {
		return "", err
	}
	e := &editor{source: newSource(text), camera: camera}
	if err := do(e); err != nil {
		return "", err
	}
	return e.result(), nil
}

// errElsewhere says that something stands behind an alias or a merge key.
var errElsewhere = errors.New("it stands elsewhere, behind an alias or a merge key")

// cameraNode is the mapping of the i-th camera.
func cameraNode(root ast.Node, i int) (ast.Node, error) {
	list, ok := pairOf(root, "cameras")
	if !ok {
		return nil, errElsewhere
	}
	seq, ok := bare(list.Value).(*ast.SequenceNode)
	if !ok || i >= len(seq.Values) {
		return nil, errElsewhere
	}
	if _, ok := pairsOf(bare(seq.Values[i])); !ok {
		return nil, errElsewhere
	}
	return bare(seq.Values[i]), nil
}

// bare is a node without its anchor.
func bare(n ast.Node) ast.Node {
	if a, ok := n.(*ast.AnchorNode); ok {
		return a.Value
	}
	return n
}

// pairOf is the pair of a key in a mapping.
func pairOf(n ast.Node, key string) (*ast.MappingValueNode, bool) {
	pairs, _ := pairsOf(bare(n))
	i := slices.IndexFunc(pairs, func(p *ast.MappingValueNode) bool { return p.Key.GetToken().Value == key })
	if i < 0 {
		return nil, false
	}
	return pairs[i], true
}
