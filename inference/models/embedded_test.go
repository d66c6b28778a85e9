package models

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the sizes and hashes of the embedded models into manifest.yaml")

// The manifest has the sizes and the hashes of the files in the tree. After a new
// training, -update writes them.
func TestEmbeddedModelsAreTheManifests(t *testing.T) {
	text := string(manifestYAML)
	for _, m := range builtin(t).Models {
		name := m.embedded()
		if name == "" {
			continue
		}
		data, err := fs.ReadFile(programFiles, path.Join(embeddedFolder, name))
		if err != nil {
			t.Fatal(err)
		}
		want := fmt.Sprintf("size: %d\n    sha256: %s\n", len(data), hash(data))
		at := regexp.MustCompile(`(?s)(- embedded: ` + regexp.QuoteMeta(name) + `\n    )size: \d+\n    sha256: \w+\n`)
		text = at.ReplaceAllString(text, "${1}"+want)
		if _, err := Read("", m); err != nil && !*update {
			t.Errorf("%v; run this test with -update, or write into manifest.yaml:\n    %s", err, want)
		}
	}
	if *update {
		if err := os.WriteFile("manifest.yaml", []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestEveryModelHasACard(t *testing.T) {
	for _, m := range builtin(t).Models {
		text, err := m.Card()
		if err != nil || !strings.HasPrefix(text, "# ") || !strings.Contains(text, m.Licence) {
			t.Errorf("%s: %q, error %v, want a title and the licence", m.ID(), text, err)
		}
	}
	street, err := builtin(t).Find("street")
	if err != nil {
		t.Fatal(err)
	}
	text, err := street.Card()
	for _, section := range []string{"What it is", "Classes and conventions", "Data", "Training", "Figures", "Speed", "What it is bad at"} {
		if err != nil || !strings.Contains(text, "\n## "+section+"\n") {
			t.Errorf("the card lacks %q (%v)", section, err)
		}
	}
}

// A file in the program that is not the manifest's is not loaded.
func TestEmbeddedModelsAreVerified(t *testing.T) {
	m := tiny([]byte("other weights"), Source{Embedded: "street.onnx"})
	if state, err := Verify(t.TempDir(), m); state != Damaged || err == nil || !strings.Contains(err.Error(), "does not match") {
		t.Errorf("state is %s, error %v, want damaged", state, err)
	}
	m = tiny([]byte("x"), Source{Embedded: "none.onnx"})
	if _, err := Read("", m); err == nil {
		t.Error("a file that is not there: no error")
	}
}
