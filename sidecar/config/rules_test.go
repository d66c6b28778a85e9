package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pantau/sidecar"
)

// TestFunctionsAreCheckedBesideEachOther: once each of them is right by itself.
func TestFunctionsAreCheckedBesideEachOther(t *testing.T) {
	asked := 0
	c := Checks{
		Function: func(f sidecar.Function) error {
			if f.Kind == "sonar" {
				return &sidecar.FieldError{Field: "kind", Problem: "unknown kind", Remedy: "use line"}
			}
			return nil
		},
		Functions: func(all []sidecar.Function) error {
			asked += len(all)
			return &sidecar.FieldError{Field: "functions[1].lines[0]", Problem: "unknown line", Remedy: "draw it"}
		},
	}
	const lines = "  - {id: a, kind: line, line: [[0.2, 0.5], [0.8, 0.5]]}\n  - id: j\n    kind: turns\n    lines: [\n      b]\n"
	path := filepath.Join(t.TempDir(), "rules.yaml")
	for _, tt := range []struct{ text, want string }{
		{"functions:\n" + lines, "rules.yaml:6:7: functions[1].lines[0]: unknown line; draw it"},
		{"cameras:\n- id: c\n  source: {rtsp: 'rtsp://h/p'}\n  functions:\n" + lines, "rules.yaml:9:7: cameras[0].functions[1].lines[0]: unknown line"},
	} {
		if err := os.WriteFile(path, []byte(tt.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := LoadRules(path, c); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("got %v, want %s", err, tt.want)
		}
	}
	if asked != 4 {
		t.Errorf("got asked about %d functions, want 4", asked)
	}
	if err := os.WriteFile(path, []byte("functions:\n"+strings.Replace(lines, "turns", "sonar", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadRules(path, c); err == nil || asked != 4 {
		t.Errorf("got %v, and asked about %d, want not to be asked beside a wrong one", err, asked)
	}
}

func TestLoadRules(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"functions alone", "functions:\n  - {id: a, kind: line, line: [[0.2, 0.5], [0.8, 0.5]]}\n", ""},
		{"with analyse", "analyse: {fps: 5}\nfunctions: [{id: a, kind: line, line: [[0.2, 0.5], [0.8, 0.5]]}]\n", ""},
		{"JSON", `{"functions": [{"id": "a", "kind": "line", "line": [[0.2, 0.5], [0.8, 0.5]]}]}`, ""},
		{"a configuration of one camera", "cameras: [{id: c, source: {rtsp: 'rtsp://h/p'}, functions: [{id: a, kind: line, line: [[0.2, 0.5], [0.8, 0.5]]}]}]", ""},
		{"of two", "cameras: [{id: c, source: {rtsp: 'rtsp://h/p'}}, {id: d, source: {rtsp: 'rtsp://h/p'}}]", "2 cameras"},
		{"nothing", "", "no functions"},
		{"unknown key", "functions:\n  - {id: a, kynd: line}\n", ":2:"},
		{"same id twice", "functions:\n  - {id: a, kind: line}\n  - {id: a, kind: line}\n", "taken"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "rules.yaml")
			if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			r, err := LoadRules(path, Checks{})
			switch {
			case c.want == "" && err != nil:
				t.Errorf("got %v, want no error", err)
			case c.want == "" && (len(r.Functions) != 1 || r.Functions[0].ID != "a" || len(r.Functions[0].Line) != 2):
				t.Errorf("got %+v, want one function", r)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
}
