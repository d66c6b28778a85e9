// Package ops is what those who run Pantau look at, on a loopback port of its
// own: /metrics, /healthz, /readyz and /debug/pprof. It has no accounts, so it
// belongs on loopback.
package ops

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"pantau/sidecar"
)

// Source tells how the cameras and this process fare.
type Source interface {
	Cameras() []sidecar.CameraStatus
	Node() sidecar.NodeStatus
}

// Server is the operations server, listening from New on.
type Server struct {
	listener net.Listener
	handler  http.Handler
	log      *slog.Logger
}

// New begins to listen; Run answers.
func New(ctx context.Context, listen string, source Source, log *slog.Logger) (*Server, error) {
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", listen)
	if err != nil {
		return nil, &sidecar.Fault{Err: fmt.Errorf("opening the metrics: %w", err),
			Hint: "free the port, or set metrics.listen to another one"}
	}
	return &Server{listener: listener, handler: handler(source), log: log}, nil
}

// Addr is the address that the server listens on.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// Run answers until ctx ends.
func (s *Server) Run(ctx context.Context) error {
	server := &http.Server{Handler: s.handler, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute,
		ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug)}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(s.listener) }() // waited for below
	select {
	case err := <-ended:
		return fmt.Errorf("serving the metrics: %w", err)
	case <-ctx.Done():
	}
	err := server.Close() // a profile may take minutes: it is cut off
	if served := <-ended; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

// handler joins the routes.
func handler(source Source) http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collector{source}, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { say(w, http.StatusOK, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		node := source.Node()
		if !node.Ready {
			say(w, http.StatusServiceUnavailable, "not ready: "+node.Cause)
			return
		}
		say(w, http.StatusOK, "ready")
	})
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return mux
}

func say(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = fmt.Fprintln(w, text)
}
