package audit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"image"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pantau/sidecar"
	"pantau/sidecar/decode"
)

var epochBegan = time.Date(2026, 11, 23, 5, 0, 0, 0, time.UTC)

var twoLines = sidecar.Camera{ID: "cam", Functions: []sidecar.Function{
	{ID: "road", Kind: "line", Line: []sidecar.Point{{0.5, 0}, {0.5, 1}}, Classes: []sidecar.Class{sidecar.Car, sidecar.Motorcycle}},
	{ID: "path", Kind: "line", Line: []sidecar.Point{{0, 0.5}, {1, 0.5}}},
	{ID: "square", Kind: "congestion", Polygon: sidecar.Polygon{{0, 0}, {1, 0}, {1, 1}}},
}}

func stampAt(epoch string, at time.Duration) sidecar.Stamp {
	pts := int64(at * 9 / 100000)
	return sidecar.Stamp{Epoch: epoch, PTS: pts, RTPTime: uint32(pts), ClockRate: 90000, Capture: epochBegan.Add(at), Source: sidecar.TimeFile}
}

func crossed(rule, epoch, id string, at time.Duration, class sidecar.Class, dir sidecar.Direction) sidecar.Event {
	return sidecar.Event{ID: id, Type: sidecar.CountCrossing, Camera: "cam", Data: sidecar.Crossing{
		Origin: sidecar.Origin{Camera: "cam", Rule: rule, Epoch: epoch, PTS: at.Microseconds()}, Class: class, Direction: dir}}
}

func withdrawn(rule, epoch, id string) sidecar.Event {
	return sidecar.Event{ID: id + "/c", Type: sidecar.CorrectionMade, Camera: "cam", Data: sidecar.Correction{
		Origin: sidecar.Origin{Camera: "cam", Rule: rule, Epoch: epoch}, Withdraws: id}}
}

func order(o Order) Order {
	n := NewOrder("cam")
	n.Seed, n.Crossings, n.Quiet, n.Keep, n.For = 1, max(1, o.Crossings), max(1, o.Quiet), time.Hour, o.For
	return n
}

