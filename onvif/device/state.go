package device

import (
	"cmp"
	"crypto/rand"
	"crypto/sha1"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"sync"
)

// state is what must be the same after a restart: a VMS knows a device by its UUID and its
// port, and asks for profiles before the first picture has come.
type state struct {
	path string

	mu   sync.Mutex
	kept kept
}

// kept is the file.
type kept struct {
	Seed    string                `json:"seed"` // of all UUIDs
	Cameras map[string]keptCamera `json:"cameras"`
}

type keptCamera struct {
	Place int              `json:"place,omitempty"` // its port is so many after the one before the first
	Video map[string]Video `json:"video,omitempty"` // by the path of the stream
}

func openState(path string) (*state, error) {
	s := &state{path: path, kept: kept{Cameras: map[string]keptCamera{}}}
	if path != "" {
		text, err := os.ReadFile(path)
		if err == nil {
			err = json.Unmarshal(text, &s.kept)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("reading what ONVIF devices are known by (delete %s to begin anew: every VMS must add them again then): %w", path, err)
		}
	}
	if s.kept.Cameras == nil {
		s.kept.Cameras = map[string]keptCamera{}
	}
	if s.kept.Seed != "" {
		return s, nil
	}
	s.kept.Seed = rand.Text()
	return s, s.save()
}

// save writes the file whole: first beside, then under its name.
func (s *state) save() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.write()
}

// write is save for who holds mu.
func (s *state) write() error {
	if s.path == "" {
		return nil
	}
	text, err := json.MarshalIndent(s.kept, "", " ")
	if err == nil {
		err = os.WriteFile(s.path+".new", append(text, '\n'), 0o600)
	}
	if err == nil {
		err = os.Rename(s.path+".new", s.path)
	}
	if err != nil {
		return fmt.Errorf("keeping what ONVIF devices are known by: %w", err)
	}
	return nil
}

// uuid is that of a camera's device, or of the one of all: by name (RFC 9562, version 5,
// with the seed for the name space).
func (s *state) uuid(camera string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := sha1.Sum([]byte(s.kept.Seed + "\x00" + camera))
	b[6], b[8] = b[6]&0x0f|0x50, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:16])
}

// place is a camera's, from 1; 0 where it has none yet.
func (s *state) place(camera string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.kept.Cameras[camera].Place
}

// taken says whether a place belongs to a camera, be it there now or not.
func (s *state) taken(place int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.kept.Cameras {
		if c.Place == place {
			return true
		}
	}
	return false
}

// keep notes a camera's place.
func (s *state) keep(camera string, place int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.kept.Cameras[camera]
	c.Place = place
	s.kept.Cameras[camera] = c
	return s.write()
}

// fill gives streams whose video is not known what was known of it before, and remembers
// the others. The file is written where the codec or the size is another.
func (s *state) fill(c *Camera) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.kept.Cameras[c.ID]
	video, other := map[string]Video{}, false
	c.Streams = slices.Clone(c.Streams)
	for i := range c.Streams {
		stream := &c.Streams[i]
		if stream.Video.Codec == "" {
			stream.Video = k.Video[stream.Path]
		}
		if stream.Video.Codec != "" {
			was, v := k.Video[stream.Path], stream.Video
			other = other || v.Codec != was.Codec || v.Width != was.Width || v.Height != was.Height
			video[stream.Path] = v
		}
	}
	k.Video = video
	s.kept.Cameras[c.ID] = k
	if other {
		return s.write()
	}
	return nil
}

// sorted orders cameras by their IDs.
func sorted(all []Camera) []Camera {
	slices.SortFunc(all, func(a, b Camera) int { return cmp.Compare(a.ID, b.ID) })
	return all
}
