package whep

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"pantau/sidecar"
	"pantau/sidecar/tap/taptest"
)

// The pictures of the browser's test show their number: 16 blocks of black or white, the
// highest bit first, and below them the same bits inverted as a check.
const (
	clipLength = 500
	numbers    = "color=c=gray:size=320x180:rate=25,format=gray," +
		"geq=lum='if(between(Y,10,49),if(eq(mod(floor(N/pow(2,15-floor(X/20))),2),lt(Y,30)),235,16),96)'"
	slots = 20 // places of the box
)

// slotted is a scene whose box stands at the place of a picture's number.
func slotted(at sidecar.Stamp, number int) *sidecar.Scene {
	left := float64(number%slots)/slots + 0.005
	return &sidecar.Scene{Stamp: at, Camera: "cam", Seq: uint64(number), Tracks: []sidecar.Track{{
		ID: 1, Confirmed: true, Class: sidecar.Person, Score: 0.9, Box: sidecar.Box{Left: left, Top: 0.5, Right: left + 0.04, Bottom: 0.9}}}}
}

// reading is put behind the example's page: it reads back what the page has drawn, in the
// very task that drew it, and sends it when there is enough.
const reading = `<script>
const canvas = document.querySelector('canvas'), want = WANT, drawn = []
canvas.getContext('2d', { willReadFrequently: true })
canvas.addEventListener('drawn', ({ detail: { rtp, scene } }) => {
  if (drawn.length >= want) return
  const { width: w, height: h } = canvas
  const { data } = canvas.getContext('2d').getImageData(0, 0, w, h)
  const at = (x, y) => 4 * (Math.round(y / 180 * h) * w + Math.round(x / 320 * w))
  let number = 0
  for (let bit = 0; bit < 16 && number >= 0; bit++) {
    const upper = data[at(bit * 20 + 10, 20)] > 128, lower = data[at(bit * 20 + 10, 40)] > 128
    number = upper === lower ? -1 : number * 2 + (upper ? 1 : 0)
  }
  const orange = (x, y) => data[at(x, y)] - data[at(x, y) + 2] > 90
  const found = []
  for (let s = 0; s < 20; s++) for (let dx = -1; dx <= 1; dx += 0.5) if (orange((s / 20 + 0.005) * 320 + dx, 126)) { found.push(s); break }
  drawn.push({ number, slot: found.length === 1 ? found[0] : -1, rtp, scene: scene ? scene.seq : -1 })
  if (drawn.length === want) fetch('/drawn', { method: 'POST', body: JSON.stringify(drawn) })
})
</script>`

// shown is one picture that the page has drawn.
type shown struct {
	Number int    // read from the picture; -1: it cannot be read
	Slot   int    // where the box was drawn; -1: nowhere
	RTP    uint32 // of the frame, as the browser says
	Scene  int    // the number of the scene; -1: none had its RTP time
}

// The example's page in Chromium: of each frame that it shows, the number in the picture,
// the place of the box and the RTP time belong together, across the end of 32 bits. The
// camera's own pictures are H.264, or H.265, which Debian's Chromium has not, converted.
func TestBrowserShowsEachPictureWithItsBoxes(t *testing.T) {
	t.Run("own", func(t *testing.T) { showEach(t, newStand(t, Options{Delay: 500 * time.Millisecond}), sidecar.H264, 75) })
	t.Run("converted", func(t *testing.T) { showEach(t, newConverting(t, 1), sidecar.H265, 40) })
}

func showEach(t *testing.T, st *stand, codec sidecar.Codec, want int) {
	t.Helper()
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("no chromium: install the package chromium to test the example's page")
	}
	if n, err := strconv.Atoi(os.Getenv("PANTAU_WHEP_FRAMES")); err == nil {
		want = n
	}
	const tick, start = rate / 25, uint32(1<<32 - 4*rate)
	number := func(rtp uint32) int { return int((rtp-start)/tick) % clipLength }
	st.scene = func(u *sidecar.AccessUnit, _ int) *sidecar.Scene { return slotted(u.Stamp, number(u.RTPTime)) }
	st.play(taptest.MakeClip(t, taptest.Spec{Codec: codec, Width: 320, Height: 180, Frames: clipLength, Pattern: numbers}), start, 80*time.Millisecond)

	own, hurried, bare, gaps := 0, 0, 0, 0
	drawn := browse(t, chromium, st, want)
	for i, d := range drawn {
		switch {
		case own == 0 && (d.Scene < 0 || d.Number < 0): // in a hurry: before it came; or the video was not drawn yet
			hurried++
			continue
		case d.Scene < 0: // on a busy machine a scene may be late
			bare++
		case d.Number < 0:
			t.Errorf("frame %d: its number cannot be read", i)
		case d.Scene != d.Number || d.Slot != d.Number%slots || number(d.RTP) != d.Number:
			t.Errorf("frame %d shows picture %d at the time of %d, with the scene of %d and a box at place %d", i, d.Number, number(d.RTP), d.Scene, d.Slot)
		default:
			own++
		}
		if i > 0 && own > 1 && d.Number != (drawn[i-1].Number+1)%clipLength {
			gaps++
		}
	}
	t.Logf("%d of %d frames with their own boxes, %d without; %d before the first; %d gaps", own, len(drawn)-hurried, bare, hurried, gaps)
	if own < want*2/3 {
		t.Errorf("only %d frames of %d have boxes", own, want)
	}
}

// browse opens the example's page and gives what it has drawn.
func browse(t *testing.T, chromium string, st *stand, want int) (drawn []shown) {
	t.Helper()
	page, err := os.ReadFile("../../examples/whep-boxes/index.html")
	if err != nil {
		t.Fatal(err)
	}
	page = append(page, strings.Replace(reading, "WANT", strconv.Itoa(want), 1)...)
	result := make(chan []byte, 1)
	st.mux.HandleFunc("GET /page", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(page) })
	st.mux.HandleFunc("POST /drawn", func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		result <- body
	})
	ctx, stop := context.WithTimeout(t.Context(), 20*time.Second+time.Duration(want)*50*time.Millisecond)
	defer stop()
	cmd := exec.CommandContext(ctx, chromium, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--user-data-dir="+t.TempDir(), "--window-size=800,600",
		st.web.URL+"/page#camera=cam&base="+url.QueryEscape(st.web.URL))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { stop(); _ = cmd.Wait() }()
	select {
	case body := <-result:
		if err := json.Unmarshal(body, &drawn); err != nil {
			t.Fatal(err)
		}
	case <-ctx.Done():
		n, _ := st.server.Stats("cam")
		t.Fatalf("the page has not drawn %d frames; %d players; %s", want, n, out.String())
	}
	return drawn
}
