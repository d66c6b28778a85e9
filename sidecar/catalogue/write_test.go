package catalogue

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"pantau/sidecar"
	"pantau/sidecar/config"
)

const commented = "# ours\ncameras:\n  - id: a\n    source: {rtsp: 'rtsp://h/a'}\n    functions:   # by hand\n      - {id: l, kind: line}\n  - {id: b, source: {rtsp: 'rtsp://h/b'}}   # the second\n"

// adds is a change: one function more.
func adds(id string) func([]sidecar.Function) ([]sidecar.Function, error) {
	return func(all []sidecar.Function) ([]sidecar.Function, error) {
		return append(all, sidecar.Function{ID: id, Kind: "zone"}), nil
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestAChangeIsWrittenAndTakenOver through a link, which stays one; mode and owner stay,
// and what was before is beside it.
func TestAChangeIsWrittenAndTakenOver(t *testing.T) {
	folder := t.TempDir()
	target, path := filepath.Join(folder, "real.yaml"), filepath.Join(folder, "pantau.yaml")
	if err := errors.Join(os.WriteFile(target, []byte(commented), 0o600), os.Chmod(target, 0o640), os.Symlink("real.yaml", path)); err != nil {
		t.Fatal(err)
	}
	x := start(t, path, target)
	x.want(t, "a", "b")
	if err := x.file.Change("a", adds("z")); err != nil {
		t.Fatal(err)
	}
	set := <-x.sets
	if len(set) != 2 || len(set[0].Functions) != 2 || set[0].Functions[1].ID != "z" {
		t.Errorf("taken over: %+v", set)
	}
	want := strings.Replace(commented, "kind: line}\n", "kind: line}\n      - {id: z, kind: zone}\n", 1)
	if got := read(t, target); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	info, err := os.Lstat(path)
	if err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is one no more: %v, %v", info, err)
	}
	info, err = os.Stat(target)
	if err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("got %v, %v", info, err)
	}
	old := kept(target)
	if len(old) != 1 || read(t, old[0]) != commented {
		t.Fatalf("before: %v", old)
	}
	if info, err := os.Stat(old[0]); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("before: %v, %v", info, err)
	}
	if left, _ := filepath.Glob(filepath.Join(folder, "*.new")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestOwnersStay needs root, as only root gives files away.
func TestOwnersStay(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can give a file to somebody else")
	}
	path := filepath.Join(t.TempDir(), "f.yaml")
	write(t, path, commented)
	if err := os.Chown(path, 12345, 23456); err != nil {
		t.Skip(err) // a container without that right
	}
	f := &File{Path: path}
	if err := f.Change("a", adds("z")); err != nil {
		t.Fatal(err)
	}
	for _, p := range append(kept(path), path) {
		info, err := os.Stat(p)
		if err != nil {
			t.Fatal(err)
		}
		if is, ok := info.Sys().(*syscall.Stat_t); ok && (is.Uid != 12345 || is.Gid != 23456) {
			t.Errorf("%s belongs to %d:%d", p, is.Uid, is.Gid)
		}
	}
}

// TestAccessListsStay: who may read the file by one still may, and nobody by that of the
// folder; backups are for the owner alone.
func TestAccessListsStay(t *testing.T) {
	entry := func(tag, perm uint16, id uint32) []byte { // linux/posix_acl_xattr.h
		return binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint16(binary.LittleEndian.AppendUint16(nil, tag), perm), id)
	}
	const none = 0xffffffff
	list := slices.Concat([]byte{2, 0, 0, 0}, entry(0x01, 6, none), entry(0x02, 4, 12345), entry(0x04, 0, none), entry(0x10, 4, none), entry(0x20, 0, none))
	for name, want := range map[string][]byte{"of the file": list, "of the folder": nil} {
		folder := t.TempDir()
		path := filepath.Join(folder, "f.yaml")
		write(t, path, commented)
		on, attribute := path, posixACL
		if want == nil {
			on, attribute = folder, "system.posix_acl_default"
		}
		if err := unix.Setxattr(on, attribute, list, 0); err != nil {
			t.Skip("no access lists here: ", err)
		}
		if err := (&File{Path: path}).Change("a", adds("z")); err != nil {
			t.Fatal(err)
		}
		if got, err := aclOf(path); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: got %v, %v, want %v", name, got, err, want)
		}
		old := kept(path)
		if len(old) != 1 {
			t.Fatalf("%s: kept: %v", name, old)
		}
		info, err := os.Stat(old[0])
		acl, aclErr := aclOf(old[0])
		if err != nil || aclErr != nil || info.Mode().Perm() != 0o600 || len(acl) > 0 {
			t.Errorf("%s: the backup has %v, %v, %v, %v", name, info, acl, err, aclErr)
		}
	}
}

// TestWhatIsWrittenIsNoError: the folder cannot be read, and so not be synced.
func TestWhatIsWrittenIsNoError(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root reads every folder")
	}
	folder := t.TempDir()
	path := filepath.Join(folder, "f.yaml")
	write(t, path, commented)
	if err := os.Chmod(folder, 0o300); err != nil {
		t.Fatal(err)
	}
	defer os.Chmod(folder, 0o700) //nolint:errcheck // for the test's own clearing
	var log strings.Builder
	f := &File{Path: path, Log: slog.New(slog.NewTextHandler(&log, nil))}
	if err := f.Change("a", adds("z")); err != nil || !strings.Contains(read(t, path), "id: z") || !strings.Contains(log.String(), "loss of power") {
		t.Errorf("got %v, log %s", err, log.String())
	}
}

