package ops

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"go.uber.org/goleak"

	"pantau/sidecar"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// source has one camera, and is ready or not.
type source struct{ ready bool }

func (source) Cameras() []sidecar.CameraStatus {
	s := sidecar.Status{State: "running", FPS: sidecar.Rates{Camera: 25, Processed: 24, Skipped: 1, Detection: 8},
		Dropped: map[string]uint64{"detector": 3}, Reconnects: 2, ClockOffset: -0.5, Viewers: 1,
		Overlays: map[sidecar.Way]sidecar.Overlay{sidecar.WayRTSP: {Joined: 9, Late: 1, Error: 80 * time.Millisecond}, sidecar.WayBurnt: {Joined: 6, Dropped: 2, CPU: time.Second},
			sidecar.WayConverted: {Dropped: 1, CPU: 2 * time.Second}}}
	s.Stages[0].Observe(time.Millisecond)
	s.Stages[0].Observe(3 * time.Millisecond)
	s.Stages[0].Observe(time.Minute)
	return []sidecar.CameraStatus{{Camera: sidecar.Camera{ID: "a"}, Status: s}}
}

func (s source) Node() sidecar.NodeStatus {
	return sidecar.NodeStatus{Node: "node-1", Version: "1", Model: "street@1", Ready: s.ready, Cause: "Redis is away", Transcodes: sidecar.Transcodes{Running: 2, Most: 4, Refused: 7},
		Redis: sidecar.Backend{Connected: true, Scenes: 7, Dropped: 1, Facts: 5}, Outbox: sidecar.Outbox{Entries: 4, Bytes: 9, Oldest: 1.5},
		Groups: []sidecar.Group{{Stream: "pantau:events", Name: "board", Lag: 3, Behind: 2.5}}}
}

func TestMetrics(t *testing.T) {
	text := scrape(t)
	for _, want := range []string{
		`pantau_camera_up{camera="a"} 1`,
		`pantau_camera_dropped_total{camera="a",reason="detector"} 3`,
		`pantau_camera_fps{camera="a",kind="camera"} 25`,
		`pantau_camera_fps{camera="a",kind="detection"} 8`,
		`pantau_camera_fps{camera="a",kind="processed"} 24`,
		`pantau_camera_fps{camera="a",kind="skipped"} 1`,
		`pantau_camera_clock_offset_seconds{camera="a"} -0.5`,
		`pantau_camera_reconnects_total{camera="a"} 2`,
		`pantau_camera_viewers{camera="a"} 1`,
		`pantau_camera_overlay_joined_total{camera="a",way="rtsp"} 9`,
		`pantau_camera_overlay_joined_total{camera="a",way="overlay"} 6`,
		`pantau_camera_overlay_late_total{camera="a",way="rtsp"} 1`,
		`pantau_camera_overlay_frame_error_seconds{camera="a",way="rtsp"} 0.08`,
		`pantau_camera_overlay_dropped_total{camera="a"} 2`,
		`pantau_camera_transcode_dropped_total{camera="a",way="converted"} 1`,
		`pantau_camera_transcode_encode_cpu_seconds_total{camera="a",way="converted"} 2`,
		`pantau_camera_transcode_encode_cpu_seconds_total{camera="a",way="blurred"} 0`,
		`pantau_transcodes 2`,
		`pantau_transcodes_most 4`,
		`pantau_transcodes_refused_total 7`,
		`pantau_camera_overlay_encode_cpu_seconds_total{camera="a"} 1`,
		`pantau_camera_latency_seconds_bucket{camera="a",stage="decode",le="0.005"} 2`,
		`pantau_info{model="street@1",node="node-1",version="1"} 1`,
		`pantau_ready 0`, `pantau_redis_up 1`, `pantau_redis_scenes_total 7`, `pantau_redis_scenes_dropped_total 1`,
		`pantau_group_lag_entries{group="board",stream="pantau:events"} 3`,
		`pantau_redis_facts_total 5`, `pantau_outbox_entries 4`, `pantau_outbox_bytes 9`, `pantau_outbox_oldest_seconds 1.5`,
		`# TYPE pantau_camera_reconnects_total counter`,
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("the metrics lack %s", want)
		}
	}
	if t.Failed() {
		t.Log(text)
	}
}

// scrape is what /metrics answers.
func scrape(t *testing.T) string {
	t.Helper()
	w := httptest.NewRecorder()
	handler(source{}).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	return w.Body.String()
}

// TestTheDocumentNamesEveryMetric reads docs/how-to/monitor-with-prometheus.md.
func TestTheDocumentNamesEveryMetric(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "how-to", "monitor-with-prometheus.md"))
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]bool{}
	for _, name := range regexp.MustCompile(`pantau_\w+`).FindAllString(string(text), -1) {
		told[name] = true
	}
	served := map[string]bool{}
	for _, line := range regexp.MustCompile(`(?m)^# TYPE (pantau_\w+)`).FindAllStringSubmatch(scrape(t), -1) {
		served[line[1]] = true
		if !told[line[1]] {
			t.Errorf("the document does not name %s", line[1])
		}
	}
	for name := range told {
		if !served[name] {
			t.Errorf("the document names %s, which is not served", name)
		}
	}
}

func TestMetricsAreNamedAsPrometheusWants(t *testing.T) {
	problems, err := promlint.New(strings.NewReader(scrape(t))).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

func TestLatencyHistogram(t *testing.T) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collector{source{}})
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != "pantau_camera_latency_seconds" {
			continue
		}
		if len(f.GetMetric()) != 4 {
			t.Errorf("got %d stages", len(f.GetMetric()))
		}
		h := f.GetMetric()[0].GetHistogram() // decode comes first by its label
		if h.GetSampleCount() != 3 || h.GetSampleSum() != 60.004 || h.GetBucket()[0].GetCumulativeCount() != 1 ||
			h.GetBucket()[2].GetCumulativeCount() != 2 || h.GetBucket()[len(h.GetBucket())-1].GetCumulativeCount() != 2 {
			t.Errorf("got %v", h)
		}
		return
	}
	t.Error("there is no histogram of latencies")
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func TestServer(t *testing.T) {
	for _, ready := range []bool{true, false} {
		s, err := New(t.Context(), "127.0.0.1:0", source{ready}, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- s.Run(ctx) }()
		base := "http://" + s.Addr().String()
		for path, want := range map[string]string{"/healthz": "ok\n", "/metrics": "pantau_camera_up", "/debug/pprof/": "goroutine", "/debug/pprof/cmdline": ""} {
			if status, body := get(t, base+path); status != 200 || !strings.Contains(body, want) {
				t.Errorf("%s: got %d %.200s", path, status, body)
			}
		}
		status, body := get(t, base+"/readyz")
		if ready && status != 200 || !ready && (status != 503 || body != "not ready: Redis is away\n") {
			t.Errorf("/readyz: got %d %s", status, body)
		}
		http.DefaultClient.CloseIdleConnections()
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

func TestTakenPortIsAFault(t *testing.T) {
	s, err := New(t.Context(), "127.0.0.1:0", source{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.listener.Close() }()
	var fault *sidecar.Fault
	if _, err := New(t.Context(), s.Addr().String(), source{}, nil); !errors.As(err, &fault) || fault.Hint == "" {
		t.Errorf("got %v, want a fault with a hint", err)
	}
}
