package live

import (
	"errors"
	"strconv"
	"strings"
)

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
