// Package ownredis runs a redis-server of Pantau's own, for whoever has none: a
// child process on a Unix socket, with an append-only file in the state folder.
//
// The child ends with this process, however this process ends. A lock that both
// hold keeps two of them from the same data.
package ownredis

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"pantau/sidecar"
)

// ErrInUse says that another Redis works on the same data.
var ErrInUse = errors.New("another redis-server works on this folder")

// Limits of time.
const (
	readyIn   = 60 * time.Second // a long append-only file is read before the first answer
	endIn     = 4 * time.Second  // from SIGTERM to SIGKILL
	lockIn    = 5 * time.Second  // for a killed predecessor's child to end
	steadyFor = 30 * time.Second // a child that lived so long starts the back-off anew
)

// maxSocket is the longest path of a Unix socket: sun_path has 108 bytes, one is the end (unix(7)).
const maxSocket = 107

// Options says where the data lie.
type Options struct {
	Dir     string        // folder of the append-only file; it is made
	Program string        // empty is "redis-server" on the PATH
	Backoff time.Duration // first wait before a restart, doubled up to 10 s; 0 is 100 ms
	Log     *slog.Logger
}

// Server is one supervised redis-server.
type Server struct {
	o        Options
	program  string
	addr     string
	lock     *os.File
	ready    chan struct{}
	restarts atomic.Uint64
	pid      atomic.Int64
}

// New checks that redis-server is there and takes the lock of the folder.
// Run starts the server and gives the lock back.
func New(ctx context.Context, o Options) (*Server, error) {
	if o.Program == "" {
		o.Program = "redis-server"
	}
	if o.Backoff <= 0 {
		o.Backoff = 100 * time.Millisecond
	}
	program, err := exec.LookPath(o.Program)
	if err != nil {
		return nil, &sidecar.Fault{Err: fmt.Errorf("no Redis address is given, and %s is not installed", o.Program),
			Hint: "run `apt-get install redis-server`, or give the address of a Redis"}
	}
	if o.Dir, err = filepath.Abs(o.Dir); err != nil {
		return nil, fmt.Errorf("finding Redis' folder: %w", err)
	}
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("making Redis' folder: %w", err)
	}
	addr, err := Socket(o.Dir)
	if err != nil {
		return nil, err
	}
	lock, err := takeLock(ctx, filepath.Join(o.Dir, "redis.lock"))
	if err != nil {
		return nil, err
	}
	return &Server{o: o, program: program, addr: addr, lock: lock, ready: make(chan struct{})}, nil
}

// Socket is the socket in dir or, where that is too long, in a folder of
// this user below the folder for temporary files. The same dir gives the same path.
func Socket(dir string) (string, error) {
	path := filepath.Join(dir, "redis.sock")
	if len(path) <= maxSocket {
		return path, nil
	}
	sum := sha256.Sum256([]byte(dir))
	base := os.Getenv("XDG_RUNTIME_DIR")
	if base == "" || len(base) > maxSocket-40 {
		base = "/tmp"
	}
	short := filepath.Join(base, fmt.Sprintf("pantau-%d-%s", os.Getuid(), hex.EncodeToString(sum[:6])))
	if err := os.Mkdir(short, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return "", fmt.Errorf("making a folder for Redis' socket: %w", err)
	}
	info, err := os.Lstat(short)
	if err != nil {
		return "", fmt.Errorf("looking at the folder of Redis' socket: %w", err)
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok || !info.IsDir() || info.Mode().Perm() != 0o700 || int(owner.Uid) != os.Getuid() {
		return "", &sidecar.Fault{Err: fmt.Errorf("%s is not this user's own folder", short), Hint: "remove it, or use a shorter --state folder"}
	}
	return filepath.Join(short, "redis.sock"), nil
}

// takeLock waits a little for a predecessor that was killed: its child holds the
// same lock, and may need a moment to write its file and end.
func takeLock(ctx context.Context, path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("locking Redis' folder: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, lockIn)
	defer cancel()
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return f, nil
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			holder := make([]byte, 20)
			n, _ := f.ReadAt(holder, 0) // nothing there: nothing to say
			_ = f.Close()
			return nil, &sidecar.Fault{Err: fmt.Errorf("%w (%s)", ErrInUse, filepath.Dir(path)),
				Hint: fmt.Sprintf("stop the other pantau (its redis-server has the process number %s), or use another --state folder", holder[:n])}
		}
	}
}

