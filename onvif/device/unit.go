package device

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"pantau/onvif/soap"
)

// Bounds of a request.
const (
	maxRequest = 256 << 10
	requestIn  = 15 * time.Second
	answerIn   = 20 * time.Second
)

// unit is one ONVIF device: a port, and the cameras behind it.
type unit struct {
	server  *Server
	camera  string // empty: all
	id      string // UUID
	door    *door
	closing chan struct{} // closed when waiting answers must end
	servers [2]*http.Server
	serving sync.WaitGroup
}

func newUnit(s *Server, camera string, l net.Listener) *unit {
	u := &unit{server: s, camera: camera, id: s.state.uuid(camera), closing: make(chan struct{})}
	var config *tls.Config
	if s.o.TLS != nil {
		config = s.o.TLS.Clone()
		config.NextProtos = []string{"http/1.1"}
	}
	u.door = newDoor(l, config)
	u.serving.Go(u.door.run) // ends with close, as do the next
	for i, conns := range []chan net.Conn{u.door.plain, u.door.secure} {
		u.servers[i] = &http.Server{Handler: u, ReadHeaderTimeout: requestIn, ReadTimeout: requestIn, IdleTimeout: idleIn,
			MaxHeaderBytes: 32 << 10, ConnContext: withConn, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)}
		u.serving.Go(func() { _ = u.servers[i].Serve(half{u.door, conns}) }) // ends with ErrServerClosed
	}
	return u
}

// close ends the device: waiting subscribers get their answers first.
func (u *unit) close() {
	close(u.closing)
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	for _, s := range u.servers {
		_ = s.Shutdown(ctx) // Close, below, takes what is left
	}
	for _, s := range u.servers {
		_ = s.Close()
	}
	u.door.Close()
	u.serving.Wait()
	u.server.events.leave(u)
}

// cameras are the device's.
func (u *unit) cameras() []Camera { return u.server.camerasOf(u) }

// find gives the device's camera of a token.
func (u *unit) find(id string) (Camera, bool) {
	u.server.mu.Lock()
	defer u.server.mu.Unlock()
	c, ok := u.server.cameras[id]
	return c, ok && (u.camera == "" || u.camera == id)
}

// call is one request that is being answered.
type call struct {
	*unit
	ctx   context.Context
	in    *soap.Element // the operation
	root  *soap.Element
	who   caller
	path  string
	base  string                                // scheme://host[:port] as the client wrote it
	host  string                                // of base, without port, IPv6 in brackets
	after func(send func(context.Context) bool) // of an answer that must arrive: it sends it, and learns whether it did
}

// ServeHTTP answers one request.
func (u *unit) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	host, ok := hostOf(r)
	// Connections keep their deadline from one request to the next.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(requestIn + answerIn))
	switch {
	case !ok:
		http.Error(w, "the Host header names no host", http.StatusBadRequest)
	case strings.HasPrefix(r.URL.Path, snapshotPath) && (r.Method == http.MethodGet || r.Method == http.MethodHead):
		u.snapshot(w, r)
	case !strings.HasPrefix(r.URL.Path, "/onvif/"):
		http.Error(w, "this is an ONVIF device; its services are below /onvif/", http.StatusNotFound)
	case r.Method != http.MethodPost:
		h.Set("Allow", http.MethodPost)
		http.Error(w, "ONVIF's services take POST", http.StatusMethodNotAllowed)
	default:
		u.soap(w, r, host)
	}
}

// hostOf is the host that the client named, if it is one: addresses are made of it.
func hostOf(r *http.Request) (string, bool) {
	name := r.Host
	if h, _, err := net.SplitHostPort(r.Host); err == nil {
		name = h
	}
	name = strings.Trim(name, "[]")
	if a, err := netip.ParseAddr(name); err == nil {
		if a.Is6() {
			return "[" + strings.ReplaceAll(name, "%", "%25") + "]", true
		}
		return name, true
	}
	bad := func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune("-._", c)
	}
	return name, name != "" && len(name) <= 253 && !strings.ContainsFunc(name, bad)
}

// baseOf is the beginning of the addresses that are told. There are clients that leave the
// port out of the Host header though it is not the usual one.
func baseOf(r *http.Request, host string) string {
	scheme, usual := "http", "80"
	if r.TLS != nil {
		scheme, usual = "https", "443"
	}
	port := ""
	if i := strings.LastIndexByte(r.Host, ':'); i >= 0 && !strings.HasSuffix(r.Host, "]") {
		port = r.Host[i+1:]
	} else if local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok {
		_, port, _ = net.SplitHostPort(local.String())
	}
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 || port == usual {
		return scheme + "://" + host
	}
	return scheme + "://" + host + ":" + port
}

