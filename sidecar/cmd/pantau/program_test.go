package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"pantau/inference/models"
	"pantau/sidecar"
	"pantau/sidecar/tap/taptest"
)

// checkout is the root of the project.
func checkout() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Clean(filepath.Join(filepath.Dir(file), "..", "..", ".."))
}

// program is bin/pantau with what belongs to it. Under `make test` it must be
// there; a bare `go test` in a fresh checkout goes without.
func program(tb testing.TB) string {
	tb.Helper()
	for _, part := range []string{"bin/pantau", "lib/pantau/libonnxruntime.so.1", "share/pantau/demo.mp4"} {
		if _, err := os.Stat(filepath.Join(checkout(), part)); err != nil {
			if os.Getenv("PANTAU_TEST_ALL") != "" {
				tb.Fatalf("%v; make test leaves it", err)
			}
			tb.Skipf("%v; make test leaves it", err)
		}
	}
	return filepath.Join(checkout(), "bin", "pantau")
}

// running is a process of the program.
type running struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
	err  error         // how; read after done

	mu   sync.Mutex
	text bytes.Buffer // both outputs
}

// Write collects what the process prints.
func (r *running) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(p)
}

func (r *running) output() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

// launch starts the program in a process group of its own; the test ends it.
func launch(t *testing.T, env []string, args ...string) *running {
	t.Helper()
	r := &running{cmd: exec.Command(program(t), args...), done: make(chan struct{})}
	r.cmd.Env = append(os.Environ(), env...)
	r.cmd.Stdout, r.cmd.Stderr = r, r
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		r.err = r.cmd.Wait()
		close(r.done)
	}()
	t.Cleanup(func() {
		_ = r.cmd.Process.Kill()
		<-r.done
		if t.Failed() {
			t.Logf("pantau %v said:\n%s", args, r.output())
		}
	})
	return r
}

// wait waits until the process has said something, or is there.
func (r *running) until(t *testing.T, what string, within time.Duration, is func() bool) {
	t.Helper()
	deadline := time.After(within)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !is() {
		select {
		case <-r.done:
			t.Fatalf("waiting for %s: pantau ended: %v", what, r.err)
		case <-deadline:
			t.Fatalf("waiting for %s: not within %v", what, within)
		case <-tick.C:
		}
	}
}

