package rendition_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"pantau/sidecar"
)

// dist is the console's page, built.
const dist = "../../sidecar/console/web/dist"

// reading is put into the console's page: it reads back what the page has drawn, in the
// very task that drew it, and sends it when there is enough.
const reading = `<script>
const want = WANT, drawn = []
addEventListener('pantau:draw', ({ target: canvas, detail: { pts, kind, scene } }) => {
  if (drawn.length >= want) return
  const { width: w, height: h } = canvas
  const { data } = canvas.getContext('2d').getImageData(0, 0, w, h)
  const at = (x, y) => 4 * (Math.round(y / 360 * h) * w + Math.round(x / 640 * w))
  let number = 0
  for (let bit = 0; bit < 16 && number >= 0; bit++) {
    const upper = data[at(bit * 40 + 20, 40)] > 128, lower = data[at(bit * 40 + 20, 80)] > 128
    number = upper === lower ? -1 : number * 2 + (upper ? 1 : 0)
  }
  const orange = (x, y) => data[at(x, y)] - data[at(x, y) + 2] > 90
  const found = []
  for (let s = 0; s < 20; s++) for (let dx = -1; dx <= 1; dx += 0.5) if (orange(s * 32 + 4 + dx, 250)) { found.push(s); break }
  drawn.push({ number, slot: found.length === 1 ? found[0] : -1, pts, kind, scene: scene?.things.length ? Number(scene.things[0].id) - 1 : -1 })
  if (drawn.length === want) {
    const told = [...document.querySelectorAll('[data-rendition]')].map((e) => e.textContent).join()
    fetch('/drawn', { method: 'POST', body: JSON.stringify({ drawn, told }) })
  }
}, true)
</script>`

// shown is one picture that the page has drawn.
type shown struct {
	Number int    // read from the picture; -1: it cannot be read
	Slot   int    // where the box was drawn; -1: nowhere
	PTS    int64  // of the picture, as the page says
	Kind   string // where the boxes are from: own, between, held, none
	Scene  int    // the number of the scene; -1: none
}

// The console's page in Debian's Chromium, which has no H.265: of each analysed picture
// that it draws, the number in the picture, the time, and the place of the box belong
// together, across the end of 32 bits.
func TestBrowserWithoutH265ShowsEachPictureWithItsBoxes(t *testing.T) {
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("no chromium: install the package chromium to test the page")
	}
	page, err := os.ReadFile(dist + "/index.html")
	if err != nil {
		t.Skip("the page is not built: make build")
	}
	want := 60
	if n, err := strconv.Atoi(os.Getenv("PANTAU_RENDITION_FRAMES")); err == nil {
		want = n
	}
	s := newStage(t, 1, sidecar.Camera{ID: "a", Name: "North"})
	s.play(t, sidecar.H265)
	drawn, told := s.browse(t, chromium, page, want)
	own, between, before, bare := 0, 0, 0, 0
	for i, d := range drawn {
		n := s.number(d.PTS)
		switch {
		case d.Number != n%numbered:
			t.Errorf("drawing %d shows picture %d at the time of %d", i, d.Number, n)
		case own == 0 && d.Kind != "own": // its scene was there before the page
			before++
		case n%2 > 0:
			if between++; d.Kind == "own" {
				t.Errorf("picture %d, which was not analysed, has boxes of its own", n)
			}
		case d.Kind != "own": // on a busy machine a scene may be late
			bare++
		case d.Scene != n || d.Slot != n%slots:
			t.Errorf("picture %d with the scene of %d and a box at place %d", n, d.Scene, d.Slot)
		default:
			own++
		}
	}
	t.Logf("%d analysed pictures with their own boxes, %d without; %d others; %d before the first; %+v", own, bare, between, before, s.converted.Stats("a", "converted"))
	if own < want/4 || bare > own/4 {
		t.Errorf("only %d pictures have boxes, %d have none", own, bare)
	}
	if !strings.Contains(told, "server") {
		t.Errorf("the page says %q", told)
	}
}

// browse opens the page and gives what it has drawn and what it says of the pictures.
func (s *stage) browse(t *testing.T, chromium string, page []byte, want int) ([]shown, string) {
	t.Helper()
	page = bytes.Replace(page, []byte("<head>"), []byte("<head>"+strings.Replace(reading, "WANT", strconv.Itoa(want), 1)), 1)
	result := make(chan []byte, 1)
	for path, answer := range map[string]string{
		"/api/v1/me": `{"name":"x","role":"operator"}`, "/api/v1/status": `{}`, "/api/v1/cameras/a/figures": `{"rows":[],"states":[],"hour":{}}`,
		"/api/v1/cameras": `[{"id":"a","name":"North","functions":[],"status":{"state":"running"}}]`, "/{$}": string(page),
	} {
		s.mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) {
			if strings.HasPrefix(r.URL.Path, "/api/") {
				w.Header().Set("Content-Type", "application/json")
			}
			_, _ = io.WriteString(w, answer)
		})
	}
	s.mux.Handle("GET /assets/", http.FileServer(http.Dir(dist)))
	s.mux.HandleFunc("POST /drawn", func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		result <- body
	})
	ctx, stop := context.WithTimeout(t.Context(), 60*time.Second+time.Duration(want)*100*time.Millisecond)
	defer stop()
	cmd := exec.CommandContext(ctx, chromium, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--user-data-dir="+t.TempDir(), "--window-size=1280,900", s.web.URL+"/")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { stop(); _ = cmd.Wait() }()
	var got struct {
		Drawn []shown
		Told  string
	}
	select {
	case body := <-result:
		if err := json.Unmarshal(body, &got); err != nil {
			t.Fatal(err)
		}
	case <-ctx.Done():
		now, _ := s.converted.Working()
		t.Fatalf("the page has not drawn %d pictures; %d are converted; %s", want, now, out.String())
	}
	return got.Drawn, got.Told
}
