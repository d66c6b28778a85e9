// Package schematest checks published entries against the schemas that are
// published with them, in tests.
package schematest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"pantau/sidecar/publish"
)

// Checker holds the compiled schemas, each as it stands and in a strict form
// that allows no field which it does not name.
type Checker struct {
	tb            testing.TB
	plain, strict map[string]*jsonschema.Schema
}

// New compiles the schemas of package publish.
func New(tb testing.TB) *Checker {
	tb.Helper()
	return From(tb, publish.Schemas())
}

// From compiles schemas by their names, "<type>/<major>", such as those read
// from pantau:schema:*.
func From(tb testing.TB, schemas map[string][]byte) *Checker {
	tb.Helper()
	c := &Checker{tb: tb, plain: map[string]*jsonschema.Schema{}, strict: map[string]*jsonschema.Schema{}}
	for name, text := range schemas {
		c.plain[name] = compile(tb, name, text, false)
		c.strict[name] = compile(tb, name, text, true)
	}
	return c
}

func compile(tb testing.TB, name string, text []byte, strict bool) *jsonschema.Schema {
	tb.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		tb.Fatalf("schema %s: %v", name, err)
	}
	if strict {
		closeObjects(doc)
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	if err := compiler.AddResource("schema.json", doc); err != nil {
		tb.Fatalf("schema %s: %v", name, err)
	}
	s, err := compiler.Compile("schema.json")
	if err != nil {
		tb.Fatalf("schema %s: %v", name, err)
	}
	return s
}

// closeObjects forbids unknown fields in every object that names some.
func closeObjects(node any) {
	switch n := node.(type) {
	case map[string]any:
		if _, named := n["properties"].(map[string]any); named && n["type"] == "object" {
			if _, set := n["additionalProperties"]; !set {
				n["additionalProperties"] = false
			}
		}
		for _, child := range n {
			closeObjects(child)
		}
	case []any:
		for _, child := range n {
			closeObjects(child)
		}
	}
}

// Entry checks one entry of a stream: its envelope and its data.
func (c *Checker) Entry(e publish.Entry) {
	c.tb.Helper()
	name, ok := strings.CutPrefix(e.Type, "pantau.")
	dot := strings.LastIndex(name, ".v")
	if !ok || dot < 0 {
		c.tb.Errorf("entry %s: type is %q, want pantau.<type>.v<major>", e.ID, e.Type)
		return
	}
	name = name[:dot] + "/" + name[dot+2:]
	switch {
	case e.ID == "" || e.Source == "" || e.Subject == "" || e.Time == "":
		c.tb.Errorf("envelope is not whole: %+v", e)
	case e.Schema != "1.0" || e.ContentType != "application/json":
		c.tb.Errorf("entry %s: schema %q of %q", e.ID, e.Schema, e.ContentType)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(e.Data))
	if err != nil {
		c.tb.Errorf("entry %s: %v", e.ID, err)
		return
	}
	c.check(name, e.ID, value)
}

// Hash checks the fields of a hash, "camera" or "latest".
func (c *Checker) Hash(kind string, fields map[string]string) {
	c.tb.Helper()
	value := map[string]any{}
	for k, v := range fields {
		value[k] = v
	}
	c.check(kind+"/1", fmt.Sprint(fields), value)
}

func (c *Checker) check(name, what string, value any) {
	c.tb.Helper()
	if c.plain[name] == nil {
		c.tb.Errorf("%s: no schema %s", what, name)
		return
	}
	for form, schema := range map[string]*jsonschema.Schema{"schema": c.plain[name], "strict schema": c.strict[name]} {
		if err := schema.Validate(value); err != nil {
			text, _ := json.Marshal(value) // only for the message
			c.tb.Errorf("%s does not pass the %s %s: %v\n%s", what, form, name, err, text)
		}
	}
}
