package audit

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"pantau/sidecar"
)

// How much audits may take of the machine, all cameras together.
const (
	mostAtOnce = 4       // recordings: each keeps its newest pictures in memory, and codes films at its end
	mostBytes  = 8 << 30 // of pictures on disk; a line with the usual order takes up to 0.3 GB until its films are made
)

// cameras lists those of which there is an audit.
func (f Folder) cameras() (all []string, err error) {
	folders, err := os.ReadDir(string(f))
	for _, d := range folders {
		all = append(all, d.Name())
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return all, err
}

// room refuses one more recording where there are many.
func (f Folder) room(camera string) error {
	all, err := f.cameras()
	if err != nil {
		return err
	}
	atWork := slices.DeleteFunc(all, func(c string) bool { return c == camera || !f.works(c) })
	if len(atWork) >= mostAtOnce {
		return &sidecar.Fault{Err: fmt.Errorf("%d cameras are being recorded for audits already", len(atWork)),
			Hint: "wait for one of them, or give it up: " + strings.Join(atWork, ", ")}
	}
	return f.fits(0)
}

// works says whether a camera's recording is ordered, and neither finished nor failed.
// What cannot be read is not carried out.
func (f Folder) works(camera string) bool {
	_, ordered, wrong := f.Order(camera)
	_, finished, _ := f.Record(camera)
	p, _, _ := f.Progress(camera)
	return ordered && wrong == nil && !finished && p.State != Failed
}

// fits refuses more bytes of pictures where there are many.
func (f Folder) fits(more int64) error {
	used, err := f.used()
	if err == nil && used+more >= mostBytes {
		err = &sidecar.Fault{Err: fmt.Errorf("the pictures of all audits take %.1f of %d GiB", float64(used)/(1<<30), mostBytes>>30),
			Hint: "tally the recordings that wait, or give them up; a recording with fewer crossings and windows takes less"}
	}
	return err
}

// used is how many bytes the pictures of all cameras take.
func (f Folder) used() (sum int64, err error) {
	all, err := f.cameras()
	for _, c := range all {
		paths := []string{f.Page(c)}
		strips, _ := os.ReadDir(f.strips(c)) // most cameras have none
		for _, s := range strips {
			paths = append(paths, filepath.Join(f.strips(c), s.Name()))
		}
		for _, path := range paths {
			if info, err := os.Stat(path); err == nil { // it may go meanwhile
				sum += info.Size()
			}
		}
	}
	return sum, err
}
