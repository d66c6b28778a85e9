package view

import (
	"runtime"
	"syscall"
	"testing"
	"time"

	"pantau/sidecar"
	"pantau/sidecar/decode"
)

// BenchmarkLook is one look at a picture of each clip, at its own size, with the
// camera as it was, and turned so that the motion must be looked for. A camera is
// looked at once a second.
func BenchmarkLook(b *testing.B) {
	for _, path := range clips(b) {
		f, err := decode.OpenFile(path, decode.FileOptions{})
		if err != nil {
			b.Fatal(err)
		}
		defer f.Close()
		frame, err := f.Next()
		if err != nil {
			b.Fatal(err)
		}
		defer frame.Release()
		b.Run(name(path), func(b *testing.B) {
			film := newFilm(Options{})
			for range taking + 1 {
				film.show(develop(b, frame.Picture))
			}
			looks(b, film.w, frame.Picture)
		})
		b.Run(name(path)+" turned", func(b *testing.B) {
			film := newFilm(Options{})
			for range taking + 1 {
				film.show(develop(b, frame.Picture).turned(8, 3, 0))
			}
			looks(b, film.w, frame.Picture)
		})
	}
}

// looks reports the processor time of a look, which a busy machine does not change.
func looks(b *testing.B, w *Watcher, p sidecar.Picture) {
	const thisThread = 1 // RUSAGE_THREAD of Linux
	var begin, end syscall.Rusage
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	_ = syscall.Getrusage(thisThread, &begin)
	n := 0
	for ; b.Loop(); n++ {
		at := sidecar.Stamp{Epoch: "b", PTS: int64(n+1) * 90000, ClockRate: 90000}
		w.Look(&sidecar.Frame{Stamp: at, Picture: p})
	}
	_ = syscall.Getrusage(thisThread, &end)
	spent := time.Duration(end.Utime.Nano() + end.Stime.Nano() - begin.Utime.Nano() - begin.Stime.Nano())
	b.ReportMetric(spent.Seconds()*1000/float64(n), "cpu-ms/look")
}
