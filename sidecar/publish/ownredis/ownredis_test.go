package ownredis

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"pantau/sidecar"
)

// asSidecar makes the test binary a process that owns a Redis in the folder it names.
const asSidecar = "OWNREDIS_TEST_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(asSidecar); dir != "" {
		if err := own(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

func own(dir string) error {
	s, err := New(context.Background(), Options{Dir: dir, Log: slog.Default()})
	if err != nil {
		return err
	}
	go func() {
		<-s.Ready()
		fmt.Println(s.Addr(), s.PID())
	}()
	return s.Run(context.Background())
}

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

// running starts a server for the length of the test and waits until it is ready.
func running(t *testing.T, dir string) (s *Server, stop func()) {
	t.Helper()
	s, err := New(t.Context(), Options{Dir: dir, Backoff: 10 * time.Millisecond, Log: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	select {
	case <-s.Ready():
	case err := <-done:
		t.Fatal(err)
	}
	return s, func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// say sends one inline command and gives the first line of the answer.
func say(t *testing.T, addr, command string) string {
	t.Helper()
	conn, err := net.Dial("unix", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte(command + "\r\n")); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(line)
}

// eventually polls, since another process has to do something.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

func gone(pid int) bool { return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }

func TestKilledServerComesBackWithItsData(t *testing.T) {
	s, stop := running(t, t.TempDir())
	defer stop()
	if got := say(t, s.Addr(), "XADD s * n 1"); !strings.HasPrefix(got, "$") {
		t.Fatalf("got %q, want an id", got)
	}
	pid := s.PID()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "another child answers", func() bool { return s.PID() != 0 && s.PID() != pid && ping(s.Addr()) })
	if got, want := say(t, s.Addr(), "XLEN s"), ":1"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := s.Restarts(); got != 1 {
		t.Errorf("got %d restarts, want 1", got)
	}
}

func TestServerIsSetUpForStreams(t *testing.T) {
	s, stop := running(t, t.TempDir())
	defer stop()
	info, err := os.Stat(s.Addr())
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("got mode %v, %v, want 0700", info.Mode(), err)
	}
	conn, err := net.Dial("unix", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("CONFIG GET appendonly\r\nCONFIG GET maxmemory-policy\r\nCONFIG GET port\r\nQUIT\r\n")); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"appendonly\r\n$3\r\nyes", "maxmemory-policy\r\n$10\r\nnoeviction", "port\r\n$1\r\n0"} {
		if !strings.Contains(string(answer), want) {
			t.Errorf("got %q, want %q in it", answer, want)
		}
	}
}

func TestEndLeavesNoProcessAndNoLock(t *testing.T) {
	dir := t.TempDir()
	s, stop := running(t, dir)
	pid := s.PID()
	stop()
	if !gone(pid) {
		t.Errorf("process %d is still there", pid)
	}
	_, stop = running(t, dir)
	stop()
}

func TestSecondServerOnTheSameFolderIsRefused(t *testing.T) {
	dir := t.TempDir()
	s, stop := running(t, dir)
	defer stop()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := New(ctx, Options{Dir: dir, Log: quiet()})
	if !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), fmt.Sprint(s.PID())) {
		t.Errorf("got %v, want ErrInUse with the process number %d", err, s.PID())
	}
}

func TestLongFolderGetsAShortSocket(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("long", 30))
	s, stop := running(t, dir)
	defer stop()
	defer os.RemoveAll(filepath.Dir(s.Addr()))
	if len(s.Addr()) > maxSocket || strings.HasPrefix(s.Addr(), dir) {
		t.Errorf("got %s", s.Addr())
	}
	if again, err := Socket(dir); again != s.Addr() || err != nil {
		t.Errorf("got %s, %v the second time, want %s", again, err, s.Addr())
	}
}

func TestMissingProgramSaysWhatToInstall(t *testing.T) {
	_, err := New(t.Context(), Options{Dir: t.TempDir(), Program: "no-such-redis-server", Log: quiet()})
	var fault *sidecar.Fault
	if !errors.As(err, &fault) || !strings.Contains(fault.Hint, "apt-get install redis-server") {
		t.Errorf("got %v, want a fault that says what to install", err)
	}
}

func TestSpoiltFileIsExplained(t *testing.T) {
	dir := t.TempDir()
	s, stop := running(t, dir)
	for range 20 {
		say(t, s.Addr(), "XADD s * n 1")
	}
	stop()
	files, err := filepath.Glob(filepath.Join(dir, "appendonlydir", "*.incr.aof"))
	if err != nil || len(files) != 1 {
		t.Fatalf("got %v, %v, want one file", files, err)
	}
	data, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	copy(data[len(data)/2:], "garbage garbage")
	if err := os.WriteFile(files[0], data, 0o600); err != nil {
		t.Fatal(err)
	}
	if s, err = New(t.Context(), Options{Dir: dir, Log: quiet()}); err != nil {
		t.Fatal(err)
	}
	err = s.Run(t.Context())
	var fault *sidecar.Fault
	if !errors.As(err, &fault) || !strings.Contains(fault.Hint, "redis-check-aof") {
		t.Errorf("got %v, want the remedy redis-check-aof", err)
	}
}

func TestChildEndsWithAKilledParentAndTheNextTakesOver(t *testing.T) {
	dir := t.TempDir()
	for round := range 3 {
		parent := exec.Command(os.Args[0])
		parent.Env = append(os.Environ(), asSidecar+"="+dir)
		out, err := parent.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := parent.Start(); err != nil {
			t.Fatal(err)
		}
		var addr string
		var pid int
		if _, err := fmt.Fscan(out, &addr, &pid); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		say(t, addr, "XADD s * n 1")
		if got, want := say(t, addr, "XLEN s"), fmt.Sprintf(":%d", round+1); got != want {
			t.Errorf("round %d: got %s, want %s", round, got, want)
		}
		if err := parent.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = parent.Wait() // says "signal: killed"
		if round == 2 {
			eventually(t, "the child is gone", func() bool { return gone(pid) || zombie(pid) })
		}
	}
}

// zombie says whether a process has ended and only waits for somebody to take
// note: in a container the first process may never do so.
func zombie(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && strings.Contains(string(stat), ") Z ")
}
