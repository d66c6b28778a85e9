package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

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
