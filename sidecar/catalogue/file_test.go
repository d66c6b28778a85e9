package catalogue

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"
	"go.uber.org/goleak"

	"pantau/sidecar"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// soon is what a change may take in all; the promise is two seconds.
const soon = 2 * time.Second

// lines is a log that can be read while it is written.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
	c  chan struct{} // told of every line
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case l.c <- struct{}{}:
	default:
	}
	return l.b.Write(p)
}

func (l *lines) wait(t *testing.T, text string) {
	t.Helper()
	deadline := time.After(soon)
	for {
		l.mu.Lock()
		found := strings.Contains(l.b.String(), text)
		l.mu.Unlock()
		if found {
			return
		}
		select {
		case <-l.c:
		case <-deadline:
			t.Fatalf("the log lacks %q:\n%s", text, l.b.String())
		}
	}
}

type fixture struct {
	file *File
	log  *lines
	sets chan []sidecar.Camera
	path string // what is written to
}

// start runs a File over path; its cameras are written to target.
func start(t *testing.T, path, target string) *fixture {
	t.Helper()
	return startWith(t, path, target, fsnotify.NewWatcher)
}

func startWith(t *testing.T, path, target string, newWatcher func() (*fsnotify.Watcher, error)) *fixture {
	t.Helper()
	x := &fixture{log: &lines{c: make(chan struct{}, 100)}, sets: make(chan []sidecar.Camera), path: target}
	x.file = &File{Path: path, Log: slog.New(slog.NewTextHandler(x.log, nil))}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- x.file.run(ctx, x.sets, newWatcher) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return x
}

func yaml(ids ...string) string {
	var b strings.Builder
	b.WriteString("cameras:\n")
	for _, id := range ids {
		fmt.Fprintf(&b, "  - {id: %s, source: {rtsp: \"rtsp://10.0.0.1/%s\"}}\n", id, id)
	}
	return b.String()
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (x *fixture) want(t *testing.T, ids ...string) {
	t.Helper()
	select {
	case set := <-x.sets:
		var got []string
		for _, c := range set {
			got = append(got, c.ID)
		}
		if fmt.Sprint(got) != fmt.Sprint(ids) {
			t.Errorf("got cameras %v, want %v", got, ids)
		}
	case <-time.After(soon):
		t.Fatalf("no set of cameras within %v, want %v", soon, ids)
	}
}

func TestChangesAreSentHoweverTheFileIsWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pantau.yaml")
	write(t, path, yaml("a"))
	x := start(t, path, path)
	x.want(t, "a")

	write(t, path, yaml("a", "b")) // in place
	x.want(t, "a", "b")

	write(t, path+"~", yaml("b")) // as editors do: beside it, then renamed
	if err := os.Rename(path+"~", path); err != nil {
		t.Fatal(err)
	}
	x.want(t, "b")

	if err := os.Rename(path, path+"~"); err != nil { // away, and back as another
		t.Fatal(err)
	}
	x.log.wait(t, "nothing has changed")
	write(t, path, yaml("c"))
	x.want(t, "c")
}

// TestChangesAreSentWithoutNotices: the kernel gives every user only so many
// instances of inotify.
func TestChangesAreSentWithoutNotices(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pantau.yaml")
	write(t, path, yaml("a"))
	x := startWith(t, path, path, func() (*fsnotify.Watcher, error) { return nil, syscall.EMFILE })
	x.log.wait(t, "too many open files")
	x.want(t, "a")
	write(t, path, yaml("a", "b"))
	x.want(t, "a", "b")
}

func TestWrongFileChangesNothingAndSaysWhy(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pantau.yaml")
	write(t, path, yaml("a"))
	x := start(t, path, path)
	x.want(t, "a")

	write(t, path, yaml("a", "b c"))
	x.log.wait(t, "nothing has changed")
	if err := x.file.Err(); err == nil || !strings.Contains(err.Error(), path+":3:10") {
		t.Errorf("got error %v, want the place of the bad id", err)
	}
	write(t, path, "")
	x.log.wait(t, "is empty")
	write(t, path, "node: other\n"+yaml("a"))
	x.log.wait(t, "right again")
	x.log.wait(t, "next start")
	if err := x.file.Err(); err != nil {
		t.Errorf("got error %v after the file was right again", err)
	}
	write(t, path, "")
	x.log.wait(t, "is empty")
	write(t, path, "node: other\n"+yaml("d")) // the one before had the same cameras: it was not sent
	x.want(t, "d")
}

// TestLinksOfKubernetes replaces the folder behind a link, as the mounts of
// Kubernetes' ConfigMaps do.
func TestLinksOfKubernetes(t *testing.T) {
	dir := t.TempDir()
	version := func(name, text string) {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, name, "pantau.yaml"), text)
		if err := os.Symlink(name, filepath.Join(dir, "..data_tmp")); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(filepath.Join(dir, "..data_tmp"), filepath.Join(dir, "..data")); err != nil {
			t.Fatal(err)
		}
	}
	version("..1", yaml("a"))
	path := filepath.Join(dir, "pantau.yaml")
	if err := os.Symlink(filepath.Join("..data", "pantau.yaml"), path); err != nil {
		t.Fatal(err)
	}
	x := start(t, path, path)
	x.want(t, "a")
	version("..2", yaml("a", "b"))
	x.want(t, "a", "b")
	version("..3", yaml("c"))
	x.want(t, "c")
}

func TestWrongFileAtTheStartIsAnError(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pantau.yaml")
	write(t, path, "cameras: 3\n")
	f := &File{Path: path, Log: slog.New(slog.DiscardHandler)}
	if err := f.Run(t.Context(), nil); err == nil || !strings.Contains(err.Error(), path+":1:10") {
		t.Errorf("got %v, want an error with its place", err)
	}
}

// TestEveryStepOfAChangeIsSeen writes many times, without waiting: the last
// state must be the one in force.
func TestEveryStepOfAChangeIsSeen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pantau.yaml")
	write(t, path, yaml("a"))
	x := start(t, path, path)
	x.want(t, "a")
	for i := range 50 {
		write(t, path, yaml(fmt.Sprintf("n%d", i)))
	}
	deadline := time.After(2 * soon)
	for {
		select {
		case set := <-x.sets:
			if set[0].ID == "n49" {
				return
			}
		case <-deadline:
			t.Fatal("the last state was not sent")
		}
	}
}

var _ Discoverer = (*File)(nil)