// play gives a recorder pictures at 5 a second.
func play(t *testing.T, r *recorder, epoch string, from, to time.Duration) {
	t.Helper()
	img := image.NewYCbCr(image.Rect(0, 0, 64, 48), image.YCbCrSubsampleRatio420)
	for at := from; at < to; at += 200 * time.Millisecond {
		if err := r.frame(img, stampAt(epoch, at), "m@1", "r1"); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRecorderKeepsWhatHappened(t *testing.T) {
	f := In(t.TempDir())
	o := order(Order{Crossings: 50, Quiet: 50})
	r, err := newRecorder(f, o, twoLines)
	if err != nil {
		t.Fatal(err)
	}
	const s = time.Second
	play(t, r, "a", 0, 15*s)
	r.facts([]sidecar.Event{
		crossed("road", "a", "1", 4*s, sidecar.Car, sidecar.In), crossed("road", "a", "2", 5*s, sidecar.Car, sidecar.In),
		crossed("path", "a", "3", 13*s, sidecar.Person, sidecar.Out), crossed("square", "a", "x", 5*s, sidecar.Person, sidecar.In),
		crossed("road", "old", "y", 5*s, sidecar.Car, sidecar.In),
	})
	play(t, r, "a", 15*s, 45*s)
	r.facts([]sidecar.Event{
		withdrawn("road", "a", "2"), withdrawn("road", "a", "unknown"),
		crossed("road", "a", "late", 6*s, sidecar.Motorcycle, sidecar.Out), // stood on the line
	})
	play(t, r, "a", 45*s, 60*s)
	play(t, r, "a", 70*s, 100*s) // a gap: what was open is in no window
	play(t, r, "b", 0, 40*s)
	r.facts([]sidecar.Event{crossed("path", "b", "9", 5*s, sidecar.Bus, sidecar.In), crossed("path", "a", "8", 80*s, sidecar.Bus, sidecar.In)})
	if err := errors.Join(r.finish(40*s), f.develop(t.Context(), "cam")); err != nil {
		t.Fatal(err)
	}
	got, ok, err := f.Record("cam")
	if err != nil || !ok || got.Model != "m@1" || got.Rules != "r1" || len(got.Lines) != 2 || !got.From.Equal(epochBegan) {
		t.Fatalf("got %+v, %v, %v", got, ok, err)
	}
	want := []struct {
		counted Tally
		windows [strata]int
	}{
		{Tally{{sidecar.In, Vehicles}: 1, {sidecar.Out, TwoWheelers}: 1}, [strata]int{6, 1}},
		{Tally{{sidecar.Out, People}: 1, {sidecar.In, Vehicles}: 1}, [strata]int{6, 1}}, // the second one is told late: its window stays quiet
	}
	for i, l := range got.Lines {
		var strips [strata]int
		var counted int
		for _, strip := range l.Strips {
			strips[strip.Stratum]++
			counted += strip.Counted.all()
			if strip.End-strip.Begin < shortest && strip.End-strip.Begin != 10*s || strip.Begin > lead {
				t.Errorf("strip %s counts from %v to %v", strip.ID, strip.Begin, strip.End)
			}
			length(t, filepath.Join(f.Evidence("cam"), "strips", strip.ID+".mp4"), strip.End)
		}
		if text, want := tallyText(l.Counted), tallyText(want[i].counted); text != want || counted != l.Counted.all() {
			t.Errorf("%s: got %s with %d in strips, want %s", l.Rule.ID, text, counted, want)
		}
		if l.Windows != want[i].windows || strips != l.Windows {
			t.Errorf("%s: got %v windows and %v strips, want %v", l.Rule.ID, l.Windows, strips, want[i].windows)
		}
	}
	page, err := os.ReadFile(f.Page("cam"))
	if err != nil || bytes.Contains(page, []byte(`"counted"`)) || bytes.Contains(page, []byte(`"stratum"`)) || bytes.Count(page, []byte(`"video":"AAAA`)) != 14 {
		t.Errorf("the page shows what was counted, or not every strip: %v", err)
	}
	begin := max(0, bytes.Index(page, []byte(`{"audit":`)))
	var content struct {
		Audit, Camera string
		Strips        []shown
	}
	if err := json.NewDecoder(bytes.NewReader(page[begin:])).Decode(&content); err != nil || content.Audit != o.ID || len(content.Strips) != 14 || len(content.Strips[0].Video) == 0 {
		t.Errorf("the page's content: got %s of %s with %d strips, %v", content.Audit, content.Camera, len(content.Strips), err)
	}
	private(t, string(f))
}

// tallyText is a tally without zeros.
func tallyText(t Tally) string {
	some := Tally{}
	for k, n := range t {
		if n != 0 {
			some[k] = n
		}
	}
	text, _ := json.Marshal(some)
	return string(text)
}

// length looks that a strip can be played, and is long enough.
func length(t *testing.T, path string, least time.Duration) {
	t.Helper()
	clip, err := decode.OpenFile(path, decode.FileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer clip.Close()
	if got := clip.Info().Duration; got < least-time.Second/4 {
		t.Errorf("%s lasts %v, want %v", path, got, least)
	}
}

// private looks that nobody else can read anything.
func private(t *testing.T, folder string) {
	t.Helper()
	err := filepath.WalkDir(folder, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && path != folder && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has the rights %v", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestRecorderEndsWhenTheRulesChange(t *testing.T) {
	r, err := newRecorder(In(t.TempDir()), order(Order{}), twoLines)
	if err != nil {
		t.Fatal(err)
	}
	play(t, r, "a", 0, time.Second)
	img := image.NewYCbCr(image.Rect(0, 0, 64, 48), image.YCbCrSubsampleRatio420)
	if err := r.frame(img, stampAt("a", 2*time.Second), "m@1", "r2"); !errors.Is(err, errChanged) {
		t.Errorf("got %v, want %v", err, errChanged)
	}
	if _, err := newRecorder(In(t.TempDir()), order(Order{}), sidecar.Camera{ID: "cam"}); err == nil || !strings.Contains(err.Error(), "line") {
		t.Errorf("without a line: got %v", err)
	}
}

func TestRecordingsEndInTime(t *testing.T) {
	r, err := newRecorder(In(t.TempDir()), order(Order{Crossings: 3}), twoLines)
	if err != nil {
		t.Fatal(err)
	}
	begun := r.record.Begun
	for _, c := range []struct {
		crossings int
		length    time.Duration
		gone      time.Duration
		want      bool
	}{
		{0, 0, block, false}, {3, 0, 10 * time.Minute, false}, {3, 0, block + time.Second, true}, {3, 0, block + 5*time.Minute, false},
		{3, 0, 3*block + time.Second, true}, {0, 0, limit, true}, {0, time.Minute, 50 * time.Second, false}, {0, time.Minute, time.Minute, true},
	} {
		r.record.For = c.length
		for _, l := range r.lines {
			l.line.Counted = Tally{{sidecar.In, People}: c.crossings}
		}
		if got := r.over(begun.Add(c.gone)); got != c.want {
			t.Errorf("%d crossings after %v of %v: got %v", c.crossings, c.gone, c.length, got)
		}
		if until := r.progress(begun.Add(c.gone)).Until; c.crossings+int(c.length) > 0 && until.Before(begun.Add(min(c.gone, c.length))) {
			t.Errorf("after %v it says %v", c.gone, until)
		}
	}
}

func TestLargePicturesAreMadeSmall(t *testing.T) {
	img := image.NewYCbCr(image.Rect(0, 0, 1920, 1080), image.YCbCrSubsampleRatio420)
	for i := range img.Y {
		img.Y[i] = byte(i % 2 * 100)
	}
	small := shrink(img)
	if small.Rect.Dx() != 960 || small.Rect.Dy() != 540 || small.Y[1000] != 50 {
		t.Errorf("got %v, %d", small.Rect, small.Y[1000])
	}
}

// An answer is of its recording, and of every strip once.
func TestAnswers(t *testing.T) {
	r := &Record{Order: Order{ID: "R"}, Lines: []*Line{{Rule: sidecar.Function{ID: "l"}, Strips: []*Strip{{ID: "l-1"}, {ID: "l-2"}}}}}
	for _, c := range []struct{ name, text, want string }{
		{"good", `{"audit":"R","who":"A.","strips":{"l-1":{"in/people":2},"l-2":{}}}`, ""},
		{"unsure", `{"audit":"R","strips":{"l-1":{}},"unsure":{"l-2":"rain"}}`, ""},
		{"another recording", `{"audit":"S","strips":{"l-1":{},"l-2":{}}}`, "recording S"},
		{"one missing", `{"audit":"R","strips":{"l-1":{}}}`, "strips.l-2"},
		{"one twice", `{"audit":"R","strips":{"l-1":{},"l-2":{}},"unsure":{"l-2":""}}`, "strips.l-2"},
		{"unknown strip", `{"audit":"R","strips":{"l-1":{},"l-2":{},"l-3":{}}}`, "strips.l-3"},
		{"unknown group", `{"audit":"R","strips":{"l-1":{"in/cows":1},"l-2":{}}}`, "in/cows"},
		{"less than none", `{"audit":"R","strips":{"l-1":{"in/people":-1},"l-2":{}}}`, "strips.l-1.in/people"},
		{"no JSON", `x`, "reading the tally"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "tally.json")
			if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			a, err := ReadAnswer(path)
			if err == nil {
				_, err = a.Of(r)
			}
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestNamesOfCamerasAreNoPaths(t *testing.T) {
	for id, good := range map[string]bool{"smg-0421": true, "a.b_c": true, "": false, "..": false, "a/b": false, "/": false} {
		if err := CheckCamera(id); (err == nil) != good {
			t.Errorf("%q: got %v", id, err)
		}
	}
}

// still is a picture of one grey.
type still struct{ sidecar.Picture }

func (still) YCbCr() (*image.YCbCr, error) {
	return image.NewYCbCr(image.Rect(0, 0, 64, 48), image.YCbCrSubsampleRatio420), nil
}
func (still) Close() {}

// From the order of the command to the counts of the sidecar that runs.
func TestAuditorCarriesOutAnOrder(t *testing.T) {
	f := In(t.TempDir())
	a := NewAuditor(f, slog.New(slog.DiscardHandler))
	o := order(Order{Crossings: 20, Quiet: 5})
	if err := f.Place(o); err != nil {
		t.Fatal(err)
	}
	if err := a.obey(twoLines); err != nil {
		t.Fatal(err)
	}
	n := 0
	for at := time.Duration(0); at < 3*time.Minute; at += 250 * time.Millisecond {
		scene := &sidecar.Scene{Camera: "cam", Stamp: stampAt("a", at), Model: "m@1", Rules: "r1"}
		frame := &sidecar.Frame{Stamp: scene.Stamp, Picture: still{}}
		for len(a.live["cam"].frames) == held { // a camera would lose the picture
			time.Sleep(time.Millisecond)
		}
		a.Frame(frame, scene)
		frame.Release()
		if at%(5*time.Second) == 0 {
			n++
			a.Facts([]sidecar.Event{crossed("road", "a", at.String(), at, sidecar.Car, sidecar.In)})
		}
	}
	for l := a.live["cam"]; len(l.frames) > 0; {
		time.Sleep(time.Millisecond)
	}
	// A stop is quick, and makes no films. The next start does.
	a.end()
	if films, _ := filepath.Glob(f.strip("cam", "*")); len(films) > 0 || len(exposed(t, f)) == 0 {
		t.Errorf("after a stop %v are there", exposed(t, f))
	}
	a = NewAuditor(f, slog.New(slog.DiscardHandler))
	if err := a.obey(twoLines); err != nil {
		t.Fatal(err)
	}
	wait(t, a)
	p, _, err := f.Progress("cam")
	if err != nil || p.State != Recorded || len(p.Lines) != 2 {
		t.Fatalf("got %+v, %v", p, err)
	}
	r, ok, err := f.Record("cam")
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	if got := r.Lines[0].Counted.all(); got < n-5 || got > n {
		t.Errorf("%d crossings are in windows, of %d", got, n)
	}
	answer := Answer{Audit: o.ID, Strips: map[string]Tally{}}
	for _, l := range r.Lines {
		for _, s := range l.Strips {
			answer.Strips[s.ID] = s.Counted
			if l.Rule.ID == "road" && s.Stratum == busy {
				answer.Strips[s.ID][Key{sidecar.In, Vehicles}]++ // one missed in each
			}
		}
	}
	// The answer shares its tallies with the record, which is read anew.
	r, _, _ = f.Record("cam")
	result, err := Judge(r, answer)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.Keep("cam", result), f.Keep("cam", result), f.Discard("cam")); err != nil {
		t.Fatal(err)
	}
	if fresh := a.load(); len(fresh) != 1 || len(a.load()) != 0 {
		t.Errorf("got %v, want that cam is fresh once", fresh)
	}
	if all, err := f.Results("cam"); err != nil || len(all) != 1 {
		t.Errorf("got %d results, %v, want the recording once", len(all), err)
	}
	counts := a.Annotate([]sidecar.Count{{Camera: "cam", Model: "m@1", Rules: "r1"}, {Camera: "cam", Model: "m@2", Rules: "r1"},
		{Camera: "cam", Model: "m@1", Rules: "r2"}, {Camera: "other", Model: "m@1", Rules: "r1"}})
	for i, c := range counts {
		if (len(c.Audit) == 1) != (i == 0) {
			t.Errorf("count %d has %v", i, c.Audit)
		}
	}
	if got := counts[0].Audit[0]; got.Rule != "road" || got.Direction != sidecar.In || got.Bias >= 0 || got.Low >= got.Bias || got.High <= got.Bias || got.N < fewest || got.Model != "" {
		t.Errorf("got %+v", got)
	}
	if got := a.Latest("cam"); len(got) != 1 || got[0].Model != "m@1" || got[0].Rules != "r1" {
		t.Errorf("got %+v", got)
	}
}

// An order that is taken back, and pictures whose time is over, leave nothing.
func TestPicturesGo(t *testing.T) {
	f := In(t.TempDir())
	a := NewAuditor(f, slog.New(slog.DiscardHandler))
	if err := errors.Join(f.Place(order(Order{})), a.obey(twoLines), f.Discard("cam"), a.obey(twoLines)); err != nil {
		t.Fatal(err)
	}
	if len(a.live) != 0 {
		t.Error("the recording goes on without its order")
	}
	o := order(Order{})
	if err := f.Place(o); err != nil {
		t.Fatal(err)
	}
	// After a crash the order stands, and the recording begins anew.
	if err := errors.Join(write(f.progress("cam"), Progress{State: Recording}), a.obey(twoLines)); err != nil || a.live["cam"] == nil {
		t.Fatalf("the order of a killed sidecar is not carried out: %v", err)
	}
	a.end()
	if p, _, err := f.Progress("cam"); err != nil || p.State != Failed || p.Cause == "" {
		t.Errorf("nothing was analysed: got %+v, %v", p, err)
	}
	now := time.Now()
	if err := write(f.record("cam"), Record{Order: o, Ends: now}); err != nil {
		t.Fatal(err)
	}
	if err := f.expire("cam", now.Add(-time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, ok, _ := f.Record("cam"); !ok {
		t.Error("the pictures went before their time")
	}
	a.load()
	if _, err := os.Stat(f.Evidence("cam")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the pictures are still there: %v", err)
	}
}

// exposed lists the pictures that are there.
func exposed(t *testing.T, f Folder) []string {
	t.Helper()
	strips, err := os.ReadDir(f.strips("cam"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	var all []string
	for _, s := range strips {
		all = append(all, s.Name())
	}
	if _, err := os.Stat(f.Page("cam")); err == nil {
		all = append(all, "the page")
	}
	return all
}

// strip makes a recording have a picture.
func strip(t *testing.T, f Folder) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(f.strips("cam"), 0o700), os.WriteFile(f.strip("cam", "road-1"), nil, 0o600), os.WriteFile(f.Page("cam"), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
}

// What a mask hides is in no strip, also where the mask came later.
func TestMasksTakePicturesBack(t *testing.T) {
	masked := twoLines
	masked.Analyse.Mask = []sidecar.Polygon{{{0, 0}, {1, 0}, {1, 1}}}
	for _, finished := range []bool{false, true} {
		f := In(t.TempDir())
		a := NewAuditor(f, slog.New(slog.DiscardHandler))
		o := order(Order{})
		if err := errors.Join(f.Place(o), a.obey(masked)); err != nil {
			t.Fatal(err)
		}
		if finished {
			a.end()
			err := errors.Join(write(f.progress("cam"), Progress{State: Recorded}), write(f.record("cam"), Record{Order: o, Masks: masked.Analyse.Mask, Ends: time.Now().Add(time.Hour)}))
			if err != nil {
				t.Fatal(err)
			}
		}
		strip(t, f)
		if err := a.obey(masked); err != nil || len(exposed(t, f)) != 2 {
			t.Fatalf("with the same masks %v are left, %v", exposed(t, f), err)
		}
		if err := a.obey(twoLines); err != nil {
			t.Fatal(err)
		}
		p, _, err := f.Progress("cam")
		if _, there, _ := f.Record("cam"); err != nil || p.State != Failed || !strings.Contains(p.Cause, "masks") || there || len(exposed(t, f)) > 0 {
			t.Errorf("finished %v: got %+v, %v with %v", finished, p, err, exposed(t, f))
		}
		a.end()
	}
}

// A recording that is of no use leaves no pictures: one that fails, and one that
// nobody goes on with since its camera is gone.
func TestPicturesWithoutARecordGo(t *testing.T) {
	f := In(t.TempDir())
	a := NewAuditor(f, slog.New(slog.DiscardHandler))
	o := order(Order{For: time.Minute})
	if err := errors.Join(f.Place(o), a.obey(twoLines)); err != nil {
		t.Fatal(err)
	}
	l := a.live["cam"]
	strip(t, f)
	for i, rules := range []string{"r1", "r2"} {
		frame := &sidecar.Frame{Stamp: stampAt("a", time.Duration(i)*time.Second), Picture: still{}}
		a.Frame(frame, &sidecar.Scene{Camera: "cam", Stamp: frame.Stamp, Model: "m@1", Rules: rules})
		frame.Release()
	}
	<-l.done
	if p, _, err := f.Progress("cam"); err != nil || p.State != Failed || len(exposed(t, f)) > 0 {
		t.Errorf("got %+v, %v with %v after the rules changed", p, err, exposed(t, f))
	}

	if err := errors.Join(f.Discard("cam"), f.Place(o), write(f.progress("cam"), Progress{State: Recording})); err != nil {
		t.Fatal(err)
	}
	strip(t, f)
	for _, c := range []struct {
		now  time.Time
		left int
	}{{o.Begun.Add(time.Hour), 2}, {o.Begun.Add(time.Hour + time.Minute), 0}} {
		if err := f.expire("cam", c.now); err != nil || len(exposed(t, f)) != c.left {
			t.Errorf("%v after it was ordered %v are there, %v", c.now.Sub(o.Begun), exposed(t, f), err)
		}
	}
}

// wait waits until the camera's recording is over.
func wait(t *testing.T, a *Auditor) {
	t.Helper()
	a.mu.Lock()
	l := a.live["cam"]
	a.mu.Unlock()
	if l != nil {
		<-l.done
	}
}

// Films may be made in parts, and who waits for one keeps no pictures of the camera.
func TestFilmsAreMadeLater(t *testing.T) {
	f := In(t.TempDir())
	r, err := newRecorder(f, order(Order{Crossings: 9, Quiet: 9}), twoLines)
	if err != nil {
		t.Fatal(err)
	}
	play(t, r, "a", 0, 50*time.Second)
	if err := errors.Join(f.Place(r.record.Order), write(f.progress("cam"), r.progress(time.Now())), r.finish(50*time.Second)); err != nil {
		t.Fatal(err)
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	if err := f.develop(stopped, "cam"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v after a stop", err)
	}
	first := r.record.Shown()[0].ID
	if err := f.film("cam", first); err != nil {
		t.Fatal(err)
	}
	if _, there, err := f.Record("cam"); there || err != nil {
		t.Errorf("a record without films is there, %v", err)
	}
	a := NewAuditor(f, slog.New(slog.DiscardHandler))
	a.start(r.record.Order, nil, nil)
	frame := &sidecar.Frame{Picture: still{}}
	a.Frame(frame, &sidecar.Scene{Camera: "cam"})
	a.mu.Lock()
	if l := a.live["cam"]; l != nil && len(l.frames) > 0 {
		t.Error("pictures wait while films are made")
	}
	a.mu.Unlock()
	frame.Release()
	wait(t, a)
	got, there, err := f.Record("cam")
	if err != nil || !there || got.Width != 64 || got.Height != 48 {
		t.Fatalf("got %+v, %v, %v", got, there, err)
	}
	for _, s := range got.Shown() {
		length(t, f.strip("cam", s.ID), time.Duration(s.End*float64(time.Second)))
	}
	if _, there, _ := f.draft("cam"); there || len(exposed(t, f)) != len(got.Shown())+1 {
		t.Errorf("%v are there, for %d strips", exposed(t, f), len(got.Shown()))
	}
}
