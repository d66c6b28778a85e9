package publish_test

import (
	"testing"

	"pantau/sidecar"
	"pantau/sidecar/publish"
	"pantau/sidecar/publish/redistest"
)

func BenchmarkScenesToRedis(b *testing.B) {
	p, stop := running(b, publish.Options{Redis: &publish.Redis{Addrs: []string{redistest.Start(b)}}})
	s := scene("a", 1)
	b.ReportAllocs()
	n := uint64(0)
	for b.Loop() {
		s.Seq++
		p.Scene(s)
		if n++; n%512 == 0 { // not faster than it is taken
			eventually(b, "the last but one batch is sent", func() bool { s := p.Stats(); return s.FramesSent+s.FramesDropped["queue"] >= n-512 })
		}
	}
	stop()
	if dropped := p.Stats().FramesDropped["queue"]; dropped > 0 {
		b.ReportMetric(float64(dropped)/float64(n), "dropped/op")
	}
}

func BenchmarkFactsToTheDisk(b *testing.B) {
	p, _ := running(b, publish.Options{Redis: &publish.Redis{Addrs: []string{redistest.Start(b)}}})
	events := make([]sidecar.Event, 10)
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		for i := range events {
			n++
			events[i] = crossing("a", n)
		}
		if err := p.Facts(b.Context(), events, nil); err != nil {
			b.Fatal(err)
		}
	}
}
