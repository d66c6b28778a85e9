package catalogue

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"pantau/sidecar"
	"pantau/sidecar/config"
)

// ErrChanged says that somebody else has written to the file meanwhile.
var ErrChanged error = &sidecar.Fault{Err: errors.New("somebody has changed the file meanwhile"), Hint: "look at it again, and then try again"}

// backups is how many earlier files are kept beside the file, the newest ones.
const backups = 10

// Change gives a camera other functions: those that change makes of what the file says
// now. The file is checked as a whole before it is written, replaced at once, and the one
// before is kept beside it, FILE.DATE.bak. Errors are those of change, those of
// config.Edit, ErrChanged, and a *sidecar.Fault where the file cannot be written.
func (f *File) Change(camera string, change func([]sidecar.Function) ([]sidecar.Function, error)) error {
	f.writing.Lock()
	defer f.writing.Unlock()
	info, err := rested(f.Path)
	if err != nil {
		return err
	}
	data, err := os.ReadFile(f.Path)
	if err != nil {
		return fmt.Errorf("reading the catalogue: %w", err)
	}
	text, err := config.Edit(f.Path, data, camera, change, f.Checks)
	if err != nil || bytes.Equal(text, data) {
		return err
	}
	if err := replace(f.Path, info, data, text); err != nil {
		return err
	}
	if err := syncFolder(f.Path); err != nil { // it is written all the same
		f.Log.Warn("the configuration was changed; a loss of power now may undo that", "file", f.Path, "error", err)
	}
	return nil
}

// rested gives a file as it is when nobody has written to it for a while: what is half
// written is not changed. One that is written to again and again is ErrChanged.
func rested(path string) (fs.FileInfo, error) {
	for end := time.Now().Add(patience); ; {
		info, err := os.Stat(path)
		if err != nil {
			return nil, fmt.Errorf("reading the catalogue: %w", err)
		}
		age := time.Since(info.ModTime())
		switch {
		case age >= settle, age < 0: // a date to come says nothing
			return info, nil
		case time.Now().After(end):
			return nil, ErrChanged
		}
		time.Sleep(settle - age)
	}
}

// still says whether a file is the one that was looked at, and holds what it held then.
func still(path string, info fs.FileInfo, text []byte) bool {
	data, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(data, text) {
		return false
	}
	now, err := os.Stat(path)
	return err == nil && os.SameFile(now, info) && now.ModTime().Equal(info.ModTime())
}

// replace puts a text in the place of what a file holds, if it still is as it was.
func replace(path string, info fs.FileInfo, before, after []byte) error {
	target, err := filepath.EvalSymlinks(path) // a link stays one
	if err == nil {
		target, err = filepath.Abs(target)
	}
	if err != nil {
		return fmt.Errorf("finding the catalogue: %w", err)
	}
	if info.Mode().Perm()&0o222 == 0 {
		return unwritable(target, fs.ErrPermission)
	}
	acl, err := aclOf(target)
	if err != nil {
		return unwritable(target, err)
	}
	fresh, err := beside(target, ".new", info, info.Mode().Perm(), acl, after)
	if err != nil {
		return err
	}
	defer os.Remove(fresh) // gone where it was renamed
	if !still(target, info, before) {
		return ErrChanged
	}
	if err := keep(target, info, before); err != nil { // takes a while on a slow disk
		return err
	}
	if !still(target, info, before) { // nothing between this and the renaming
		return ErrChanged
	}
	if err := os.Rename(fresh, target); err != nil {
		return unwritable(target, err)
	}
	return nil
}

// beside writes a file whole beside another, with its owner, a mode and an access list, and
// gives its path.
func beside(target, ending string, info fs.FileInfo, mode fs.FileMode, acl, text []byte) (string, error) {
	f, err := os.CreateTemp(filepath.Dir(target), filepath.Base(target)+".*"+ending)
	if err != nil {
		return "", unwritable(target, err)
	}
	path := f.Name()
	_, err = f.Write(text)
	if err == nil {
		err = f.Chmod(mode)
	}
	if err == nil {
		err = setACL(f, acl)
	}
	if owner, ok := info.Sys().(*syscall.Stat_t); ok && err == nil {
		err = owned(f, int(owner.Uid), int(owner.Gid))
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		_ = os.Remove(path)
		return "", unwritable(target, err)
	}
	return path, nil
}

