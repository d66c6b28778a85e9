package config

import (
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"pantau/sidecar"
)

// editor changes the functions of one camera in a text.
type editor struct {
	*source
	camera ast.Node
}

// list is the camera's list of functions, if it has one of its own.
func (e *editor) list() (*ast.SequenceNode, bool) {
	pair, ok := pairOf(e.camera, "functions")
	if !ok {
		return nil, false
	}
	seq, ok := bare(pair.Value).(*ast.SequenceNode)
	return seq, ok
}

// remove takes out the n-th function.
func (e *editor) remove(n int) error {
	seq, ok := e.list()
	if !ok || n >= len(seq.Values) {
		return errElsewhere
	}
	if seq.IsFlowStyle {
		return e.cutItem(len(seq.Values), n, func(i int) ast.Node { return seq.Values[i] })
	}
	dash := place{seq.Entries[n].Start.Position.Line, seq.Entries[n].Start.Position.Column, false}
	if strings.TrimSpace(e.before(dash)) != "" {
		return errElsewhere
	}
	e.cutLines(dash.line, e.last(dash.line, dash.column-1))
	return nil
}

// cutItem takes the n-th of some items out that have commas between them.
func (e *editor) cutItem(count, n int, item func(int) ast.Node) error {
	from, to, ok := e.span(item(n))
	if !ok {
		return errElsewhere
	}
	switch {
	case n+1 < count:
		to = e.offset(placeOf(item(n + 1)))
	case n > 0:
		if _, from, ok = e.span(item(n - 1)); !ok {
			return errElsewhere
		}
	}
	e.replace(from, to, "")
	return nil
}

// add writes a function behind the others.
func (e *editor) add(f sidecar.Function) error {
	newest := reflect.ValueOf(f)
	seq, ok := e.list()
	switch {
	case !ok:
		return e.begin([]sidecar.Function{f})
	case seq.IsFlowStyle && len(seq.Values) == 0:
		e.insert(e.offset(placeOf(seq))+1, e.flow(newest))
	case seq.IsFlowStyle:
		last := seq.Values[len(seq.Values)-1]
		_, to, ok := e.span(last)
		if !ok {
			return errElsewhere
		}
		gap := " "
		if before := e.before(placeOf(last)); strings.TrimSpace(before) == "" {
			gap = e.newline + before
		}
		e.insert(to, ","+gap+e.flow(newest))
	default:
		n := len(seq.Values) - 1
		dash := seq.Entries[n].Start.Position
		indent := strings.Repeat(" ", dash.Column-1)
		text := e.flow(newest)
		if m, ok := bare(seq.Values[n]).(*ast.MappingNode); ok && !m.IsFlowStyle {
			text = strings.Join(e.fields(newest), e.newline+indent+"  ")
		}
		e.insert(e.lineEnd(e.last(dash.Line, dash.Column-1)), e.newline+indent+"- "+text)
	}
	return nil
}

// begin writes a list where the camera has none, or one that others have too.
func (e *editor) begin(all []sidecar.Function) error {
	pair, ok := pairOf(e.camera, "functions")
	if !ok {
		return e.addPair(e.camera, "functions", reflect.ValueOf(all))
	}
	if _, null := pair.Value.(*ast.NullNode); null && !e.flowing(e.camera) && len(all) > 0 {
		key := placeOf(pair.Key)
		if from, to, written := e.span(pair.Value); written {
			e.replace(from, to, "")
		}
		e.insert(e.lineEnd(key.line), e.block(all, key.column))
		return nil
	}
	return e.put(pair, reflect.ValueOf(all))
}

// block writes functions as a list below a key that stands at a column.
func (e *editor) block(all []sidecar.Function, column int) string {
	text := ""
	for _, f := range all {
		text += e.newline + strings.Repeat(" ", column+1) + "- " + e.flow(reflect.ValueOf(f))
	}
	return text
}

// change writes what is other in the n-th function, or the whole of it.
func (e *editor) change(n int, was, is sidecar.Function, whole bool) error {
	seq, ok := e.list()
	if !ok || n >= len(seq.Values) {
		return errElsewhere
	}
	if _, ok := pairsOf(bare(seq.Values[n])); ok && !whole {
		return e.mapping(bare(seq.Values[n]), reflect.ValueOf(was), reflect.ValueOf(is))
	}
	from, to, ok := e.span(seq.Values[n])
	if !ok {
		if seq.IsFlowStyle {
			return errElsewhere
		}
		dash := seq.Entries[n].Start.Position
		from, to = e.offset(placeOf(seq.Values[n])), e.lineEnd(e.last(dash.Line, dash.Column-1))
	}
	e.replace(from, to, e.flow(reflect.ValueOf(is)))
	return nil
}

