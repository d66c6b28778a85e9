package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"pantau/sidecar"
	"pantau/sidecar/internal/mot"
	"pantau/sidecar/track"
)

// trackCmd is `pantau track`.
type trackCmd struct {
	Det   string  `required:"" help:"Detections: a text file of the MOTChallenge." placeholder:"FILE"`
	Out   string  `help:"Write the tracks here, in the same format." placeholder:"FILE"`
	Truth string  `help:"Rate the tracks by this file of the MOTChallenge." placeholder:"FILE"`
	FPS   float64 `name:"fps" help:"Frames per second. Default: what seqinfo.ini beside the file or above it says."`
	Size  string  `help:"The picture, pixels, such as 1920x1080. Default: what seqinfo.ini says." placeholder:"WxH"`
	High  float64 `help:"Score from which a detection is certain, by the calibration of its detector (0.4 for street)." default:"0.6"`
	Class string  `help:"What the detections are of." default:"person"`
	JSON  bool    `help:"Print the summary as JSON."`
}

// Help is the longer text of --help.
func (trackCmd) Help() string {
	return `Runs the tracker alone over detections that somebody else made, so that anybody can rate it with
the usual tools. A line is frame,id,left,top,width,height,score,…: frames from 1, pixels.

  pantau track --det TUD-Campus/det/det.txt --fps 25 --size 640x480 --out tracks.txt
  pantau track --det det.txt --fps 25 --size 640x480 --truth gt/gt.txt`
}

// trackSummary is what the command says.
type trackSummary struct {
	Frames     int         `json:"frames"`
	Detections int         `json:"detections"`
	Boxes      int         `json:"boxes"`
	Tracks     int         `json:"tracks"`
	Rating     *mot.Rating `json:"rating,omitempty"`
	MOTA       *float64    `json:"mota,omitempty"`
	MOTP       *float64    `json:"motp,omitempty"`
	IDF1       *float64    `json:"idf1,omitempty"`
}

// Run carries out the command.
func (c *trackCmd) Run() error {
	fps, size, err := c.sequence()
	if err != nil {
		return err
	}
	rows, err := readMOT(c.Det, size)
	if err != nil {
		return err
	}
	frames := mot.Frames(rows)
	dets := make([][]sidecar.Detection, len(frames))
	for i, found := range frames {
		for _, r := range found {
			dets[i] = append(dets[i], sidecar.Detection{Class: sidecar.Class(c.Class), Score: min(max(r.Score, 0), 1), Box: r.Box})
		}
	}
	sum := trackSummary{Frames: len(frames), Detections: len(rows)}
	var out []mot.Row
	ids := map[sidecar.TrackID]bool{}
	for i, tracks := range track.Follow(track.Options{Aspect: size.Width / size.Height, High: c.High}, fps, dets) {
		for _, t := range tracks {
			out = append(out, mot.Row{Frame: i + 1, ID: int(t.ID), Box: t.Box, Score: t.Score})
			ids[t.ID] = true
		}
	}
	sum.Boxes, sum.Tracks = len(out), len(ids)
	if c.Out != "" {
		if err := writeMOT(c.Out, out, size); err != nil {
			return err
		}
	}
	if c.Truth != "" {
		if err := sum.rate(c.Truth, out, size); err != nil {
			return err
		}
	}
	if c.JSON {
		return json.NewEncoder(os.Stdout).Encode(sum)
	}
	fmt.Printf("%d frames, %d detections: %d boxes in %d tracks\n", sum.Frames, sum.Detections, sum.Boxes, sum.Tracks)
	if r := sum.Rating; r != nil {
		fmt.Printf("MOTA %.1f %%  IDF1 %.1f %%  MOTP %.1f %%   of %d true boxes: %d missed, %d false, %d identity switches, %d fragments\n",
			100**sum.MOTA, 100**sum.IDF1, 100**sum.MOTP, r.Truth, r.Missed, r.False, r.Switches, r.Fragments)
	}
	return nil
}

// rate compares with the truth; lines with score 0 are not to be counted there.
func (s *trackSummary) rate(path string, tracks []mot.Row, size mot.Size) error {
	rows, err := readMOT(path, size)
	if err != nil {
		return err
	}
	truth := rows[:0]
	for _, r := range rows {
		if r.Score != 0 {
			truth = append(truth, r)
		}
	}
	r := mot.Rate(mot.Frames(truth), mot.Frames(tracks))
	s.Rating, s.MOTA, s.MOTP, s.IDF1 = &r, new(r.MOTA()), new(r.MOTP()), new(r.IDF1())
	return nil
}

// sequence says what the frames are: by flags, or by the seqinfo.ini of the
// MOTChallenge, in the folder of the file or above it.
func (c *trackCmd) sequence() (fps float64, size mot.Size, err error) {
	if _, err := os.Stat(c.Det); err != nil {
		return 0, size, &sidecar.FieldError{Field: "--det", Problem: err.Error(), Remedy: "give a text file of the MOTChallenge, such as det/det.txt"}
	}
	dir := filepath.Dir(c.Det)
	info := map[string]string{}
	for _, at := range []string{dir, filepath.Dir(dir)} {
		if info, err = readINI(filepath.Join(at, "seqinfo.ini")); err == nil {
			break
		}
	}
	fps = c.FPS
	if fps == 0 {
		fps, _ = strconv.ParseFloat(info["framerate"], 64)
	}
	if !(fps > 0 && fps <= 1000) {
		return 0, size, &sidecar.FieldError{Field: "--fps", Problem: "it is not known how many frames a second has", Remedy: "give --fps, such as --fps 25"}
	}
	text := c.Size
	if text == "" {
		text = info["imwidth"] + "x" + info["imheight"]
	}
	if n, err := fmt.Sscanf(text, "%fx%f", &size.Width, &size.Height); n != 2 || err != nil || !(size.Width >= 1 && size.Height >= 1) {
		return 0, size, &sidecar.FieldError{Field: "--size", Problem: "it is not known how large the picture is", Remedy: "give --size, such as --size 1920x1080"}
	}
	return fps, size, nil
}

// readINI reads NAME=VALUE lines, names in lower case.
func readINI(path string) (map[string]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	all := map[string]string{}
	for s := bufio.NewScanner(f); s.Scan(); {
		if name, value, ok := strings.Cut(s.Text(), "="); ok {
			all[strings.ToLower(strings.TrimSpace(name))] = strings.TrimSpace(value)
		}
	}
	return all, nil
}

func readMOT(path string, size mot.Size) ([]mot.Row, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, &sidecar.Fault{Err: err, Hint: "give a text file of the MOTChallenge, such as det/det.txt"}
	}
	defer f.Close()
	return mot.Read(f, path, size)
}

// writeMOT writes a file whole, or not at all.
func writeMOT(path string, rows []mot.Row, size mot.Size) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".tracks-*")
	if err != nil {
		return &sidecar.Fault{Err: fmt.Errorf("writing %s: %w", path, err), Hint: "give a path in a folder that exists and can be written to"}
	}
	defer os.Remove(f.Name()) // where it was not renamed
	if err := errors.Join(mot.Write(f, rows, size), f.Chmod(0o644), f.Close()); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return os.Rename(f.Name(), path)
}