// owned gives a file to the owner that it should have, where it has another.
func owned(f *os.File, uid, gid int) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if is, ok := info.Sys().(*syscall.Stat_t); ok && int(is.Uid) == uid && int(is.Gid) == gid {
		return nil
	}
	return f.Chown(uid, gid)
}

// posixACL is the attribute in which Linux holds a file's POSIX access list (acl(5)).
const posixACL = "system.posix_acl_access"

// aclOf is a file's access list; none where it has but a mode.
func aclOf(path string) ([]byte, error) {
	acl := make([]byte, 64<<10) // as long as an attribute can be
	n, err := unix.Getxattr(path, posixACL, acl)
	switch {
	case errors.Is(err, unix.ENODATA), errors.Is(err, unix.ENOTSUP):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("reading its access list: %w", err)
	}
	return acl[:n], nil
}

// setACL gives a file an access list; none takes that away which it has from its folder.
func setACL(f *os.File, acl []byte) error {
	var err error
	if len(acl) > 0 {
		err = unix.Fsetxattr(int(f.Fd()), posixACL, acl, 0)
	} else if err = unix.Fremovexattr(int(f.Fd()), posixACL); errors.Is(err, unix.ENODATA) || errors.Is(err, unix.ENOTSUP) {
		err = nil
	}
	if err != nil {
		return fmt.Errorf("keeping its access list: %w", err)
	}
	return nil
}

// unwritable is why a file cannot be replaced, with what to do about it.
func unwritable(target string, err error) error {
	hint := "look at the disk: is there room?"
	switch {
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		hint = fmt.Sprintf("let this process' user write %s and create files in %s (of a systemd unit, ReadWritePaths names folders), or change the file by hand", target, filepath.Dir(target))
	case errors.Is(err, syscall.EBUSY):
		hint = "it is mounted as a single file, which nothing can replace: mount its folder, or change the file by hand"
	}
	return &sidecar.Fault{Err: fmt.Errorf("writing %s: %w", target, err), Hint: hint}
}

// dated is how the time of a backup is written: it sorts, and is no trouble to a shell.
const dated = "2006-01-02T15-04-05.000"

// keep writes what a file held beside it, for its owner alone, and removes the oldest of
// such files.
func keep(target string, info fs.FileInfo, text []byte) error {
	path, err := beside(target, ".old", info, info.Mode().Perm()&0o600, nil, text)
	if err != nil {
		return err
	}
	if err := os.Rename(path, target+"."+time.Now().UTC().Format(dated)+".bak"); err != nil {
		_ = os.Remove(path)
		return unwritable(target, err)
	}
	all := kept(target)
	for _, old := range all[:max(0, len(all)-backups)] {
		if err := os.Remove(old); err != nil {
			return unwritable(target, err)
		}
	}
	return nil
}

// kept are the backups of a file, the oldest first.
func kept(target string) []string {
	entries, _ := os.ReadDir(filepath.Dir(target)) // sorted by name
	var all []string
	for _, e := range entries {
		rest, ours := strings.CutPrefix(e.Name(), filepath.Base(target)+".")
		date, ends := strings.CutSuffix(rest, ".bak")
		if _, err := time.Parse(dated, date); ours && ends && err == nil {
			all = append(all, filepath.Join(filepath.Dir(target), e.Name()))
		}
	}
	return all
}

// syncFolder makes the renaming of a file last, in the folder to which a link leads.
func syncFolder(path string) error {
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		return fmt.Errorf("making the change last: %w", err)
	}
	d, err := os.Open(filepath.Dir(target))
	if err != nil {
		return fmt.Errorf("making the change last: %w", err)
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) { // some file systems cannot
		return fmt.Errorf("making the change last: %w", err)
	}
	return nil
}
