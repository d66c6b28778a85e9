package models

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"pantau/sidecar"
)

// Puller gets models into a folder.
type Puller struct {
	Dir     string       // where the models go
	Folders []string     // the user's own folders, looked into for sources of kind folder
	Client  *http.Client // for releases
	Say     func(string) // takes one line for each thing that is tried, and how it went
}

// Pull makes sure that a model stands in Dir, whole and verified, and gives its
// path; a model that is in the program itself has none. It tries the sources in order. If none has it, the error is a
// *sidecar.Fault that says why for each, in one line.
func (p *Puller) Pull(ctx context.Context, m Model) (string, error) {
	if m.embedded() != "" {
		p.say(m, "part of the program")
		return "", nil
	}
	file := m.File(p.Dir)
	_, err := read(file, m.Size, m.SHA256)
	if err == nil {
		p.say(m, "here already, verified: %s", file)
		return file, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		p.say(m, "what is here cannot be used and is fetched again: %v", err)
	}
	if err := os.MkdirAll(p.Dir, 0o755); err != nil {
		return "", fmt.Errorf("pulling model %s: %w", m.ID(), err)
	}
	var failed []string
	for _, s := range m.Sources {
		err := p.try(ctx, m, s)
		if err == nil {
			return file, nil
		}
		if ctx.Err() != nil {
			return "", fmt.Errorf("pulling model %s: %w", m.ID(), ctx.Err())
		}
		failed = append(failed, err.Error())
	}
	return "", &sidecar.Fault{
		Err:  fmt.Errorf("pulling model %s: no source has it (%s)", m.ID(), strings.Join(failed, "; ")),
		Hint: "connect this machine, or put the file into a folder and name it with --models",
	}
}

func (p *Puller) say(m Model, format string, args ...any) {
	if p.Say != nil {
		p.Say(m.ID() + ": " + fmt.Sprintf(format, args...))
	}
}

// try gets a model from one source, and says how it went.
func (p *Puller) try(ctx context.Context, m Model, s Source) error {
	if s.Folder != "" {
		return p.tryFolders(m, s)
	}
	from := "release " + s.Release
	p.say(m, "trying %s", from)
	if err := p.install(m, func(w io.Writer) error { return p.download(ctx, w, s.Release, m.Size) }); err != nil {
		p.say(m, "failed: %v", err)
		return fmt.Errorf("%s: %w", from, err)
	}
	p.say(m, "used, verified: %s", from)
	return nil
}

// tryFolders looks into the user's folders.
func (p *Puller) tryFolders(m Model, s Source) error {
	if len(p.Folders) == 0 {
		return errors.New("no local folder was given")
	}
	var failed []string
	for _, folder := range p.Folders {
		path := filepath.Join(folder, s.Folder)
		p.say(m, "trying file %s", path)
		err := p.install(m, func(w io.Writer) error { return copyFile(w, path) })
		if err == nil {
			p.say(m, "used, verified: file %s", path)
			return nil
		}
		p.say(m, "failed: %v", err)
		failed = append(failed, err.Error())
	}
	return errors.New(strings.Join(failed, "; "))
}

func copyFile(w io.Writer, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(w, f)
	return err
}

// install writes a model into a file beside its place, and moves it there only
// if it is what the manifest promises.
func (p *Puller) install(m Model, write func(io.Writer) error) (err error) {
	tmp, err := os.CreateTemp(p.Dir, "."+m.Name+"-*.part")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, tmp.Close(), os.Remove(tmp.Name()))
		}
	}()
	check := &checker{w: tmp, left: m.Size, sum: sha256.New()}
	if err := write(check); err != nil {
		return err
	}
	if err := check.match(m.SHA256); err != nil {
		return err
	}
	if err := errors.Join(tmp.Chmod(0o644), tmp.Sync()); err != nil {
		return err
	}
	if err := os.Rename(tmp.Name(), m.File(p.Dir)); err != nil {
		return err
	}
	return tmp.Close()
}

// checker passes bytes on, counts and hashes them. It refuses more than it was
// promised, so that a source cannot fill the disk.
type checker struct {
	w    io.Writer
	left int64
	sum  interface {
		io.Writer
		Sum([]byte) []byte
	}
}

// Write implements io.Writer.
func (c *checker) Write(b []byte) (int, error) {
	if c.left -= int64(len(b)); c.left < 0 {
		return 0, fmt.Errorf("%w: too long", errDamaged)
	}
	_, _ = c.sum.Write(b) // a hash takes everything
	return c.w.Write(b)
}

// match says whether all bytes have come, and are the right ones.
func (c *checker) match(hash string) error {
	if c.left != 0 {
		return fmt.Errorf("%w: %d bytes are missing", errDamaged, c.left)
	}
	if sum := c.sum.Sum(nil); hex.EncodeToString(sum) != hash {
		return fmt.Errorf("%w: SHA-256 is %x", errDamaged, sum[:6])
	}
	return nil
}

// download gets a release.
func (p *Puller) download(ctx context.Context, w io.Writer, address string, size int64) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	client := p.Client
	if client == nil {
		client = http.DefaultClient
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the server answers %s", resp.Status)
	}
	if n := resp.ContentLength; n >= 0 && n != size {
		return fmt.Errorf("%w: %d bytes are offered, want %d", errDamaged, n, size)
	}
	_, err = io.Copy(w, resp.Body)
	return err
}
