package catalogue

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"

	"pantau/sidecar"
	"pantau/sidecar/config"
)

const (
	// settle is how long a file must be left alone before it is read: editors
	// write in several steps.
	settle = 100 * time.Millisecond
	// patience bounds the wait for a file that is written to again and again.
	patience = time.Second
	// poll is how often the file is looked at where no notice comes, as on
	// network drives and single files mounted into a container.
	poll = time.Second
)

// File is the Discoverer of a configuration file. A file that has become wrong
// changes nothing, and is said in the log once.
type File struct {
	Path   string
	Checks config.Checks
	Log    *slog.Logger

	writing sync.Mutex // held by Change

	mu  sync.Mutex
	err error
}

// Err is what is wrong with the file as it is now; nil where it is in force.
func (f *File) Err() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}

// Run sends the cameras of the file, and again within two seconds of every
// change. A file that is wrong at the start is an error.
func (f *File) Run(ctx context.Context, sets chan<- []sidecar.Camera) error {
	return f.run(ctx, sets, fsnotify.NewWatcher)
}

func (f *File) run(ctx context.Context, sets chan<- []sidecar.Camera, newWatcher func() (*fsnotify.Watcher, error)) error {
	var n notices
	if watcher, err := newWatcher(); err != nil { // the kernel has only so many to give
		f.Log.Warn("no notice comes of changes of the configuration; it is looked at all the same", "every", poll, "error", err)
	} else {
		n = notices{watcher, watcher.Events, watcher.Errors}
		defer func() { _ = watcher.Close() }()
	}
	r := reader{File: f}
	f.watch(n) // before reading: no change falls between
	cameras, err := r.first()
	if err != nil {
		return err
	}
	for {
		select {
		case sets <- cameras:
		case <-ctx.Done():
			return nil
		}
		cameras, err = f.next(ctx, n, &r)
		if err != nil {
			return nil //nolint:nilerr // ctx has ended
		}
	}
}

// notices come of changes; all is nil where there are none.
type notices struct {
	watcher *fsnotify.Watcher
	events  <-chan fsnotify.Event
	errors  <-chan error
}

// watch looks at the folder of the file, and at that of the file which a link
// names. It is called again and again: a link may point elsewhere by now. Where
// it does not succeed the file is polled.
func (f *File) watch(n notices) {
	if n.watcher == nil {
		return
	}
	folders := []string{filepath.Dir(f.Path)}
	if target, err := filepath.EvalSymlinks(f.Path); err == nil {
		folders = append(folders, filepath.Dir(target))
	}
	for _, old := range n.watcher.WatchList() {
		if !slices.Contains(folders, old) {
			_ = n.watcher.Remove(old)
		}
	}
	for _, folder := range folders {
		_ = n.watcher.Add(folder)
	}
}

// next waits until the file says something new and right.
func (f *File) next(ctx context.Context, n notices, r *reader) ([]sidecar.Camera, error) {
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-n.errors: //nolint:errcheck // notices were lost, whatever the reason: look now
		case <-tick.C:
			if !r.touched() {
				continue
			}
		case <-n.events:
		}
		quiet(ctx, n)
		f.watch(n)
		if cameras, changed := r.again(); changed {
			return cameras, nil
		}
	}
}

// quiet returns when no notice has come for a while.
func quiet(ctx context.Context, n notices) {
	end := time.NewTimer(patience)
	defer end.Stop()
	for {
		rest := time.NewTimer(settle)
		select {
		case <-n.events:
			rest.Stop()
			continue
		case <-rest.C:
		case <-end.C:
		case <-ctx.Done():
		}
		rest.Stop()
		return
	}
}

// reader knows what was read last.
type reader struct {
	*File
	info    os.FileInfo
	data    []byte
	applied *config.Config
}

// first reads the file at the start. The bytes come before what is loaded, so
// that a change between the two is seen later.
func (r *reader) first() ([]sidecar.Camera, error) {
	r.touched()
	r.data, _ = os.ReadFile(r.Path) // Load says what is wrong
	cfg, err := config.Load(r.Path, r.Checks)
	if err != nil {
		return nil, err
	}
	r.applied = cfg
	return cfg.Cameras, nil
}

// touched says whether the file is another one, or written to, since it was
// asked last.
func (r *reader) touched() bool {
	info, err := os.Stat(r.Path)
	if err != nil {
		changed := r.info != nil
		r.info = nil
		return changed
	}
	same := r.info != nil && os.SameFile(info, r.info) && info.ModTime().Equal(r.info.ModTime()) && info.Size() == r.info.Size()
	r.info = info
	return !same
}

// again reads the file. It gives the cameras where they are right and others
// than before.
func (r *reader) again() ([]sidecar.Camera, bool) {
	r.touched()
	data, err := os.ReadFile(r.Path)
	if err != nil {
		r.data = nil
		r.refuse(fmt.Errorf("reading the catalogue: %w", err))
		return nil, false
	}
	if bytes.Equal(data, r.data) {
		return nil, false // as right or as wrong as it was
	}
	r.data = data
	if len(bytes.TrimSpace(data)) == 0 { // more likely half written than meant
		r.refuse(fmt.Errorf("%s is empty", r.Path))
		return nil, false
	}
	cfg, err := config.Parse(r.Path, data, r.Checks)
	if err != nil {
		r.refuse(err)
		return nil, false
	}
	return r.accept(cfg)
}

// refuse remembers what is wrong, and says it once.
func (r *reader) refuse(err error) {
	if old := r.set(err); old == nil || old.Error() != err.Error() {
		r.Log.Error("the configuration is wrong; nothing has changed", "error", err)
	}
}

// accept puts a right file in force.
func (r *reader) accept(cfg *config.Config) ([]sidecar.Camera, bool) {
	if r.set(nil) != nil {
		r.Log.Info("the configuration is right again")
	}
	before, after := *r.applied, *cfg
	before.Cameras, after.Cameras = nil, nil
	if !reflect.DeepEqual(before, after) {
		r.Log.Warn("settings besides the cameras have changed; they are read at the next start")
	}
	changed := !reflect.DeepEqual(r.applied.Cameras, cfg.Cameras)
	r.applied = cfg
	return cfg.Cameras, changed
}

// set replaces what Err says, and gives what it said before.
func (f *File) set(err error) (old error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	old, f.err = f.err, err
	return old
}
