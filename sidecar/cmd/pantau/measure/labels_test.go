package measure

import (
	"image"
	"image/jpeg"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"context"
	"time"

	"pantau/sidecar"
	"pantau/sidecar/internal/ap"
)

// write makes the files of a folder.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestLabelsOfBothLayoutsAreTheSame(t *testing.T) {
	yolo := write(t, map[string]string{"images/a.jpg": "", "labels/a.txt": "1 0.5 0.5 0.25 0.5\n", "classes.txt": "person\ncar\n"})
	pixels := write(t, map[string]string{"a.txt": "car 120 45 200 135 # 0.93\n\nignore 0 0 32 18\n"})
	for _, c := range []struct {
		folder, images string
		n              int
	}{{yolo, "", 1}, {pixels, pixels, 2}} {
		s, err := OpenSet(c.folder, c.images)
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.Truth("a", 320, 180) // twice as large at 640
		if err != nil || len(got) != c.n {
			t.Fatalf("%v, %v, want %d labels", got, err, c.n)
		}
		for _, o := range got {
			want := ap.Object{Class: sidecar.Car, Box: sidecar.Box{Left: 240, Top: 90, Right: 400, Bottom: 270}}
			if !o.Ignore && o != want {
				t.Errorf("got %v, want %v", o, want)
			}
		}
	}
}

func TestBadLabelsAreToldWithTheirLine(t *testing.T) {
	for text, say := range map[string]string{
		"car 1 2 3": "4 fields", "becak 1 2 3 4": "becak", "car 1 2 x 4": "invalid", "car 0 0 1 1\ncar": "line 2",
	} {
		dir := write(t, map[string]string{"a.txt": text})
		s := Set{Labels: dir, Images: dir}
		if _, err := s.Truth("a", 640, 360); err == nil || !strings.Contains(err.Error(), say) {
			t.Errorf("%q: error is %v, want one with %q", text, err, say)
		}
	}
}

func TestNamesAreChosen(t *testing.T) {
	dir := write(t, map[string]string{"a_1.txt": "", "a_2.txt": "", "b_1.txt": "", "classes.txt": "", "list": "/x/a_1.jpg\nb_1.png\n"})
	list, err := ReadList(filepath.Join(dir, "list"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		s    Set
		want string
	}{
		{Set{}, "a_1 a_2 b_1"}, {Set{Only: "a_*"}, "a_1 a_2"}, {Set{List: list}, "a_1 b_1"}, {Set{Only: "a_*", List: list}, "a_1"}, {Set{Only: "z"}, ""},
	} {
		c.s.Labels = dir
		got, err := c.s.Names()
		if strings.Join(got, " ") != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%+v: got %v, %v, want %q", c.s, got, err, c.want)
		}
	}
}

// seer finds what it is told.
type seer []sidecar.Detection

func (seer) Name() string       { return "seer@1" }
func (seer) CPU() time.Duration { return 0 }

func (s seer) Detect(_ context.Context, next func() *sidecar.Frame, dst []sidecar.Detection) (*sidecar.Frame, []sidecar.Detection, error) {
	return next(), append(dst, s...), nil
}

func TestRunPrintAndWorst(t *testing.T) {
	dir := write(t, map[string]string{"a.txt": "car 80 45 160 90\nmotorcycle 200 100 240 170\n"})
	if err := writeJPEG(filepath.Join(dir, "a.jpg"), image.NewRGBA(image.Rect(0, 0, 320, 180))); err != nil {
		t.Fatal(err)
	}
	s := Set{Labels: dir, Images: dir}
	d := seer{{Class: sidecar.Car, Score: 0.8, Box: sidecar.Box{Left: 0.25, Top: 0.25, Right: 0.5, Bottom: 0.5}}}
	r, err := Run(t.Context(), s, []Model{{Detector: d, Label: "seer", Input: 416}}, ap.Options{Resamples: 20}, func(int, int) {})
	if err != nil {
		t.Fatal(err)
	}
	var text, js strings.Builder
	if err := r.Print(&text); err != nil {
		t.Fatal(err)
	}
	if err := r.JSON(&js); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(text.String(), "four-wheeler                1  100.0 100..100") || !strings.Contains(js.String(), `"best_f1"`) {
		t.Errorf("printed\n%s\n%s", text.String(), js.String())
	}
	worst := filepath.Join(dir, "worst")
	if err := Worst(s, r, worst, 5); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(filepath.Join(worst, "seer-01-a.jpg"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	img, err := jpeg.Decode(f)
	if err != nil || img.Bounds().Dx() != 1280 {
		t.Fatalf("worst picture %v, %v", img.Bounds(), err)
	}
	if red, green, _, _ := img.At(800, 550).RGBA(); red < 2*green { // the motorcycle's left edge
		t.Errorf("the miss is not red: %d %d", red>>8, green>>8)
	}
}
