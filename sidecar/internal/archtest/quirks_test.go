package archtest

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
)

// TestEveryQuirkHasATestThatIsThere reads the tables of docs/onvif-compatibility.md: each
// of their lines names a test, and each test that is named is there.
func TestEveryQuirkHasATestThatIsThere(t *testing.T) {
	top := root(t)
	text, err := os.ReadFile(filepath.Join(top, "docs", "onvif-compatibility.md"))
	if err != nil {
		t.Fatal(err)
	}
	var code []byte
	err = filepath.WalkDir(top, func(path string, d os.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && d.Name() == "node_modules":
			return filepath.SkipDir
		case !bytes.HasSuffix([]byte(path), []byte("_test.go")):
			return nil
		}
		more, err := os.ReadFile(path)
		code = append(code, more...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range regexp.MustCompile("`(Test\\w+)`").FindAllSubmatch(text, -1) {
		if !bytes.Contains(code, append([]byte("func "), append(name[1], '(')...)) {
			t.Errorf("there is no %s", name[1])
		}
	}
	tested := regexp.MustCompile("`Test|the same|every test")
	seen := map[string]bool{}
	for _, row := range regexp.MustCompile(`(?m)^\| (\d+) \|.*\|([^|]*)\|$`).FindAllSubmatch(text, -1) {
		seen[string(row[1])] = true
		if !tested.Match(row[2]) {
			t.Errorf("line %s names no test: %s", row[1], row[2])
		}
	}
	for n := range 41 {
		if number := strconv.Itoa(n + 1); !seen[number] {
			t.Errorf("line %s is missing", number)
		}
	}
}
