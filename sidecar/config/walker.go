package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"

	"pantau/sidecar"
	"pantau/sidecar/internal/nearest"
)

// maxNodes bounds what aliases can blow up.
const maxNodes = 4_000_000

// walker reads nodes into Go values, remembers their places, and goes on after
// an error, so that all of them are reported.
type walker struct {
	*document
	anchors map[string]ast.Node
	nodes   int
}

// decode reads the whole tree into v, a pointer to a struct.
func (w *walker) decode(root ast.Node, path string, v any) {
	w.value(root, path, placeOf(root), reflect.ValueOf(v).Elem())
}

// value reads one node. at is where its error is shown.
func (w *walker) value(n ast.Node, path string, at place, v reflect.Value) {
	if w.nodes++; w.nodes > maxNodes {
		if w.nodes == maxNodes+1 {
			w.report(path, at, &sidecar.FieldError{Problem: "the file grows too large by its aliases", Remedy: "write them out"})
		}
		return
	}
	w.places[path] = at
	switch node := n.(type) {
	case *ast.AnchorNode:
		w.value(node.Value, path, at, v)
		w.anchors[node.Name.GetToken().Value] = node.Value
		return
	case *ast.AliasNode:
		w.alias(node, path, at, v)
		return
	case *ast.NullNode, nil:
		return
	}
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	switch {
	case v.Type() == reflect.TypeFor[sidecar.Secret]():
		w.leaf(n, path, place{line: at.line, column: at.column, secret: true}, v)
	case v.Kind() == reflect.Struct:
		w.mapping(n, path, at, v)
	case v.Kind() == reflect.Map:
		w.table(n, path, at, v)
	case v.Kind() == reflect.Slice || v.Kind() == reflect.Array:
		w.sequence(n, path, at, v)
	default:
		w.leaf(n, path, at, v)
	}
}

func (w *walker) alias(n *ast.AliasNode, path string, at place, v reflect.Value) {
	name := n.Value.GetToken().Value
	if to, ok := w.anchors[name]; ok {
		w.value(to, path, at, v)
		return
	}
	at.secret = v.Type() == reflect.TypeFor[sidecar.Secret]()
	if at.secret {
		w.wrong(path, at, v)
		return
	}
	w.report(path, at, &sidecar.FieldError{Problem: fmt.Sprintf("no anchor &%s stands before this alias", name),
		Remedy: "put a text that begins with * in quotes"})
}

// mapping reads a struct, key by key. What it merges (<<) comes first, so that
// the keys beside it win.
func (w *walker) mapping(n ast.Node, path string, at place, v reflect.Value) {
	pairs, ok := pairsOf(n)
	if !ok {
		w.wrong(path, at, v)
		return
	}
	for _, pair := range pairs {
		if pair.Key.IsMergeKey() {
			w.merge(pair.Value, path, placeOf(pair.Key), v)
		}
	}
	names := fieldNames(v.Type())
	for _, pair := range pairs {
		if pair.Key.IsMergeKey() {
			continue
		}
		name := pair.Key.GetToken().Value
		i := slices.Index(names, name)
		if i < 0 {
			w.unknown(path, name, pair, names)
			continue
		}
		w.value(pair.Value, child(path, name), valuePlace(pair), v.Field(i))
	}
}

// table reads a map whose keys are names that the user chooses.
func (w *walker) table(n ast.Node, path string, at place, v reflect.Value) {
	pairs, ok := pairsOf(n)
	if !ok {
		w.wrong(path, at, v)
		return
	}
	v.Set(reflect.MakeMapWithSize(v.Type(), len(pairs)))
	for _, pair := range pairs {
		name := pair.Key.GetToken().Value
		item := reflect.New(v.Type().Elem()).Elem()
		w.value(pair.Value, child(path, name), valuePlace(pair), item)
		v.SetMapIndex(reflect.ValueOf(name), item)
	}
}

// merge reads what a merge key gives: one mapping, or several.
func (w *walker) merge(n ast.Node, path string, at place, v reflect.Value) {
	if seq, ok := n.(*ast.SequenceNode); ok {
		for _, part := range slices.Backward(seq.Values) { // the earlier ones win
			w.value(part, path, at, v)
		}
		return
	}
	w.value(n, path, at, v)
}

func pairsOf(n ast.Node) ([]*ast.MappingValueNode, bool) {
	switch n := n.(type) {
	case *ast.MappingNode:
		return n.Values, true
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}, true
	}
	return nil, false
}

// valuePlace is where the error of a pair's value is shown: at the value where
// it stands in the key's line, otherwise at the key.
func valuePlace(pair *ast.MappingValueNode) place {
	key := placeOf(pair.Key)
	switch pair.Value.(type) {
	case nil, *ast.NullNode, *ast.LiteralNode:
		return key
	}
	if value := placeOf(pair.Value); value.line == key.line {
		return value
	}
	return key
}