// interrupt is Ctrl-C: it must end everything within five seconds, in peace.
func (r *running) interrupt(t *testing.T) {
	t.Helper()
	if err := r.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	select {
	case <-r.done:
		if r.err != nil {
			t.Errorf("pantau ended with %v, want exit code 0", r.err)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("pantau still runs five seconds after Ctrl-C")
	}
}

// says runs the program to its end and gives exit code and output.
func says(t *testing.T, args ...string) (int, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program(t), args...)
	cmd.Env = append(os.Environ(), "XDG_STATE_HOME="+t.TempDir())
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const goodRules = "functions: [{id: l, kind: line, line: [[0.45, 0.2], [0.45, 0.9]]}]\n"

// Bad input gets one clear line with the place and the remedy, exit code 2, and
// nothing half-started.
func TestBadInput(t *testing.T) {
	program(t)
	clip := filepath.Join(checkout(), "share", "pantau", "demo.mp4")
	rules := write(t, "rules.yaml", goodRules)
	config := func(functions string) string {
		return write(t, "pantau.yaml", "cameras:\n  - id: a\n    source: {rtsp: \"rtsp://127.0.0.1/s\"}\n    functions:\n      - "+functions+"\n")
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() }) // the subtests run after this function
	locked, err := taptest.New(taptest.Options{Clip: clip, User: "u", Password: sidecar.NewSecret("right-one")})
	if err != nil {
		t.Fatal(err)
	}
	serve(t, locked.Run)
	damaged := write(t, "nanodet-g.onnx", "no model")
	for _, c := range []struct {
		name string
		args []string
		want []string // all of them stand in the output
	}{
		{"a wrong password", []string{"probe", locked.URL(), "--user", "u"}, []string{"password"}},
		{"a model that was tampered with", []string{"run", write(t, "pantau.yaml", "models: {default: nanodet-g, dir: "+filepath.Dir(damaged)+"}\n")}, []string{"nanodet-g", "models pull"}},
		{"the same, verified", []string{"models", "verify", "--dir", filepath.Dir(damaged)}, []string{"nanodet-g", "models pull"}},
		{"an unknown command", []string{"wacth"}, []string{"wacth", "--help"}},
		{"an unknown flag", []string{"run", "--colour"}, []string{"--colour"}},
		{"no configuration", []string{"run", "/nowhere/pantau.yaml"}, []string{"/nowhere/pantau.yaml", "give the path"}},
		{"a configuration that is no YAML", []string{"run", write(t, "pantau.yaml", "cameras: [\n")}, []string{"pantau.yaml:1:"}},
		{"a line outside of the picture", []string{"check", config("{id: l, kind: line, line: [[0.5, 0.1], [1.5, 0.9]]}")}, []string{"pantau.yaml:5:", "functions[0].line[1]", "0 to 1"}},
		{"a line at the picture's edge", []string{"check", config("{id: l, kind: line, line: [[0.1, 0.98], [0.9, 0.97]]}")}, []string{"pantau.yaml:5:", "bottom edge", "first seen past it"}},
		{"turns over no line", []string{"check", config("{id: t, kind: turns, lines: [north, east]}")}, []string{"pantau.yaml:5:", "functions[0].lines[0]", "no lines"}},
		{"a polygon that crosses itself", []string{"check", config("{id: z, kind: zone, polygon: [[0.1, 0.1], [0.9, 0.9], [0.9, 0.1], [0.1, 0.9]]}")}, []string{"pantau.yaml:5:", "cross"}},
		{"an unknown class", []string{"check", config("{id: l, kind: line, line: [[0.5, 0.1], [0.5, 0.9]], classes: [motorbike]}")}, []string{"pantau.yaml:5:", "classes[0]", "motorcycle"}},
		{"an unknown kind", []string{"check", config("{id: l, kind: lime, line: [[0.5, 0.1], [0.5, 0.9]]}")}, []string{"pantau.yaml:5:", "kind", "line"}},
		{"no clip", []string{"analyse", "/nowhere.mp4", "--rules", rules}, []string{"/nowhere.mp4"}},
		{"a clip that is none", []string{"analyse", rules, "--rules", rules}, []string{"rules.yaml"}},
		{"no rules", []string{"analyse", clip, "--rules", "/nowhere.yaml"}, []string{"/nowhere.yaml"}},
		{"a clip that would be written over", []string{"analyse", damaged, "--rules", rules, "--out", damaged}, []string{"--out", "is also CLIP"}},
		{"a video where nothing can be written", []string{"analyse", clip, "--rules", rules, "--video", "/nowhere/x.mp4"}, []string{"/nowhere/x.mp4"}},
		{"an unknown model", []string{"analyse", clip, "--rules", rules, "--model", "yolov99"}, []string{"yolov99", "street-int8"}},
		{"a model that is not here", []string{"analyse", clip, "--rules", rules, "--model", "yolox-s"}, []string{"yolox-s", "models pull"}},
		{"the card of an unknown model", []string{"models", "card", "yolov99"}, []string{"yolov99", "street-int8"}},
		{"an address that is none", []string{"probe", "htp:/10.2.4.21"}, []string{"rtsp://"}},
		{"a camera that is not there", []string{"probe", "rtsp://127.0.0.1:9/s"}, []string{"127.0.0.1:9"}},
		{"a port that is taken", []string{"demo", "--camera", taken.Addr().String()}, []string{taken.Addr().String(), "--camera"}},
		{"a listening port that is taken", []string{"demo", "--camera", freeAddr(t), "--metrics", freeAddr(t), "--rtsp", freeAddr(t), "--listen", taken.Addr().String()}, []string{taken.Addr().String()}},
		{"tail without a Redis", []string{"tail"}, []string{"no Redis runs", "--redis"}},
		{"an audit where no Pantau runs", []string{"audit", "smg-0421", "--state", t.TempDir()}, []string{"smg-0421", "start pantau run"}},
		{"an audit of a path", []string{"audit", "../smg", "--state", t.TempDir()}, []string{"../smg", "no id of a camera"}},
		{"an audit that sees no quiet time", []string{"audit", "smg-0421", "--quiet", "0"}, []string{"--quiet", "1 to 500"}},
		{"a tally without a recording", []string{"audit", "tally", "smg-0421", "--state", t.TempDir()}, []string{"no recording of smg-0421", "pantau audit smg-0421"}},
		{"a camera that was never audited", []string{"audit", "show", "smg-0421", "--state", t.TempDir()}, []string{"never audited"}},
		{"an audit of a clip that is none", []string{"audit", "clip", rules, "--rules", rules, "--state", t.TempDir()}, []string{"rules.yaml"}},
		{"an unknown stream", []string{"tail", "evnts"}, []string{"evnts", "events"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			code, out := says(t, c.args...)
			if code != exitUsage {
				t.Errorf("got exit code %d, want %d", code, exitUsage)
			}
			for _, w := range c.want {
				if !strings.Contains(out, w) {
					t.Errorf("the output lacks %q", w)
				}
			}
			if strings.Contains(out, "goroutine ") {
				t.Error("the program panicked")
			}
			if t.Failed() {
				t.Logf("it said:\n%s", out)
			}
		})
	}
}

