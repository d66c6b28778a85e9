// Package console is what people and programs reach over HTTPS: the API under
// /api/v1, the live view and the page. Nothing but the page's own files, the
// set-up and the sign-in is open to someone who has not signed in.
package console

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/alexedwards/scs/v2"

	"pantau/sidecar"
	"pantau/sidecar/audit"
	"pantau/sidecar/console/accounts"
	"pantau/sidecar/figures"
)

// Source tells how the cameras and this process fare. Its answers are not
// changed afterwards.
type Source interface {
	Cameras() []sidecar.CameraStatus // by id
	Node() sidecar.NodeStatus
}

// Options say what a Server serves and where.
type Options struct {
	Listen      string // host:port
	Certificate string // PEM files; empty: signed by itself, in State
	Key         string
	State       string         // folder
	SetupToken  sidecar.Secret // makes the first administrator; empty: nobody can
	Accounts    *accounts.Store
	Source      Source
	// Live serves the live view of a camera until the viewer, the camera or
	// the request's context is gone: (*live.Hub).Serve. With blurred nothing is given in
	// which persons or number plates can be recognised, as in Snapshot and WHEP.
	Live func(w http.ResponseWriter, r *http.Request, camera string, blurred bool)
	// Snapshot waits for a camera's next picture, with boxes or without, and gives it
	// as JPEG with its capture time: (*still.Stills).Take.
	Snapshot func(ctx context.Context, camera string, boxes, blurred bool) ([]byte, time.Time, error)
	// WHEP gives a camera over WebRTC: (*whep.Server).ServeHTTP. who is the account,
	// and holds says later whether it still may watch. Nil: there is no such route.
	WHEP func(w http.ResponseWriter, r *http.Request, who string, blurred bool, holds func(context.Context) bool)
	// Figures gives what is known of a camera now; false: there is no such camera.
	Figures func(camera string) (figures.Figures, bool)
	View    View
	// Change gives a camera other functions: those that change makes of what the
	// configuration file says now, from a slice that is its own. It returns when they are in
	// force; where that takes too long it is sidecar.ErrNotYet. Errors of change come back as they are; a wrong function is a
	// *sidecar.FieldError below functions[i], and whatever a person must do a
	// *sidecar.Fault. Nil: it is not done.
	Change func(ctx context.Context, camera string, change func([]sidecar.Function) ([]sidecar.Function, error)) error
	// Audits are kept here, as `pantau audit` does.
	Audits audit.Folder
	// Discover looks for ONVIF cameras, and Probe looks at one. A request that cannot be
	// is an error, a *sidecar.FieldError with the key. Nil: it is not done.
	Discover func(Search) (Work, error)
	Probe    func(Question) (Work, error)
	// Audit is told what an account has changed, after it is done: who, such as
	// "admin", the action, such as "account.add", and to what. Nil: nobody is.
	Audit func(ctx context.Context, who, action, what string)
	Log   *slog.Logger
}

// Server is the console's HTTPS server, listening from New on.
type Server struct {
	certificate tls.Certificate
	options     Options
	sessions    *scs.SessionManager
	guard       *guard
	listener    net.Listener
	handler     http.Handler
	patience    time.Duration  // for an answer, or a line of one, to be taken
	recheck     time.Duration  // how often a live view looks whether its session still holds
	viewers     sync.WaitGroup // handlers whose connection is a WebSocket by now
}

// audit tells of a change, even if who asked for it has gone by now.
func (s *Server) audit(ctx context.Context, who, action, what string) {
	if s.options.Audit != nil {
		s.options.Audit(context.WithoutCancel(ctx), who, action, what)
	}
}

// patience is how long an answer may take, from the request to the last byte.
const patience = 30 * time.Second

// shutdown is how long requests in progress may take when the server ends.
const shutdown = 2 * time.Second

// New loads the certificate and begins to listen; Run answers.
func New(ctx context.Context, o Options) (*Server, error) {
	certificate, err := loadCertificate(o, time.Now())
	if err != nil {
		return nil, err
	}
	s := &Server{options: o, certificate: certificate, sessions: newSessions(o.Accounts), guard: newGuard(), patience: patience, recheck: recheck}
	files, err := fs.Sub(page, "web/dist")
	if err != nil {
		return nil, fmt.Errorf("opening the page: %w", err)
	}
	s.handler = s.routes(files)
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", o.Listen)
	if err != nil {
		return nil, &sidecar.Fault{Err: fmt.Errorf("opening the console: %w", err),
			Hint: "free the port, or set console.listen to another one"}
	}
	s.listener = tls.NewListener(listener, &tls.Config{MinVersion: tls.VersionTLS12,
		Certificates: []tls.Certificate{certificate}, NextProtos: []string{"h2", "http/1.1"}})
	return s, nil
}

// Certificate is what the server shows, for others that speak TLS beside it.
func (s *Server) Certificate() tls.Certificate { return s.certificate }

// Addr is the address that the server listens on.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// Run answers requests until ctx ends, and returns when the last one is
// answered and the last viewer has gone.
func (s *Server) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	server := &http.Server{
		Handler:           s.handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      s.patience,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ErrorLog:          slog.NewLogLogger(s.options.Log.Handler(), slog.LevelDebug), // browsers that do not trust the certificate yet
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(s.listener) }() // waited for below
	var err error
	select {
	case err = <-ended:
		err = fmt.Errorf("serving the console: %w", err)
	case <-ctx.Done():
		limit, stop := context.WithTimeout(context.WithoutCancel(ctx), shutdown)
		defer stop()
		if server.Shutdown(limit) != nil {
			err = server.Close()
		}
		if served := <-ended; !errors.Is(served, http.ErrServerClosed) {
			err = errors.Join(err, served)
		}
	}
	cancel()
	s.viewers.Wait()
	return err
}

// newSessions makes the session manager without scs.New, which starts a
// goroutine for a store in memory that nothing can end safely.
func newSessions(store *accounts.Store) *scs.SessionManager {
	return &scs.SessionManager{
		Store:            accounts.Sessions{Store: store},
		Codec:            scs.GobCodec{},
		HashTokenInStore: true,
		Lifetime:         7 * 24 * time.Hour,
		Cookie: scs.SessionCookie{
			Name: "__Host-pantau", // RFC 6265bis section 4.1.3.2: this host alone, HTTPS alone
			Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteStrictMode, Persist: true,
		},
		ErrorFunc: func(w http.ResponseWriter, _ *http.Request, _ error) {
			problem(w, http.StatusInternalServerError, "the session cannot be read")
		},
	}
}
