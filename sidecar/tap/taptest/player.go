package taptest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/pion/rtp"

	"pantau/sidecar"
	"pantau/sidecar/tap"
)

// reportEvery is the longest time between two sender reports; there is one with
// every key picture besides.
const reportEvery = 5 * time.Second

// player sends the pictures of a clip, each when it is due, round after round.
type player struct {
	camera   *Camera
	clip     *tap.Clip
	next     int   // picture of the clip
	base     int64 // when this round of the clip began, 1/90000 s since start
	start    time.Time
	stream   *stream
	reported time.Time
	rand     *rand.Rand // for garbage; seeded, so that a run can be repeated
}

func newPlayer(c *Camera) *player {
	return &player{camera: c, clip: c.clip, start: time.Now(), rand: rand.New(rand.NewPCG(1, 2))}
}

func (p *player) run(ctx context.Context) error {
	defer func() { p.stream.server.Close() }()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		}
		if err := p.step(); err != nil {
			return fmt.Errorf("playing clip: %w", err)
		}
		timer.Reset(time.Until(p.time(p.due())))
	}
}

// due is when the next picture is to be sent, in 1/90000 s since start.
func (p *player) due() int64 { return p.base + p.clip.Due(p.next) }

// time is this machine's time at a number of ticks since start.
func (p *player) time(ticks int64) time.Time {
	return p.start.Add(time.Duration(ticks/clockRate)*time.Second +
		time.Duration(ticks%clockRate)*time.Second/clockRate)
}

// step sends one picture, or what the orders make of it.
func (p *player) step() error {
	now := p.camera.take()
	if now.clip != nil {
		if err := p.change(now.clip); err != nil {
			return err
		}
	}
	unit, err := p.clip.At(p.next)
	if err != nil {
		return err
	}
	origin := p.camera.options.StartRTP + uint32(now.jump)
	due, shown := p.due(), p.base+unit.PTS
	if p.next++; p.next == p.clip.Len() {
		p.next, p.base = 0, p.base+p.clip.Duration()
	}
	if now.frozen {
		return nil
	}
	if !now.noReports && (unit.Key || time.Since(p.reported) > reportEvery) {
		p.reported = time.Now()
		if err := p.stream.report(p.time(due).Add(now.clockOffset), origin+uint32(due)); err != nil {
			return err
		}
	}
	return p.send(unit, origin+uint32(shown), now)
}

// send packs a picture and sends what the orders leave of it.
func (p *player) send(unit *sidecar.AccessUnit, rtpTime uint32, now orders) error {
	packets, err := p.stream.encode(unit.NALUs)
	if err != nil {
		return err
	}
	cut := now.cut && !unit.Key
	if cut {
		packets = packets[:len(packets)/2]
	}
	for _, packet := range packets {
		if now.garbage {
			p.spoil(packet)
		}
		if now.lose > 0 && p.rand.IntN(now.lose) == 0 {
			continue
		}
		if err := p.stream.send(packet, rtpTime); err != nil {
			return err
		}
	}
	if cut {
		p.camera.order(func(o *orders) { o.cut = false })
		p.camera.Drop()
	}
	return nil
}

// spoil fills a packet with random bytes, of any length.
func (p *player) spoil(packet *rtp.Packet) {
	packet.Payload = make([]byte, p.rand.IntN(len(packet.Payload)+1))
	for i := range packet.Payload {
		packet.Payload[i] = byte(p.rand.Uint32())
	}
}

// change goes on with another clip, from its beginning.
func (p *player) change(clip *tap.Clip) error {
	p.base, p.next = p.due(), 0
	old := p.clip
	p.camera.mu.Lock()
	p.clip, p.camera.clip = clip, clip
	p.camera.mu.Unlock()
	if err := old.Close(); err != nil {
		return err
	}
	if clip.Codec() == p.stream.codec {
		return nil
	}
	p.stream.server.Close()
	return p.replace()
}

// replace makes a stream for the clip's codec, and gives it to new readers.
func (p *player) replace() error {
	s, err := newStream(p.camera.server, p.clip.Codec())
	if err != nil {
		return err
	}
	p.stream = s
	p.camera.mu.Lock()
	defer p.camera.mu.Unlock()
	p.camera.stream = s
	return nil
}
