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
			got, err := s.Take(t.Context(), "cam", boxes)
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

func TestWhereNoPictureComes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New()
		s.Camera(sidecar.Camera{ID: "cam"})
		begun := time.Now()
		if _, err := s.Take(t.Context(), "cam", true); !errors.Is(err, ErrNoPicture) || time.Since(begun) != Patience {
			t.Errorf("%v after %v, want ErrNoPicture after %v", err, time.Since(begun), Patience)
		}
		if _, err := s.Take(t.Context(), "other", true); !errors.Is(err, ErrNoPicture) {
			t.Errorf("%v of a camera that is not there", err)
		}
		ctx, stop := context.WithTimeout(t.Context(), time.Second)
		defer stop()
		if _, err := s.Take(ctx, "cam", false); !errors.Is(err, ErrNoPicture) {
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