// mapping writes what is other in a mapping, key by key.
func (e *editor) mapping(n ast.Node, was, is reflect.Value) error {
	old := members(was)
	for _, m := range members(is) {
		i := slices.IndexFunc(old, func(o member) bool { return o.name == m.name })
		before := reflect.Zero(m.value.Type())
		if i >= 0 {
			before = old[i].value
		}
		if err := e.value(n, m.name, before, m.value); err != nil {
			return err
		}
	}
	for _, o := range old {
		if !slices.ContainsFunc(members(is), func(m member) bool { return m.name == o.name }) { // of a map
			if err := e.value(n, o.name, o.value, reflect.Zero(o.value.Type())); err != nil {
				return err
			}
		}
	}
	return nil
}

// value writes one value of a mapping where it is another.
func (e *editor) value(n ast.Node, name string, was, is reflect.Value) error {
	if reflect.DeepEqual(was.Interface(), is.Interface()) || empty(was) && empty(is) {
		return nil
	}
	pair, ok := pairOf(n, name)
	switch {
	case !ok && empty(is):
		return errElsewhere // it comes from a merge key
	case !ok:
		return e.addPair(n, name, is)
	case empty(is):
		return e.cutPair(n, pair)
	}
	inner, mapped := pairsOf(bare(pair.Value))
	if mapped && len(inner) > 0 && !empty(was) && len(members(is)) > 0 {
		return e.mapping(bare(pair.Value), was, is)
	}
	return e.put(pair, is)
}

// put writes another value of a key.
func (e *editor) put(pair *ast.MappingValueNode, v reflect.Value) error {
	if from, to, ok := e.span(pair.Value); ok {
		e.replace(from, to, e.flow(v))
		return nil
	}
	key, colon := placeOf(pair.Key), pair.Start.Position
	from := e.offset(place{line: colon.Line, column: colon.Column}) + 1
	switch n := bare(pair.Value).(type) {
	case *ast.NullNode: // nothing is written there
		e.insert(from, " "+e.flow(v))
		return nil
	case *ast.SequenceNode:
		if p := placeOf(n); p.column == key.column { // its dashes stand below the key
			e.replace(from, e.lineEnd(e.last(e.lastEntry(n), p.column-1)), " "+e.flow(v))
			return nil
		}
	case *ast.MappingNode, *ast.MappingValueNode:
	default:
		return errElsewhere
	}
	e.replace(from, e.lineEnd(e.last(key.line, key.column-1)), " "+e.flow(v))
	return nil
}

// lastEntry is the line of the last dash of a list.
func (e *editor) lastEntry(n *ast.SequenceNode) int {
	return n.Entries[len(n.Entries)-1].Start.Position.Line
}

// addPair writes a key and its value behind the others of a mapping.
func (e *editor) addPair(n ast.Node, name string, v reflect.Value) error {
	pairs, _ := pairsOf(n)
	if len(pairs) == 0 {
		return errElsewhere
	}
	last := pairs[len(pairs)-1]
	key := placeOf(last.Key)
	if e.flowing(n) {
		_, to, ok := e.span(last.Value)
		if !ok {
			return errElsewhere
		}
		e.insert(to, ", "+e.scalar(name)+": "+e.flow(v))
		return nil
	}
	line := key.line
	if seq, ok := bare(last.Value).(*ast.SequenceNode); ok && !seq.IsFlowStyle && placeOf(seq).column == key.column {
		line = e.lastEntry(seq)
	}
	text := " " + e.flow(v)
	if all, ok := v.Interface().([]sidecar.Function); ok && len(all) > 0 {
		text = e.block(all, key.column)
	}
	e.insert(e.lineEnd(e.last(line, key.column-1)), e.newline+strings.Repeat(" ", key.column-1)+e.scalar(name)+":"+text)
	return nil
}

// cutPair takes a key and its value out of a mapping.
func (e *editor) cutPair(n ast.Node, pair *ast.MappingValueNode) error {
	pairs, _ := pairsOf(n)
	i := slices.Index(pairs, pair)
	if e.flowing(n) {
		return e.cutFlowPair(pairs, i)
	}
	key := placeOf(pair.Key)
	if strings.TrimSpace(e.before(key)) != "" { // it stands behind a dash
		if i+1 == len(pairs) {
			return errElsewhere
		}
		e.replace(e.offset(key), e.offset(placeOf(pairs[i+1].Key)), "")
		return nil
	}
	line := key.line
	if seq, ok := bare(pair.Value).(*ast.SequenceNode); ok && !seq.IsFlowStyle && placeOf(seq).column == key.column {
		line = e.lastEntry(seq)
	}
	e.cutLines(key.line, e.last(line, key.column-1))
	return nil
}

func (e *editor) cutFlowPair(pairs []*ast.MappingValueNode, i int) error {
	from := e.offset(placeOf(pairs[i].Key))
	_, to, ok := e.span(pairs[i].Value)
	switch {
	case !ok:
		return errElsewhere
	case i+1 < len(pairs):
		to = e.offset(placeOf(pairs[i+1].Key))
	case i > 0:
		if _, from, ok = e.span(pairs[i-1].Value); !ok {
			return errElsewhere
		}
	}
	e.replace(from, to, "")
	return nil
}

// flowing says whether a mapping is written in braces.
func (e *editor) flowing(n ast.Node) bool {
	m, ok := n.(*ast.MappingNode)
	return ok && m.IsFlowStyle
}
