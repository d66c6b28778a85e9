package live

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// wish is what a viewer wants to watch.
type wish struct {
	has     position
	codec   string // of RFC 6381, its first part: avc1; empty: the camera's own
	blurred bool   // the viewer may see nothing else
}

// parseWish reads the query of a view.
func parseWish(q url.Values) (w wish, err error) {
	if w.codec = q.Get("codec"); w.codec != "" && w.codec != "avc1" {
		return wish{}, fmt.Errorf("codec: %q is not given here; ask for avc1, or leave it out for the camera's own", w.codec)
	}
	w.has, err = parseAfter(q.Get("after"))
	return w, err
}

// position is the newest picture that a returning page has.
type position struct {
	epoch string
	pts   int64
}

const maxAfter = 128 // bytes

// parseAfter reads the value of the query's "after": EPOCH:PTS. Empty is a page
// that has nothing.
func parseAfter(text string) (position, error) {
	if text == "" {
		return position{}, nil
	}
	if len(text) <= maxAfter {
		if at := strings.LastIndexByte(text, ':'); at > 0 {
			if pts, err := strconv.ParseInt(text[at+1:], 10, 64); err == nil {
				return position{text[:at], pts}, nil
			}
		}
	}
	return position{}, errors.New("after: not EPOCH:PTS; send the epoch of the newest hello and the PTS of the newest picture, or leave it out")
}
