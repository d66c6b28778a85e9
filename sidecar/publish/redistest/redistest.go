// Package redistest starts real Redis servers for tests, each on a Unix socket
// of its own with an append-only file.
package redistest

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// Start starts a server that ends with the test, and gives the path of its socket.
func Start(tb testing.TB) (addr string) {
	tb.Helper()
	s := New(tb)
	s.Start()
	return s.Addr
}

// Server is a Redis server that a test can kill and start again; its data stay.
type Server struct {
	Addr string   // path of the socket
	Args []string // further arguments, such as "--maxmemory", "1mb"; they hold from the next Start

	tb  testing.TB
	dir string
	cmd *exec.Cmd
	out bytes.Buffer
}

// New makes a server that does not run yet. It is stopped with the test.
func New(tb testing.TB) *Server {
	tb.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		tb.Fatal("redis-server is not installed: run `apt-get install redis-server`")
	}
	dir, err := os.MkdirTemp("", "redis") // the test's own folder can be too long for a socket
	if err != nil {
		tb.Fatal(err)
	}
	s := &Server{Addr: filepath.Join(dir, "redis.sock"), tb: tb, dir: dir}
	tb.Cleanup(func() {
		s.Kill()
		if err := os.RemoveAll(dir); err != nil {
			tb.Error(err)
		}
	})
	return s
}

// Start starts the server and returns when it answers.
func (s *Server) Start() {
	s.tb.Helper()
	args := append([]string{"--port", "0", "--unixsocket", s.Addr, "--unixsocketperm", "700", "--dir", s.dir,
		"--appendonly", "yes", "--appendfsync", "everysec", "--save", "", "--maxmemory-policy", "noeviction"}, s.Args...)
	s.run(args...)
}

// StartSentinel starts the server as a Sentinel on a TCP port, alone to decide
// that the named primary is gone, and quick to do so.
func (s *Server) StartSentinel(port, name, host, primaryPort string) {
	s.tb.Helper()
	file := filepath.Join(s.dir, "sentinel.conf")
	text := fmt.Sprintf("port %s\nbind 127.0.0.1\nunixsocket %s\ndir %s\nsentinel monitor %s %s %s 1\n"+
		"sentinel down-after-milliseconds %s 300\nsentinel failover-timeout %s 2000\n", port, s.Addr, s.dir, name, host, primaryPort, name, name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		s.tb.Fatal(err)
	}
	s.run(file, "--sentinel")
}

func (s *Server) run(args ...string) {
	s.tb.Helper()
	s.out.Reset()
	s.cmd = exec.Command("redis-server", args...)
	s.cmd.Stdout, s.cmd.Stderr = &s.out, &s.out
	if err := s.cmd.Start(); err != nil {
		s.tb.Fatal(err)
	}
	for deadline := time.Now().Add(20 * time.Second); !s.answers(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.Kill()
			s.tb.Fatalf("redis-server does not answer: %s", s.out.String())
		}
	}
}

// Kill ends the server with SIGKILL, if it runs.
func (s *Server) Kill() {
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Kill() // it may have ended by itself
	_ = s.cmd.Wait()         // says "signal: killed"
	s.cmd = nil
}

// answers says whether the server takes commands; one that wants a password does too.
func (s *Server) answers() bool {
	conn, err := net.Dial("unix", s.Addr)
	if err != nil {
		return false
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(time.Second)); err != nil {
		return false
	}
	answer := make([]byte, 64)
	if _, err := conn.Write([]byte("PING\r\n")); err != nil {
		return false
	}
	n, _ := conn.Read(answer) // no bytes is no answer
	return bytes.HasPrefix(answer[:n], []byte("+PONG")) || bytes.HasPrefix(answer[:n], []byte("-NOAUTH"))
}
