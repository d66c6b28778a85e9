package ownredis

import (
	"bytes"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"pantau/sidecar"
)

// ping says whether a server takes commands at the socket. While it reads its
// file it answers -LOADING, which is no yes.
func ping(socket string) bool {
	conn, err := net.Dial("unix", socket)
	if err != nil {
		return false
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(time.Second)); err != nil {
		return false
	}
	if _, err := conn.Write([]byte("PING\r\n")); err != nil {
		return false
	}
	answer := make([]byte, 5)
	n, _ := conn.Read(answer) // no bytes is no answer
	return string(answer[:n]) == "+PONG"
}

// tail keeps the last of what the child said, for the message when it ends.
type tail struct {
	mu   sync.Mutex
	text []byte
}

const tailSize = 4096

// Write keeps the last bytes.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	if over := len(t.text) - tailSize; over > 0 {
		t.text = append(t.text[:0], t.text[over:]...)
	}
	return len(p), nil
}

// remedies are what Redis says when a person must act, and what to do.
var remedies = []struct{ says, hint string }{
	{"Bad file format reading the append only file", "keep a copy of the folder, then run `redis-check-aof --fix` on the file it names"},
	{"No space left on device", "make room on the disk"},
	{"Permission denied", "let this user write to Redis' folder"},
	{"Can't handle RDB format version", "the data were written by a newer Redis: install that one"},
	{"Wrong signature", "the file is not Redis': move it away"},
}

// explain adds what the child said last, and a remedy where one is known.
func (t *tail) explain(err error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, r := range remedies {
		if bytes.Contains(t.text, []byte(r.says)) {
			return &sidecar.Fault{Err: fmt.Errorf("redis-server: %s", lineWith(string(t.text), r.says)), Hint: r.hint}
		}
	}
	lines := strings.Split(strings.TrimSpace(string(t.text)), "\n")
	return fmt.Errorf("redis-server: %w; it said last: %s", err, strings.TrimSpace(lines[len(lines)-1]))
}

func lineWith(text, part string) string {
	for line := range strings.SplitSeq(text, "\n") {
		if strings.Contains(line, part) {
			return strings.TrimSpace(line)
		}
	}
	return part
}
