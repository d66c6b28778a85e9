package live

import (
	"testing"

	"pgregory.net/rapid"
)

// TestQueueIsBoundedAndDecodable puts and takes at random: what a viewer gets
// can always be decoded, and what waits is always bounded.
func TestQueueIsBoundedAndDecodable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const maxBytes, maxMessages, largest = 100, 10, 40
		q := newQueue(maxBytes, maxMessages, true)
		next, last, put, taken := byte(0), byte(0), uint64(0), uint64(0)
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			if rapid.Bool().Draw(t, "take") {
				m, ok := q.take()
				if !ok {
					continue
				}
				taken++
				if m.kind == kindDelta && m.data[0] != last+1 {
					t.Fatalf("picture %d came after %d", m.data[0], last)
				}
				if m.kind.picture() {
					last = m.data[0]
				}
				continue
			}
			kind := messageKind(rapid.IntRange(1, 4).Draw(t, "kind"))
			m := message{kind: kind, data: make([]byte, rapid.IntRange(1, largest).Draw(t, "size"))}
			if kind.picture() {
				next++
				m.data[0] = next
			}
			q.put(m)
			put++
			if len(q.waiting) > maxMessages+1 || q.bytes > maxBytes+largest {
				t.Fatalf("%d messages and %d bytes wait", len(q.waiting), q.bytes)
			}
		}
		if got := taken + uint64(len(q.waiting)) + q.losses(); got != put {
			t.Fatalf("%d messages were put, %d are accounted for", put, got)
		}
	})
}

// TestHelloIsNeverLost fills a queue with what cannot be taken, and says hello.
func TestHelloIsNeverLost(t *testing.T) {
	q := newQueue(1000, 4, false)
	for range 10 {
		q.put(message{kind: kindDelta, data: []byte{1}})
	}
	q.put(message{kind: kindHello, data: []byte("hello")})
	q.put(message{kind: kindDelta, data: []byte{2}}) // needs what was left out
	q.put(message{kind: kindKey, data: []byte{3}})
	for _, want := range []messageKind{kindHello, kindKey} {
		if m, ok := q.take(); !ok || m.kind != want {
			t.Errorf("got kind %d, %v, want %d", m.kind, ok, want)
		}
	}
	if m, ok := q.take(); ok {
		t.Errorf("got %+v besides", m)
	}
}
