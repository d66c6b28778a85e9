package publish

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"pantau/sidecar"
)

// The streams, without the prefix of their keys. Frames has one stream a camera.
const (
	Frames  = "frames"
	Events  = "events"
	Counts  = "counts"
	Health  = "health"
	Audited = "audit"
)

// Attributes that are the same in every entry of this version.
const (
	schemaMinor = "1.0"
	contentType = "application/json"
)

// entry is one message: the envelope of docs/streams.md and its data. ID, time
// and data are bytes, so that an entry can be used again for the next frame.
type entry struct {
	stream  string // Events, … or frames:{cam}
	typ     string // pantau.<type>.v<major>
	source  string // node/camera
	subject string
	id      []byte
	time    []byte // sidecar.TimeFormat
	data    []byte // one JSON object
}

// appendLine appends the entry as one JSON object, without a line's end. It is
// what a file of JSON lines holds, and what waits in the outbox.
func (e *entry) appendLine(dst []byte) []byte {
	for _, field := range [...]struct {
		name  string
		value []byte
	}{
		{`{"stream":`, []byte(e.stream)}, {`,"id":`, e.id}, {`,"type":`, []byte(e.typ)}, {`,"source":`, []byte(e.source)},
		{`,"subject":`, []byte(e.subject)}, {`,"time":`, e.time},
	} {
		dst = append(dst, field.name...)
		dst = appendQuoted(dst, field.value)
	}
	dst = append(dst, `,"schema":"`+schemaMinor+`","ctype":"`+contentType+`","data":`...)
	dst = append(dst, e.data...)
	return append(dst, '}')
}

// appendQuoted appends s as a JSON string. Identifiers take the short way.
func appendQuoted(dst, s []byte) []byte {
	for _, c := range s {
		if c < 0x20 || c > 0x7e || c == '"' || c == '\\' {
			quoted, err := json.Marshal(string(s))
			if err != nil { // cannot happen: every string marshals
				return append(dst, `""`...)
			}
			return append(dst, quoted...)
		}
	}
	dst = append(dst, '"')
	dst = append(dst, s...)
	return append(dst, '"')
}

// parseLine reads what appendLine wrote.
func parseLine(line []byte) (entry, error) {
	var l struct {
		Stream, ID, Type, Source, Subject, Time string
		Data                                    json.RawMessage
	}
	if err := json.Unmarshal(line, &l); err != nil {
		return entry{}, err
	}
	if l.Stream == "" || l.ID == "" || l.Type == "" || len(l.Data) == 0 {
		return entry{}, errors.New("stream, id, type or data is missing")
	}
	return entry{stream: l.Stream, typ: l.Type, source: l.Source, subject: l.Subject,
		id: []byte(l.ID), time: []byte(l.Time), data: l.Data}, nil
}

// wireType is an event's type on the wire.
func wireType(name string) string { return "pantau." + name + ".v1" }

// facts makes the entries of events and counts, in this order.
func (p *Publisher) facts(events []sidecar.Event, counts []sidecar.Count) ([]entry, error) {
	entries := make([]entry, 0, len(events)+len(counts))
	for i := range events {
		e := &events[i]
		if !schemaKnown(string(e.Type)) {
			return nil, fmt.Errorf("event %s: type %q has no schema", e.ID, e.Type)
		}
		data, err := json.Marshal(e.Data)
		if err != nil {
			return nil, fmt.Errorf("event %s: %w", e.ID, err)
		}
		entries = append(entries, entry{stream: Events, typ: wireType(string(e.Type)), source: p.source(e.Camera),
			subject: e.Subject, id: []byte(e.ID), time: wireTime(e.Time), data: data})
	}
	for i := range counts {
		c := counts[i]
		c.From, c.To = c.From.UTC(), c.To.UTC()
		if c.Flags == nil {
			c.Flags = []string{}
		}
		if c.Rows == nil {
			c.Rows = []sidecar.CountRow{}
		}
		id := c.Camera + "/" + c.From.Format(time.RFC3339Nano) + "/" + strconv.Itoa(c.Rev)
		data, err := json.Marshal(c)
		if err != nil {
			return nil, fmt.Errorf("count %s: %w", id, err)
		}
		entries = append(entries, entry{stream: Counts, typ: wireType(Counts), source: p.source(c.Camera),
			subject: c.Camera, id: []byte(id), time: wireTime(c.To), data: data})
	}
	return entries, nil
}

func (p *Publisher) source(camera string) string { return p.o.Node + "/" + camera }

func wireTime(t time.Time) []byte { return t.UTC().AppendFormat(nil, sidecar.TimeFormat) }

// Audit is one change that a person or a tool made: who, what, and the hashes of
// the configuration before and after.
type Audit struct {
	Who    string `json:"who"`            // name of the account, or "file" for a change of the configuration file
	Action string `json:"action"`         // such as "camera.add", "function.change", "login"
	What   string `json:"what"`           // camera, camera/function, account, …
	From   string `json:"from,omitempty"` // hash before; empty if there was nothing
	To     string `json:"to,omitempty"`   // hash after; empty if there is nothing now
	Note   string `json:"note,omitempty"`
}

// noted makes the entry of a health or audit record, with an id that no other has.
func (p *Publisher) noted(stream, subject, camera string, at time.Time, value any) (entry, error) {
	data, err := json.Marshal(value)
	if err != nil {
		return entry{}, fmt.Errorf("%s of %s: %w", stream, subject, err)
	}
	id := fmt.Sprintf("%s/%s/%s/%d-%d", p.o.Node, stream, subject, at.UnixMicro(), p.noteSeq.Add(1))
	source := p.o.Node
	if camera != "" {
		source = p.source(camera)
	}
	return entry{stream: stream, typ: wireType(stream), source: source, subject: subject,
		id: []byte(id), time: wireTime(at), data: data}, nil
}
