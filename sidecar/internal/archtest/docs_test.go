package archtest

import (
	"bytes"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"
)

// root is the folder of go.mod.
func root(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		t.Fatalf("finding the project's folder: %v", err)
	}
	return strings.TrimSpace(string(out))
}

// documents gives the paths of all Markdown files below dir, those of
// packages of others left out.
func documents(t *testing.T, dir string) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != dir && (d.Name() == "node_modules" || strings.HasPrefix(d.Name(), ".")):
			return filepath.SkipDir
		case !d.IsDir() && filepath.Ext(path) == ".md":
			all = append(all, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

var (
	links    = regexp.MustCompile(`\]\(([^()\s]+)\)`)
	headings = regexp.MustCompile(`(?m)^#{1,6} +(.+?) *$`)
	fences   = regexp.MustCompile("(?ms)^```.*?^```")
)

// anchors are the names that GitHub gives to a document's headings.
func anchors(text []byte) map[string]bool {
	names := map[string]bool{}
	for _, h := range headings.FindAllSubmatch(fences.ReplaceAll(text, nil), -1) {
		name := anchor(string(h[1]))
		for n := 1; names[name]; n++ {
			name = fmt.Sprintf("%s-%d", anchor(string(h[1])), n)
		}
		names[name] = true
	}
	return names
}

// anchor writes a heading as an anchor: lower case, hyphens for spaces, and
// nothing else but letters and digits.
func anchor(heading string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
			return unicode.ToLower(r)
		}
		return -1
	}, heading)
}

// broken says why a link of the document at path leads nowhere; empty if it does not.
func broken(path, link string) string {
	u, err := url.Parse(link)
	if err != nil {
		return "it cannot be read"
	}
	if u.Scheme != "" {
		return "" // an address of others
	}
	target := path
	if u.Path != "" {
		target = filepath.Join(filepath.Dir(path), filepath.FromSlash(u.Path))
	}
	if u.Fragment == "" {
		if _, err := os.Stat(target); err != nil {
			return "there is no such file"
		}
		return ""
	}
	text, err := os.ReadFile(target)
	if err != nil {
		return "there is no such file"
	}
	if !anchors(text)[u.Fragment] {
		return "there is no such heading"
	}
	return ""
}

func TestLinksOfTheDocumentsLeadSomewhere(t *testing.T) {
	top := root(t)
	all := documents(t, top)
	if len(all) < 10 {
		t.Fatalf("got only %v", all)
	}
	for _, path := range all {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		name, _ := filepath.Rel(top, path)
		for _, l := range links.FindAllSubmatch(fences.ReplaceAll(text, nil), -1) {
			if why := broken(path, string(l[1])); why != "" {
				t.Errorf("%s: %s: %s", name, l[1], why)
			}
		}
	}
}

func TestBrokenLinksAreFound(t *testing.T) {
	here := filepath.Join(t.TempDir(), "a.md")
	if err := os.WriteFile(here, []byte("# What it *says*, twice\n```\n# no heading\n```\n## `pantau:x` and y\n## Same\n## Same\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for link, want := range map[string]bool{
		"a.md": false, "#what-it-says-twice": false, "a.md#pantaux-and-y": false, "#same-1": false,
		"https://example.org/x": false, ".": false,
		"b.md": true, "#no-heading": true, "a.md#other": true, "b.md#same": true, "#same-2": true,
	} {
		if got := broken(here, link) != ""; got != want {
			t.Errorf("got %v for %s, want %v", got, link, want)
		}
	}
}

func TestReadmeIsShort(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root(t), "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	if got := bytes.Count(text, []byte("\n")); got > 150 {
		t.Errorf("README.md has %d lines, want at most 150", got)
	}
}

// TestEveryDocumentIsInTheIndex keeps documents from being lost.
func TestEveryDocumentIsInTheIndex(t *testing.T) {
	docs := filepath.Join(root(t), "docs")
	index, err := os.ReadFile(filepath.Join(docs, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range documents(t, docs) {
		name, err := filepath.Rel(docs, path)
		if err != nil {
			t.Fatal(err)
		}
		if name != "README.md" && !bytes.Contains(index, []byte("]("+filepath.ToSlash(name)+")")) {
			t.Errorf("docs/README.md does not name %s", name)
		}
	}
}