func TestHelpTeaches(t *testing.T) {
	for _, c := range [][]string{{}, {"--help"}, {"run", "--help"}, {"demo", "--help"}, {"analyse", "--help"}, {"tail", "--help"}, {"probe", "--help"}, {"discover", "--help"}, {"models", "--help"}, {"models", "card", "--help"}, {"check", "--help"}, {"audit", "--help"}, {"audit", "tally", "--help"}, {"bench", "--help"}} {
		code, out := says(t, c...)
		if code != 0 || !strings.Contains(out, "Usage: pantau") {
			t.Errorf("pantau %v: exit code %d: %s", c, code, out)
		}
	}
	if code, out := says(t, "version"); code != 0 || !strings.HasPrefix(out, "pantau ") {
		t.Errorf("pantau version: exit code %d: %s", code, out)
	}
}

// The list says what auto stands for once that is measured, and the card is there.
func TestModelsTellWhatIsInUse(t *testing.T) {
	state := t.TempDir()
	if code, out := says(t, "models", "list", "--state", state); code != 0 || !strings.Contains(out, "the first run measures which") || !strings.Contains(out, "models card") {
		t.Errorf("before: exit code %d: %s", code, out)
	}
	a, _ := atHome(t)
	a.state = state
	m, err := a.choose()
	if err != nil {
		t.Fatal(err)
	}
	if code, out := says(t, "models", "--state", state); code != 0 || !strings.Contains(out, m.Name+" (auto)") || !strings.Contains(out, "auto is "+m.Name) {
		t.Errorf("afterwards: exit code %d: %s", code, out)
	}
	code, out := says(t, "models", "list", "--state", state, "--json")
	var lines []modelLine
	if err := json.Unmarshal([]byte(out), &lines); err != nil || code != 0 || lines[0].Name != "street" || !lines[0].Default || lines[0].State != models.Ready ||
		lines[0].Frame <= 0 || lines[0].Auto == lines[1].Auto {
		t.Errorf("as JSON: exit code %d, error %v: %s", code, err, out)
	}
	if code, out := says(t, "models", "card"); code != 0 || !strings.HasPrefix(out, "# street\n") {
		t.Errorf("card: exit code %d: %s", code, out)
	}
	code, out = says(t, "models", "card", "street-int8", "--json")
	var card struct{ Name, SHA256, Card string }
	if err := json.Unmarshal([]byte(out), &card); err != nil || code != 0 || card.Name != "street-int8" || len(card.SHA256) != 64 || !strings.HasPrefix(card.Card, "# street\n") {
		t.Errorf("card as JSON: exit code %d, error %v: %s", code, err, out)
	}
}