// TestChangesInTurn: none is lost, and as many files as are kept are the newest.
func TestChangesInTurn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f.yaml")
	write(t, path, commented)
	f := &File{Path: path}
	var changing sync.WaitGroup
	for i := range backups + 3 {
		changing.Go(func() {
			if err := f.Change("a", adds(fmt.Sprintf("z%d", i))); err != nil {
				t.Error(err)
			}
		})
	}
	changing.Wait()
	if got := strings.Count(read(t, path), "kind: zone"); got != backups+3 {
		t.Errorf("%d zones are there:\n%s", got, read(t, path))
	}
	old := kept(path)
	if len(old) == 0 || len(old) > backups || strings.Count(read(t, old[len(old)-1]), "kind: zone") != backups+2 {
		t.Errorf("kept: %v", old)
	}
}

// TestWhatIsRefusedChangesNothing whatever the reason, and says which.
func TestWhatIsRefusedChangesNothing(t *testing.T) {
	nothing := errors.New("not wanted")
	wrong := &sidecar.FieldError{Field: "kind", Problem: "unknown kind", Remedy: "use zone"}
	for _, c := range []struct {
		name, text, camera string
		prepare            func(path string) error
		change             func([]sidecar.Function) ([]sidecar.Function, error)
		want               string
	}{
		{"not wanted", commented, "a", nil, func([]sidecar.Function) ([]sidecar.Function, error) { return nil, nothing }, "not wanted"},
		{"a wrong function", commented, "a", nil, adds("sonar"), "functions[1].kind: unknown kind; use zone"},
		{"a wrong file", commented + "nod: x\n", "a", nil, adds("z"), ":8:1: unknown key"},
		{"no such camera", commented, "c", nil, adds("z"), `no camera "c"`},
		{"read only", commented, "a", func(path string) error { return os.Chmod(path, 0o400) }, adds("z"), "let this process' user write"},
	} {
		t.Run(c.name, func(t *testing.T) {
			folder := t.TempDir()
			path := filepath.Join(folder, "f.yaml")
			write(t, path, c.text)
			if c.prepare != nil {
				if err := c.prepare(path); err != nil {
					t.Fatal(err)
				}
			}
			f := &File{Path: path, Checks: config.Checks{Function: func(f sidecar.Function) error {
				if f.ID == "sonar" {
					return wrong
				}
				return nil
			}}}
			err := f.Change(c.camera, c.change)
			if err == nil || !strings.Contains(err.Error(), c.want) || read(t, path) != c.text {
				t.Errorf("got %v", err)
			}
			if files, _ := os.ReadDir(folder); len(files) != 1 {
				t.Errorf("left behind: %v", files)
			}
		})
	}
}

// TestWhoComesInBetweenIsNotWrittenOver: somebody saves the file while it is changed.
func TestWhoComesInBetweenIsNotWrittenOver(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f.yaml")
	write(t, path, commented)
	f := &File{Path: path}
	err := f.Change("a", func(all []sidecar.Function) ([]sidecar.Function, error) {
		write(t, path, commented+"# saved\n")
		return adds("z")(all)
	})
	if !errors.Is(err, ErrChanged) || read(t, path) != commented+"# saved\n" {
		t.Errorf("got %v\n%s", err, read(t, path))
	}
	if old := kept(path); len(old) != 0 {
		t.Errorf("kept: %v", old)
	}
}

// TestASaveOfTheSameTextIsASave: another file in its place, or the same one written again.
func TestASaveOfTheSameTextIsASave(t *testing.T) {
	for name, save := range map[string]func(path string) error{
		"renamed": func(path string) error {
			return errors.Join(os.WriteFile(path+"~", []byte(commented), 0o600), os.Rename(path+"~", path))
		},
		"written": func(path string) error { return os.Chtimes(path, time.Time{}, time.Now()) },
	} {
		path := filepath.Join(t.TempDir(), "f.yaml")
		write(t, path, commented)
		err := (&File{Path: path}).Change("a", func(all []sidecar.Function) ([]sidecar.Function, error) {
			if err := save(path); err != nil {
				t.Fatal(err)
			}
			return adds("z")(all)
		})
		if !errors.Is(err, ErrChanged) || read(t, path) != commented {
			t.Errorf("%s: got %v\n%s", name, err, read(t, path))
		}
	}
}

// TestAFileIsLeftAloneFirst: one that was just written may be half written.
func TestAFileIsLeftAloneFirst(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f.yaml")
	for name, at := range map[string]time.Duration{"now": 0, "long ago": -time.Hour, "in a time to come": time.Hour} {
		write(t, path, commented)
		if err := os.Chtimes(path, time.Time{}, time.Now().Add(at)); err != nil {
			t.Fatal(err)
		}
		info, err := rested(path)
		if err != nil || at == 0 && time.Since(info.ModTime()) < settle {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, err := rested(path + "x"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

// TestAFolderThatCannotBeWritten as of a read-only mount.
func TestAFolderThatCannotBeWritten(t *testing.T) {
	for err, want := range map[error]string{syscall.EROFS: "ReadWritePaths", syscall.EBUSY: "mount its folder", syscall.ENOSPC: "room"} {
		if got := unwritable("/etc/pantau/pantau.yaml", &os.PathError{Op: "rename", Path: "x", Err: err}); !strings.Contains(got.Error(), want) {
			t.Errorf("got %v, want %q", got, want)
		}
	}
}
