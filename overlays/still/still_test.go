package still

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/jpeg"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"pantau/sidecar"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// grey is a picture that counts how often it was closed.
type grey struct {
	sidecar.Picture
	closed *atomic.Int32
}

func (g grey) Close() { g.closed.Add(1) }

func (g grey) YCbCr() (*image.YCbCr, error) {
	img := image.NewYCbCr(image.Rect(0, 0, 320, 240), image.YCbCrSubsampleRatio420)
	for i := range img.Y {
		img.Y[i] = 100
	}
	for i := range img.Cb {
		img.Cb[i], img.Cr[i] = 128, 128
	}
	return img, nil
}

func (g grey) JPEG(int) ([]byte, error) {
	img, _ := g.YCbCr()
	var out bytes.Buffer
	err := jpeg.Encode(&out, img, nil)
	return out.Bytes(), err
}

// orange says whether a JPEG has a box at its left edge.
func orange(t *testing.T, s Still) bool {
	t.Helper()
	img, err := jpeg.Decode(bytes.NewReader(s.JPEG))
	if err != nil {
		t.Fatal(err)
	}
	r, _, b, _ := img.At(65, 120).RGBA()
	return r > b+0x4000
}

func TestAPictureWithAndWithoutBoxes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New()
		s.Camera(sidecar.Camera{ID: "cam", Functions: []sidecar.Function{{ID: "line", Line: []sidecar.Point{{0.1, 0.9}, {0.9, 0.9}}}}})
		var closed atomic.Int32
		at := time.Unix(1700000000, 0)
		scene := &sidecar.Scene{Camera: "cam", Tracks: []sidecar.Track{{ID: 1, Confirmed: true, Observed: true, Class: sidecar.Person, Score: 0.9,
			Box: sidecar.Box{Left: 0.2, Top: 0.2, Right: 0.5, Bottom: 0.8}}}}
		frames := 0
		camera := func() { // the decoder's picture, and then its scene
			f := &sidecar.Frame{Picture: grey{closed: &closed}}
			f.Capture = at
			frames++
			s.Decoded("cam", f)
			s.Analysed(f, scene)
			f.Release()
		}
		camera() // nobody waits
		for _, boxes := range []bool{true, false} {
			time.AfterFunc(100*time.Millisecond, camera)
			got, err := s.Take(t.Context(), "cam", Wish{Boxes: boxes})
			if err != nil || !got.Capture.Equal(at) {
				t.Fatalf("%v, %v", got.Capture, err)
			}
			if orange(t, got) != boxes {
				t.Errorf("boxes %v, want %v", !boxes, boxes)
			}
		}
		if n := int(closed.Load()); n != frames {
			t.Errorf("%d of %d pictures were given back", n, frames)
		}
	})
}

// Without boxes too, persons are hidden where they are and were a moment ago, and what
// nobody looked at; never is a picture given that was not analysed.
func TestABlurredPicture(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New()
		s.Camera(sidecar.Camera{ID: "cam"})
		var closed atomic.Int32
		person := func(left float64) sidecar.Track {
			return sidecar.Track{ID: 1, Confirmed: true, Observed: true, Class: sidecar.Person, Score: 0.9, Box: sidecar.Box{Left: left, Top: 0.2, Right: left + 0.15, Bottom: 0.8}}
		}
		analysed := func(ms int64, looked []sidecar.Box, tracks ...sidecar.Track) {
			f := &sidecar.Frame{Picture: striped{closed: &closed}}
			s.Decoded("cam", f)
			s.Analysed(f, &sidecar.Scene{Camera: "cam", Stamp: sidecar.Stamp{Epoch: "e", PTS: ms * 90, ClockRate: 90000}, Looked: looked, Tracks: tracks})
			f.Release()
		}
		analysed(0, nil, person(0.5))
		time.AfterFunc(time.Second, func() { analysed(500, []sidecar.Box{{Right: 0.9, Bottom: 1}}) })
		got, err := s.Take(t.Context(), "cam", Wish{Blurred: true})
		if err != nil {
			t.Fatal(err)
		}
		img, err := jpeg.Decode(bytes.NewReader(got.JPEG))
		if err != nil {
			t.Fatal(err)
		}
		for x, want := range map[int]bool{40: true, 120: true, 180: false, 300: false} {
			a, _, _, _ := img.At(x&^7, 120).RGBA()
			b, _, _, _ := img.At(x&^7+4, 120).RGBA()
			if shown := max(a, b)-min(a, b) > 0x4000; shown != want {
				t.Errorf("column %d is shown: %v, want %v", x, shown, want)
			}
		}
	})
}

// striped is a picture of upright stripes.
type striped struct {
	sidecar.Picture
	closed *atomic.Int32
}

func (s striped) Close()                 { s.closed.Add(1) }
func (striped) JPEG(int) ([]byte, error) { return nil, errors.New("it is given as it is") }
func (striped) YCbCr() (*image.YCbCr, error) {
	img, _ := grey{}.YCbCr()
	for i := range img.Y {
		img.Y[i] = byte(60 + 120*(i/4%2))
	}
	return img, nil
}

func TestWhereNoPictureComes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New()
		s.Camera(sidecar.Camera{ID: "cam"})
		begun := time.Now()
		if _, err := s.Take(t.Context(), "cam", Wish{Boxes: true}); !errors.Is(err, ErrNoPicture) || time.Since(begun) != Patience {
			t.Errorf("%v after %v, want ErrNoPicture after %v", err, time.Since(begun), Patience)
		}
		if _, err := s.Take(t.Context(), "other", Wish{Boxes: true}); !errors.Is(err, ErrNoPicture) {
			t.Errorf("%v of a camera that is not there", err)
		}
		ctx, stop := context.WithTimeout(t.Context(), time.Second)
		defer stop()
		if _, err := s.Take(ctx, "cam", Wish{}); !errors.Is(err, ErrNoPicture) {
			t.Errorf("%v where the caller went", err)
		}
		if n := len(s.cameras["cam"].analysed) + len(s.cameras["cam"].decoded); n != 0 {
			t.Errorf("%d still wait", n)
		}
		s.Remove("cam")
		if len(s.cameras) != 0 {
			t.Error("the camera is remembered")
		}
	})
}
