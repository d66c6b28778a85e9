package live

import (
	"context"
	"net/http"

	"github.com/coder/websocket"
)

// Serve answers a request for a camera's live view: it upgrades to a WebSocket
// and returns when the viewer, the camera or the request's context is gone.
// Whether the viewer may watch was decided by the caller; pages of other
// origins are refused here. With blurred the viewer gets nothing but the blurred
// rendition. The query's "after" is the newest picture that a returning page has,
// EPOCH:PTS; its "codec" is avc1 where the browser decodes nothing else. A viewer has
// nothing else to say: the first message of a client ends the connection.
func (h *Hub) Serve(w http.ResponseWriter, r *http.Request, id string, blurred bool) {
	cam := h.camera(id)
	if cam == nil {
		http.Error(w, "no such camera", http.StatusNotFound)
		return
	}
	wanted, err := parseWish(r.URL.Query())
	wanted.blurred = blurred
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{CompressionMode: websocket.CompressionDisabled})
	if err != nil {
		return // Accept has answered
	}
	ctx, cancel := context.WithCancel(r.Context())
	listened := make(chan struct{})
	go func() { // waited for below
		defer close(listened)
		defer cancel()
		_, _, _ = conn.Reader(ctx) // answers pings; the first message ends it, or that the viewer is gone
	}()
	defer func() {
		cancel()
		_ = conn.CloseNow()
		<-listened
	}()

	f, q, first := cam.join(wanted)
	defer cam.leave(f, q)
	v := viewer{conn: conn, options: h.options}
	if v.begin(ctx, first) != nil {
		return
	}
	if v.follow(ctx, q, cam.removed) == nil {
		_ = conn.Close(websocket.StatusGoingAway, "the camera was removed, or is given otherwise now")
	}
}

// viewer is one connection, written to by one goroutine.
type viewer struct {
	conn    *websocket.Conn
	options Options
}

// begin sends what stands before the queue.
func (v viewer) begin(ctx context.Context, first []message) error {
	for _, m := range first {
		if err := v.send(ctx, m); err != nil {
			return err
		}
	}
	return nil
}

// follow sends what the queue holds until the viewer is gone, or, without an
// error, until the camera is or the viewer is to come anew.
func (v viewer) follow(ctx context.Context, q *queue, removed <-chan struct{}) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-removed:
			return nil
		case <-q.moved:
			return nil
		case <-q.ready:
		}
		for m, ok := q.take(); ok; m, ok = q.take() {
			if err := v.send(ctx, m); err != nil {
				return err
			}
		}
	}
}

func (v viewer) send(ctx context.Context, m message) error {
	ctx, cancel := context.WithTimeout(ctx, v.options.Write)
	defer cancel()
	kind := websocket.MessageText
	if m.kind.picture() {
		kind = websocket.MessageBinary
	}
	return v.conn.Write(ctx, kind, m.data)
}
