package models

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// tiny is a model whose weights are the given bytes.
func tiny(weights []byte, sources ...Source) Model {
	return Model{Name: "tiny", Version: 2, Size: int64(len(weights)), SHA256: hash(weights), Sources: sources}
}

func hash(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// puller pulls into a new folder, and keeps the lines.
func puller(t *testing.T) (*Puller, *[]string) {
	lines := &[]string{}
	return &Puller{Dir: filepath.Join(t.TempDir(), "models"), Say: func(s string) { *lines = append(*lines, s) }}, lines
}

// checkFolder says whether a folder holds the model and nothing else, or nothing at all.
func checkFolder(t *testing.T, p *Puller, m Model, there bool) {
	t.Helper()
	entries, err := os.ReadDir(p.Dir)
	if err != nil {
		t.Fatal(err)
	}
	state, _ := Verify(p.Dir, m)
	switch {
	case there && (len(entries) != 1 || state != Ready):
		t.Errorf("the folder holds %v, the model is %s, want the model alone", entries, state)
	case !there && len(entries) != 0:
		t.Errorf("the folder holds %v, want nothing", entries)
	}
}

func TestPullTriesTheSourcesInOrder(t *testing.T) {
	weights := []byte("the right weights")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/good" {
			_, _ = w.Write(weights)
			return
		}
		http.NotFound(w, r)
	}))
	defer server.Close()
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "t.onnx"), []byte("the wrong weights"), 0o600); err != nil {
		t.Fatal(err)
	}
	p, lines := puller(t)
	p.Folders = []string{folder}
	m := tiny(weights, Source{Folder: "t.onnx"}, Source{Release: server.URL + "/gone"}, Source{Release: server.URL + "/good"}, Source{Release: server.URL + "/never"})
	path, err := p.Pull(t.Context(), m)
	if err != nil || path != m.File(p.Dir) {
		t.Fatalf("%q, %v", path, err)
	}
	checkFolder(t, p, m, true)
	want := []string{"trying file", "does not match", "trying release", "404", "trying release", "used, verified"}
	if len(*lines) != len(want) {
		t.Fatalf("lines are %q", *lines)
	}
	for i, line := range *lines {
		if !strings.HasPrefix(line, "tiny@2: ") || !strings.Contains(line, want[i]) || strings.Contains(line, "\n") {
			t.Errorf("line %d is %q, want one that says %q", i, line, want[i])
		}
	}
	*lines = nil
	server.Close()
	if _, err := p.Pull(t.Context(), m); err != nil || len(*lines) != 1 || !strings.Contains((*lines)[0], "here already") {
		t.Errorf("second pull: %v, %q", err, *lines)
	}
}

func TestPullMendsWhatIsDamaged(t *testing.T) {
	weights := []byte("the right weights")
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "t.onnx"), weights, 0o600); err != nil {
		t.Fatal(err)
	}
	p, lines := puller(t)
	p.Folders = []string{t.TempDir(), folder}
	m := tiny(weights, Source{Folder: "t.onnx"})
	if err := os.MkdirAll(p.Dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(m.File(p.Dir), []byte("rotten"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Pull(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	checkFolder(t, p, m, true)
	if !strings.Contains((*lines)[0], "fetched again") {
		t.Errorf("lines are %q", *lines)
	}
}

// Whatever a server sends instead of the weights, nothing of it stays.
func TestPullKeepsNothingThatDoesNotMatch(t *testing.T) {
	weights := bytes.Repeat([]byte("right"), 1000)
	answers := map[string]http.HandlerFunc{
		"other bytes": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(bytes.Repeat([]byte("wrong"), 1000)) },
		"too short":   func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(weights[:4000]) },
		"too long":    func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(append(weights, 1)) },
		"without end": func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				if _, err := w.Write(weights); err != nil {
					return
				}
			}
		},
		"cut off": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "5000")
			_, _ = w.Write(weights[:100])
		},
		"refused": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) },
	}
	for name, answer := range answers {
		server := httptest.NewServer(answer)
		p, lines := puller(t)
		m := tiny(weights, Source{Release: server.URL})
		if _, err := p.Pull(t.Context(), m); err == nil {
			t.Errorf("%s: no error", name)
		}
		checkFolder(t, p, m, false)
		if n := len(*lines); n != 2 || !strings.Contains((*lines)[1], "failed: ") {
			t.Errorf("%s: lines are %q", name, *lines)
		}
		server.Close()
	}
}

func TestPullEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	}))
	defer server.Close()
	p, _ := puller(t)
	m := tiny([]byte("x"), Source{Release: server.URL}, Source{Release: server.URL})
	if _, err := p.Pull(ctx, m); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v, want canceled", err)
	}
	checkFolder(t, p, m, false)
}

func TestPullOfWhatIsInTheProgram(t *testing.T) {
	p, lines := puller(t)
	if path, err := p.Pull(t.Context(), tiny(nil, Source{Embedded: "street.onnx"})); err != nil || path != "" {
		t.Errorf("%q, %v, want nothing to do", path, err)
	}
	if len(*lines) != 1 || !strings.Contains((*lines)[0], "part of the program") {
		t.Errorf("lines are %q", *lines)
	}
}

func TestPullWithoutAnySource(t *testing.T) {
	p, _ := puller(t)
	if _, err := p.Pull(t.Context(), tiny([]byte("x"), Source{Folder: "t.onnx"})); err == nil || !strings.Contains(err.Error(), "no local folder") {
		t.Errorf("error is %v", err)
	}
}
