package pipeline

import (
	"bytes"
	"compress/flate"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"pantau/sidecar"
	"pantau/sidecar/analyse"
)

// Memory keeps what a camera's analysis knows, so that a restart is to it what a lost
// connection is.
type Memory interface {
	// Keep is Sink.Facts that keeps the memory in the same moment: after a crash both are
	// there, or neither is. A nil memory is forgotten.
	Keep(ctx context.Context, camera string, memory []byte, events []sidecar.Event, counts []sidecar.Count) error
	// Recall gives what was kept last; nil: nothing.
	Recall(ctx context.Context, camera string) ([]byte, error)
}

const (
	// keepTime is how long a memory waits at most to be kept, where there are no facts
	// with which it is: so much of a minute's uptime a crash costs.
	keepTime = 5 * time.Second
	// mostMemory bounds what a memory is read to, bytes.
	mostMemory = 64 << 20
)

// remembered is the memory of a camera, as JSON that is deflated.
type remembered struct {
	Of       string          `json:"of"`    // what the camera is and how it is looked at
	Since    time.Time       `json:"since"` // of the totals
	Kept     time.Time       `json:"kept"`  // this machine's clock
	Analysis json.RawMessage `json:"analysis"`
}

// lookedAt names all of a camera that a running pipeline cannot change (Redefinable).
func lookedAt(c sidecar.Camera) string {
	a := c.Analyse
	a.FPS = FPS(c)
	text, _ := json.Marshal([]any{c.ID, c.Source, a}) // strings and numbers always marshal
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}

// memory writes down what is known now.
func (d *detection) memory(now time.Time) ([]byte, error) {
	analysis, err := d.observer.analyser.Memory()
	if err != nil {
		return nil, err
	}
	head, err := json.Marshal(remembered{Of: lookedAt(d.observer.camera), Since: d.since, Kept: now})
	if err != nil {
		return nil, fmt.Errorf("keeping the memory: %w", err)
	}
	d.deflated.Reset()
	if d.deflater == nil {
		d.deflater, _ = flate.NewWriter(&d.deflated, flate.BestSpeed) // the level is a level
	}
	d.deflater.Reset(&d.deflated)
	head, _ = bytes.CutSuffix(head, []byte("null}")) // analysis is the last: it is long, and is not read once more
	for _, part := range [...][]byte{head, analysis, []byte("}")} {
		_, _ = d.deflater.Write(part) // a buffer takes all
	}
	_ = d.deflater.Close()
	return bytes.Clone(d.deflated.Bytes()), nil
}

// put hands over facts, and the memory with them.
func (d *detection) put(ctx context.Context, events []sidecar.Event, counts []sidecar.Count) error {
	if d.p.o.Memory == nil {
		return d.p.o.Sink.Facts(ctx, events, counts)
	}
	now := time.Now()
	var memory []byte
	if !d.ended {
		var err error
		if memory, err = d.memory(now); err != nil { // the facts are there all the same
			d.p.log.Error("keeping what is known", "stage", "analyse", "error", err)
			return d.p.o.Sink.Facts(ctx, events, counts)
		}
	}
	err := d.p.o.Memory.Keep(ctx, d.p.o.Camera.ID, memory, events, counts)
	if err == nil {
		d.kept = now
	}
	return err
}

// keep keeps the memory from time to time.
func (d *detection) keep(ctx context.Context) {
	if d.p.o.Memory == nil || !d.seen.After(d.kept) || time.Since(d.kept) < keepTime {
		return
	}
	try, cancel := context.WithTimeout(context.WithoutCancel(ctx), keepTimeout)
	defer cancel()
	_ = d.put(try, nil, nil) // the sink says what is wrong; it is tried again
}

// recall goes on with what was known when this camera was looked at last. If it is
// another camera now, or looked at in another way, what was known then is brought to
// its end.
func (d *detection) recall(ctx context.Context) {
	if d.p.o.Memory == nil {
		return
	}
	m, a, err := d.p.remembered(ctx)
	if err != nil {
		d.p.log.Error("recalling what was known: counting begins anew", "stage", "analyse", "error", err)
	}
	if a == nil {
		return
	}
	if m.Of != lookedAt(d.p.o.Camera) {
		events, counts := a.Close(m.end(a))
		d.facts(ctx, events, counts)
		return
	}
	events, err := a.Redefine(d.p.o.Camera, d.observer.options())
	if err != nil { // newObserver has refused them already
		d.p.log.Error("recalling what was known", "error", err)
		return
	}
	d.observer.analyser, d.observer.last, d.since, d.seen = a, a.Newest(), m.Since, m.Kept
	d.p.o.Viewer.Events(d.p.o.Camera.ID, a.Holding())
	d.facts(ctx, events, a.Counts(d.now()))
}

// end is until when the camera was looked at, by its own clock if it had told it.
func (m remembered) end(a *analyse.Analyser) time.Time {
	if t := a.Newest(); !t.IsZero() {
		return t
	}
	return m.Kept
}

func (p *Pipeline) remembered(ctx context.Context) (m remembered, a *analyse.Analyser, err error) {
	try, cancel := context.WithTimeout(ctx, keepTimeout)
	defer cancel()
	packed, err := p.o.Memory.Recall(try, p.o.Camera.ID)
	if len(packed) == 0 || err != nil {
		return m, nil, err
	}
	text, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(packed)), mostMemory))
	if err == nil {
		err = json.Unmarshal(text, &m)
	}
	if err == nil {
		a, err = analyse.Recall(m.Analysis)
	}
	if err != nil {
		return m, nil, fmt.Errorf("reading the memory of camera %s: %w", p.o.Camera.ID, err)
	}
	return m, a, nil
}