// Addr is the path of the socket.
func (s *Server) Addr() string { return s.addr }

// Ready is closed when the server has answered for the first time.
func (s *Server) Ready() <-chan struct{} { return s.ready }

// Restarts is how often the child had to be started again.
func (s *Server) Restarts() uint64 { return s.restarts.Load() }

// PID is the child's process number; 0 while there is none.
func (s *Server) PID() int { return int(s.pid.Load()) }

// Run keeps the server alive until ctx ends; then it is told to write its file
// and to end, and Run returns. A server that cannot start at all, for a reason
// that a person must remove, is a *sidecar.Fault at once.
func (s *Server) Run(ctx context.Context) error {
	defer s.lock.Close()
	var once bool
	for wait := s.o.Backoff; ; s.restarts.Add(1) {
		began := time.Now()
		err := s.once(ctx, func() {
			if !once {
				once = true
				close(s.ready)
			}
		})
		if fault := (*sidecar.Fault)(nil); ctx.Err() != nil || !once && errors.As(err, &fault) {
			return err
		}
		if time.Since(began) > steadyFor {
			wait = s.o.Backoff
		}
		s.o.Log.Error("redis-server ended; starting it again", "error", err, "in", wait)
		select {
		case <-time.After(wait/2 + rand.N(wait)):
		case <-ctx.Done():
			return nil
		}
		wait = min(2*wait, 10*time.Second)
	}
}

// once starts one child and returns when it has ended.
func (s *Server) once(ctx context.Context, answered func()) error {
	if err := os.Remove(s.addr); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("removing a stale socket: %w", err)
	}
	var out tail
	cmd := exec.Command(s.program, "--port", "0", "--unixsocket", s.addr, "--unixsocketperm", "700",
		"--dir", s.o.Dir, "--appendonly", "yes", "--appendfsync", "everysec", "--save", "",
		"--maxmemory-policy", "noeviction")
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.ExtraFiles = []*os.File{s.lock} // as long as the child lives, the folder is taken
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Pdeathsig: syscall.SIGTERM, // it writes its file and ends when this process is killed
		Setpgid:   true,            // Ctrl-C is for us; it is told when all is flushed
	}
	ended, err := start(cmd)
	if err != nil {
		return fmt.Errorf("starting redis-server: %w", err)
	}
	s.note(cmd.Process.Pid)
	defer s.note(0)
	err = s.watch(ctx, cmd, ended, answered)
	if ctx.Err() != nil {
		return err
	}
	if err == nil {
		err = errors.New("it ended by itself")
	}
	return out.explain(err)
}

// note remembers the child's process number, and writes it where a person, or
// the next start, finds it.
func (s *Server) note(pid int) {
	s.pid.Store(int64(pid))
	if err := s.lock.Truncate(0); err != nil || pid == 0 {
		return
	}
	_, _ = s.lock.WriteAt([]byte(strconv.Itoa(pid)), 0) // only for a message
}

// start starts the child on a thread of its own that lives as long as the child:
// the parent-death signal is sent when the thread that forked ends (prctl(2)).
func start(cmd *exec.Cmd) (ended <-chan error, err error) {
	started, done := make(chan error), make(chan error, 1)
	go func() { // ends with the child; watch waits for it
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			done <- cmd.Wait()
		}
	}()
	return done, <-started
}

// watch returns when the child has ended, and ends it when ctx does or when it
// never answers.
func (s *Server) watch(ctx context.Context, cmd *exec.Cmd, ended <-chan error, answered func()) error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	deadline := time.Now().Add(readyIn)
	for poll := tick.C; ; {
		select {
		case err := <-ended:
			return err
		case <-ctx.Done():
			return end(cmd, ended)
		case now := <-poll:
			if ping(s.addr) {
				answered()
				poll = nil
			} else if now.After(deadline) {
				return errors.Join(fmt.Errorf("no answer within %s", readyIn), end(cmd, ended))
			}
		}
	}
}

// end asks the child to end, and insists.
func end(cmd *exec.Cmd, ended <-chan error) error {
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("ending redis-server: %w", err)
	}
	select {
	case err := <-ended:
		if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGTERM {
			return nil // it had only just begun, and had nothing to write yet
		}
		return err
	case <-time.After(endIn):
		_ = cmd.Process.Kill() // it may just have ended
		return fmt.Errorf("redis-server did not end within %s: %w", endIn, <-ended)
	}
}
