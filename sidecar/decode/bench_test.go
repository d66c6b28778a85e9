package decode

import (
	"image"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"time"

	"pantau/sidecar"
)

// hd is a test source of 1080p with noise, so that it costs what a camera costs.
const hd = "testsrc2=size=1920x1080:rate=25,noise=alls=12:allf=t"

// measure runs the work and reports its processor time, which a busy machine
// does not change as it changes the time on the clock.
func measure(b *testing.B, work func(i int)) {
	const thisThread = 1 // RUSAGE_THREAD of Linux
	var begin, end syscall.Rusage
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	work(0)
	b.ReportAllocs()
	n := 0
	_ = syscall.Getrusage(thisThread, &begin)
	for ; b.Loop(); n++ {
		work(n)
	}
	_ = syscall.Getrusage(thisThread, &end)
	spent := time.Duration(end.Utime.Nano() + end.Stime.Nano() - begin.Utime.Nano() - begin.Stime.Nano())
	b.ReportMetric(spent.Seconds()*1000/float64(n), "cpu-ms/op")
}

func BenchmarkDecode1080p(b *testing.B) { decodeHD(b, Options{Codec: sidecar.H264}) }

func BenchmarkDecodeMasked1080p(b *testing.B) {
	decodeHD(b, Options{Codec: sidecar.H264, Mask: []sidecar.Polygon{{{0, 0}, {0.3, 0}, {0.3, 0.4}, {0, 0.3}}}})
}

func decodeHD(b *testing.B, o Options) {
	units := h264Units(b, hd, 50, 50)
	d, err := New(o)
	if err != nil {
		b.Fatal(err)
	}
	defer d.Close()
	measure(b, func(i int) {
		f, err := d.Decode(units[i%len(units)])
		if err != nil {
			b.Fatal(err)
		}
		f.Release()
	})
}

func hdPicture(b *testing.B) sidecar.Picture {
	return decodeAll(b, Options{Codec: sidecar.H264}, h264Units(b, hd, 1, 1))[0].Picture
}

func BenchmarkLetterbox1080p(b *testing.B) {
	p := hdPicture(b)
	for _, size := range []int{320, 416, 640} {
		b.Run(strconv.Itoa(size), func(b *testing.B) {
			l := sidecar.Letterbox{Width: size, Height: size, Centred: true, Pad: 114}
			numbers, bytes := make([]float32, 3*size*size), make([]byte, 3*size*size)
			b.Run("numbers", func(b *testing.B) {
				measure(b, func(int) {
					if err := p.Letterbox(numbers, l); err != nil {
						b.Fatal(err)
					}
				})
			})
			b.Run("bytes", func(b *testing.B) {
				measure(b, func(int) {
					if err := p.LetterboxBytes(bytes, l); err != nil {
						b.Fatal(err)
					}
				})
			})
		})
	}
}

func BenchmarkJPEG1080p(b *testing.B) {
	p := hdPicture(b)
	measure(b, func(int) {
		if _, err := p.JPEG(80); err != nil {
			b.Fatal(err)
		}
	})
}

func BenchmarkYCbCr1080p(b *testing.B) {
	p := hdPicture(b)
	measure(b, func(int) {
		if _, err := p.YCbCr(); err != nil {
			b.Fatal(err)
		}
	})
}

func BenchmarkPlanes1080p(b *testing.B) {
	for _, size := range []image.Point{{1920, 1080}, {1280, 720}} {
		b.Run(size.String(), func(b *testing.B) {
			p, dst := hdPicture(b), image.NewYCbCr(image.Rectangle{Max: size}, image.YCbCrSubsampleRatio420)
			measure(b, func(int) {
				if _, err := p.Planes(dst); err != nil {
					b.Fatal(err)
				}
			})
		})
	}
}
