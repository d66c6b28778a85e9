package publish_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pantau/sidecar"
	"pantau/sidecar/publish"
)

func readLines(tb testing.TB, path string) []string {
	tb.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
}

func TestSameFactsGiveTheSameBytes(t *testing.T) {
	var files [2]string
	for i := range files {
		path := filepath.Join(t.TempDir(), "out.jsonl")
		p, stop := running(t, publish.Options{Node: "analyse", JSONL: &publish.JSONL{Path: path, Frames: true}})
		for n := range 50 {
			p.Scene(scene("a", uint64(n+1)))
			if err := p.Facts(t.Context(), []sidecar.Event{crossing("a", n)}, []sidecar.Count{minute("a", n)}); err != nil {
				t.Fatal(err)
			}
		}
		stop()
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		files[i] = string(text)
	}
	if files[0] != files[1] {
		t.Error("two runs gave different files")
	}
	if got := strings.Count(files[0], "\n"); got != 150 {
		t.Errorf("got %d lines, want 150: no scene is dropped", got)
	}
}

func TestFileGoesOnWhereItIsToldTo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.jsonl")
	for n, appends := range []bool{false, true, false} {
		p, stop := running(t, publish.Options{JSONL: &publish.JSONL{Path: path, Append: appends}})
		p.Scene(scene("a", 1))
		if err := p.Facts(t.Context(), []sidecar.Event{crossing("a", n)}, nil); err != nil {
			t.Fatal(err)
		}
		stop()
		if got, want := len(readLines(t, path)), []int{1, 2, 1}[n]; got != want {
			t.Errorf("run %d: got %d lines, want %d", n, got, want)
		}
	}
}

func TestFileOnAFullDiskIsAFault(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("no /dev/full here")
	}
	p, err := publish.New(t.Context(), publish.Options{JSONL: &publish.JSONL{Path: "/dev/full"}})
	if err != nil {
		t.Fatal(err)
	}
	var fault *sidecar.Fault
	if err := p.Facts(t.Context(), []sidecar.Event{crossing("a", 1)}, nil); !errors.As(err, &fault) || fault.Hint == "" {
		t.Errorf("got %v, want a fault with a hint", err)
	}
	ctx := closed(t)
	if err := p.Run(ctx); !errors.As(err, &fault) {
		t.Errorf("got %v at the end, want a fault", err)
	}
}

func TestFileInAFolderThatIsNotThereIsAFault(t *testing.T) {
	_, err := publish.New(t.Context(), publish.Options{JSONL: &publish.JSONL{Path: filepath.Join(t.TempDir(), "no", "out.jsonl")}})
	var fault *sidecar.Fault
	if !errors.As(err, &fault) || fault.Hint == "" {
		t.Errorf("got %v, want a fault with a hint", err)
	}
}