// send writes an answer with its length: there are clients that read no chunks.
func send(w http.ResponseWriter, status int, space string, text []byte) error {
	w.Header().Set("Content-Type", contentType(space))
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(status)
	_, err := w.Write(text)
	return err
}

// soap answers a call of a service.
func (u *unit) soap(w http.ResponseWriter, r *http.Request, host string) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	if err != nil {
		http.Error(w, "the request cannot be read, or has more than 256 KiB", http.StatusRequestEntityTooLarge)
		return
	}
	space := soap.Space12
	message, err := soap.ReadEnvelope(body)
	if message != nil && message.Root.Space == soap.Space11 {
		space = soap.Space11
	}
	if err != nil || message.Body == nil || message.Broken != nil {
		u.refuse(w, space, malformed("the request is no SOAP message with an operation in its body"))
		return
	}
	c := &call{unit: u, ctx: r.Context(), in: message.Body, root: message.Root, path: r.URL.Path, host: host, base: baseOf(r, host)}
	op, ok := u.server.lookup(message.Body, r.URL.Path)
	if !ok || op.access != open {
		c.who, err = u.server.gate.admit(r, message, op.access)
		if err == nil && !ok {
			err = notSupported("there is no operation %.60s of %.80s here", message.Body.Name, message.Body.Space)
		}
		if err == nil && op.access == change && !c.who.admin {
			err = notAuthorized(http.StatusBadRequest, "this needs an administrator")
		}
		if err != nil {
			u.refuse(w, space, err)
			return
		}
	}
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(answerIn + maxPull)) // for who hangs up while the answer waits
	answer, err := op.answer(c)
	if err != nil {
		u.refuse(w, space, err)
		return
	}
	_ = control.SetWriteDeadline(time.Now().Add(answerIn)) // a connection without deadlines ends by its client
	header := markup("")
	if op.addressed {
		header = form(`<wsa:Action>%s</wsa:Action>`, op.action(message.Body.Name))
		if id := message.Header.Text("MessageID"); id != "" {
			header += form(`<wsa:RelatesTo>%s</wsa:RelatesTo>`, id)
		}
	}
	text := envelope(space, header, answer)
	if c.after == nil {
		_ = send(w, http.StatusOK, space, text) // who asked may be gone
		return
	}
	c.after(func(ctx context.Context) bool {
		return send(w, http.StatusOK, space, text) == nil && control.Flush() == nil && delivered(ctx)
	})
}

// refuse answers with a fault.
func (u *unit) refuse(w http.ResponseWriter, space string, err error) {
	f := &fault{}
	if !errors.As(err, &f) {
		u.server.log.Error("answering a request", "error", err)
		f = failed()
	}
	if f.status == http.StatusUnauthorized {
		u.server.gate.challenge(w.Header(), f)
	}
	_ = send(w, f.status, space, envelope(space, "", f.form(space))) // who asked may be gone
}

// snapshotPath is where pictures are, by profile: /snapshot/PROFILE.jpg.
const snapshotPath = "/snapshot/"

// snapshot answers with a picture.
func (u *unit) snapshot(w http.ResponseWriter, r *http.Request) {
	if _, err := u.server.gate.admit(r, nil, read); err != nil {
		f := &fault{}
		if !errors.As(err, &f) {
			u.server.log.Error("looking up a password", "error", err)
			f = failed()
		}
		if f.status == http.StatusUnauthorized {
			u.server.gate.challenge(w.Header(), f)
		}
		http.Error(w, f.reason, f.status)
		return
	}
	token, ok := strings.CutSuffix(strings.TrimPrefix(r.URL.Path, snapshotPath), ".jpg")
	p, there := u.profile(token)
	if !ok || !there {
		http.Error(w, "there is no such profile", http.StatusNotFound)
		return
	}
	picture, err := u.server.o.Backend.Snapshot(r.Context(), p.camera.ID, p.stream.Name)
	if err != nil {
		http.Error(w, "the camera has no picture now", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "image/jpeg")
	w.Header().Set("Content-Length", strconv.Itoa(len(picture)))
	_, _ = w.Write(picture) // who asked may be gone
}