// unknown reports a key that nobody reads. Its value may be a misspelt secret.
func (w *walker) unknown(path, name string, pair *ast.MappingValueNode, names []string) {
	at := placeOf(pair.Key)
	f := &sidecar.FieldError{Problem: fmt.Sprintf("unknown key %q", name), Remedy: "use one of " + strings.Join(names, ", ")}
	if like := nearest.Word(name, names); like != "" {
		f.Remedy = fmt.Sprintf("did you mean %q?", like)
	}
	w.report(path, at, f)
	e := w.errs[len(w.errs)-1]
	if end := e.caret + len([]rune(name)); end < len([]rune(e.excerpt)) {
		e.excerpt = string([]rune(e.excerpt)[:end]) + ": …"
	}
}

// sequence reads a slice or an array of a fixed length.
func (w *walker) sequence(n ast.Node, path string, at place, v reflect.Value) {
	seq, ok := n.(*ast.SequenceNode)
	if !ok || v.Kind() == reflect.Array && len(seq.Values) != v.Len() {
		w.wrong(path, at, v)
		return
	}
	if v.Kind() == reflect.Slice {
		v.Set(reflect.MakeSlice(v.Type(), len(seq.Values), len(seq.Values)))
	}
	for i, item := range seq.Values {
		w.value(item, element(path, i), placeOf(item), v.Index(i))
	}
}

// leaf reads a single value.
func (w *walker) leaf(n ast.Node, path string, at place, v reflect.Value) {
	switch n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode, *ast.SequenceNode:
		w.wrong(path, at, v)
		return
	}
	if v.Type() == reflect.TypeFor[sidecar.Secret]() {
		if text, ok := textOf(n); ok {
			v.Set(reflect.ValueOf(sidecar.NewSecret(text)))
			return
		}
		w.wrong(path, at, v)
		return
	}
	if v.Kind() == reflect.String {
		if text, ok := textOf(n); ok {
			v.SetString(text)
			return
		}
	}
	if err := yaml.NodeToValue(n, v.Addr().Interface()); err != nil {
		w.wrong(path, at, v)
	}
}

// textOf is a scalar as it was written: a number stays as it stands.
func textOf(n ast.Node) (string, bool) {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.LiteralNode:
		return strings.TrimRight(n.Value.Value, "\n"), true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.NanNode, *ast.InfinityNode:
		return n.GetToken().Value, true
	case *ast.TagNode:
		return textOf(n.Value)
	}
	return "", false
}

// wrong reports a value of another type than the field has.
func (w *walker) wrong(path string, at place, v reflect.Value) {
	want := wanted(v.Type())
	w.report(path, at, &sidecar.FieldError{Problem: "this is not " + want[0], Remedy: want[1]})
}

// wanted says what a field takes, and an example of it.
func wanted(t reflect.Type) [2]string {
	switch t {
	case reflect.TypeFor[sidecar.Secret]():
		return [2]string{"a text", "put it in single quotes"}
	case reflect.TypeFor[time.Duration]():
		return [2]string{"a duration", "write it as 30s, 5m or 1h30m"}
	case reflect.TypeFor[sidecar.Point]():
		return [2]string{"a point", "write it as [x, y], each from 0 to 1"}
	case reflect.TypeFor[sidecar.Part]():
		return [2]string{"a part of the picture", "write it as [left, top, right, bottom], each from 0 to 1"}
	case reflect.TypeFor[sidecar.Polygon]():
		return [2]string{"a polygon", "write it as [[x, y], [x, y], [x, y]]"}
	}
	switch t.Kind() {
	case reflect.Map:
		return [2]string{"a group of names", "write a name and its value on each line"}
	case reflect.Struct:
		return [2]string{"a group of keys", "write keys and values: " + strings.Join(fieldNames(t), ", ")}
	case reflect.Slice, reflect.Array:
		return [2]string{"a list", "write one line with a dash for each entry, or [a, b]"}
	case reflect.Bool:
		return [2]string{"yes or no", "write true or false"}
	case reflect.Int:
		return [2]string{"a whole number", "write digits only"}
	case reflect.Float64:
		return [2]string{"a number", "write it as 8 or 0.5"}
	}
	return [2]string{"a text", "put it in quotes"}
}

// fieldNames lists a struct's keys, in the order of its fields.
func fieldNames(t reflect.Type) []string {
	names := make([]string, t.NumField())
	for i := range names {
		names[i], _, _ = strings.Cut(t.Field(i).Tag.Get("yaml"), ",")
	}
	return names
}
