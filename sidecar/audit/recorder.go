package audit

import (
	"bytes"
	"cmp"
	"encoding/gob"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"os"
	"slices"
	"strconv"
	"time"

	"pantau/sidecar"
)

// The end of a recording without a given length.
const (
	block = 15 * time.Minute // it ends after full blocks, so that its end does not hang on a single crossing
	limit = 24 * time.Hour
)

// errChanged ends a recording whose windows were counted in two ways.
var errChanged = errors.New("the camera's functions or its model changed meanwhile")

// errMasked ends a recording whose pictures show what is now masked.
var errMasked = errors.New("the camera's masks changed: its pictures were deleted, audit the camera again")

// sameMasks says whether two sets of masks are the same.
func sameMasks(a, b []sidecar.Polygon) bool {
	return slices.EqualFunc(a, b, func(p, q sidecar.Polygon) bool { return slices.Equal(p, q) })
}

// recorder makes a record of what one camera shows and counts. It belongs to one
// goroutine.
type recorder struct {
	folder  Folder
	record  Record
	lines   []*lineRecorder
	moments []*momentRecorder
	next    time.Duration // media time of the next moment
	shots   []shot        // the newest pictures, by time
	epoch   string
	last    time.Duration // media time of the newest picture
	capture time.Time     // and its capture time
}

// lineRecorder is what a recorder knows of one line.
type lineRecorder struct {
	line   *Line
	cutter cutter
	drawn  [strata]*draw
	closed []closed        // windows of this epoch
	told   map[string]told // crossings of closed windows, by the event's id
	n      int             // windows so far
}

// closed is a window that has its stratum. Its count may still change.
type closed struct {
	from, to time.Duration
	strip    *Strip // also of one that is not kept
}

// told is a crossing that belongs to a closed window.
type told struct {
	key   Key
	strip *Strip
}

// newRecorder begins a recording of a camera's functions.
func newRecorder(f Folder, o Order, c sidecar.Camera) (*recorder, error) {
	r := &recorder{folder: f, record: Record{Order: o, Masks: c.Analyse.Mask}}
	for _, rule := range c.Functions {
		if kinds[rule.Kind].moments {
			r.moments = append(r.moments, newMomentRecorder(o, rule))
		}
		if !kinds[rule.Kind].crossings {
			continue
		}
		l := &lineRecorder{line: &Line{Rule: rule, Counted: Tally{}}, told: map[string]told{}}
		l.drawn[quiet] = newDraw(max(1, o.Quiet), o.Seed, rule.ID+"/quiet")
		l.drawn[busy] = newDraw(max(1, o.Crossings, fewestWindows), o.Seed, rule.ID+"/busy")
		r.lines = append(r.lines, l)
		r.record.Lines = append(r.record.Lines, l.line)
	}
	for _, m := range r.moments {
		r.record.Lines = append(r.record.Lines, m.line)
	}
	if len(r.record.Lines) == 0 {
		return nil, &sidecar.Fault{Err: fmt.Errorf("the camera %s has no function that can be audited", c.ID), Hint: "give it one of these kinds: " + Kinds()}
	}
	return r, os.MkdirAll(f.strips(o.Camera), 0o700)
}

// frame takes an analysed picture. stamp, model and rules are its scene's.
func (r *recorder) frame(img *image.YCbCr, at sidecar.Stamp, model, rules string) error {
	if r.record.Model == "" {
		r.record.Model, r.record.Rules, r.record.From = model, rules, at.Capture
	}
	if r.record.Model != model || r.record.Rules != rules {
		return errChanged
	}
	s, err := newShot(img, at.Media(), at.Capture)
	if err != nil {
		return err
	}
	if r.epoch != at.Epoch || s.At <= r.last || s.At-r.last > blind {
		r.restart(at.Epoch, s.At)
	}
	r.shots, r.last, r.capture = append(r.shots, s), s.At, s.Capture
	return r.cut(func(c *cutter) []window {
		if w, ok := c.cut(r.last - settling); ok {
			return []window{w}
		}
		return nil
	})
}

// restart begins windows anew: what was open has not been observed to its end.
func (r *recorder) restart(epoch string, at time.Duration) {
	r.epoch, r.shots, r.next = epoch, nil, at
	for _, l := range r.lines {
		l.cutter, l.closed = cutter{start: at}, nil
	}
}

// facts takes what was told.
func (r *recorder) facts(events []sidecar.Event) {
	for _, e := range events {
		switch d := e.Data.(type) {
		case sidecar.Crossing:
			if l := r.of(d.Origin); l != nil {
				l.put(crossing{e.ID, time.Duration(d.PTS) * time.Microsecond, keyOf(d)})
			}
		case sidecar.ZoneChange:
			if l := r.of(d.Origin); l != nil {
				l.put(crossing{e.ID, time.Duration(d.PTS) * time.Microsecond, Key{zoneWays[e.Type], GroupOf(d.Class)}})
			}
		case sidecar.Correction:
			if l := r.of(d.Origin); l != nil {
				l.withdraw(d.Withdraws)
			}
		}
	}
}

// zoneWays are the directions of the events of a zone.
var zoneWays = map[sidecar.EventType]sidecar.Direction{sidecar.ZoneEntered: sidecar.In, sidecar.ZoneLeft: sidecar.Out}

// of gives the line of an event of this epoch.
func (r *recorder) of(o sidecar.Origin) *lineRecorder {
	for _, l := range r.lines {
		if l.line.Rule.ID == o.Rule && o.Camera == r.record.Camera && o.Epoch == r.epoch {
			return l
		}
	}
	return nil
}

// put takes a crossing. One that is told late, as that of a vehicle which stood on
// the line, goes to its window, which stays in its stratum.
func (l *lineRecorder) put(x crossing) {
	if l.cutter.put(x) {
		return
	}
	for _, c := range l.closed {
		if x.at >= c.from && x.at < c.to {
			l.count(x, c.strip)
		}
	}
}

// count has a crossing belong to a closed window.
func (l *lineRecorder) count(x crossing, s *Strip) {
	l.told[x.id] = told{x.key, s}
	l.line.Counted[x.key]++
	s.Counted[x.key]++
}

// withdraw takes a crossing back, also from a window that is closed.
func (l *lineRecorder) withdraw(id string) {
	l.cutter.withdraw(id)
	if t, ok := l.told[id]; ok {
		delete(l.told, id)
		l.line.Counted[t.key]--
		t.strip.Counted[t.key]--
	}
}

// cut closes windows and keeps those that are drawn.
func (r *recorder) cut(next func(*cutter) []window) error {
	oldest := r.last
	for _, l := range r.lines {
		for _, w := range next(&l.cutter) {
			if err := r.close(l, w); err != nil {
				return err
			}
		}
		oldest = min(oldest, l.cutter.start)
	}
	n := 0
	for n < len(r.shots) && r.shots[n].At < oldest-lead {
		n++
	}
	r.shots = slices.Delete(r.shots, 0, n)
	return nil
}

// close puts a window into its stratum.
func (r *recorder) close(l *lineRecorder, w window) error {
	l.n++
	s := &Strip{ID: l.line.Rule.ID + "-" + strconv.Itoa(l.n), Media: w.from, Counted: Tally{}}
	if len(w.crossings) > 0 {
		s.Stratum = busy
	}
	l.line.Windows[s.Stratum]++
	l.closed = append(l.closed, closed{w.from, w.to, s})
	for _, x := range w.crossings {
		l.count(x, s)
	}
	r.record.Seen += (w.to - w.from) / time.Duration(len(r.lines))
	kept, instead := l.drawn[s.Stratum].offer(s)
	if instead != nil {
		if err := os.Remove(r.path(instead)); err != nil {
			return err
		}
	}
	if !kept {
		return nil
	}
	return r.keep(s, w)
}

func (r *recorder) path(s *Strip) string {
	if s.Still {
		return r.folder.still(r.record.Camera, s.ID)
	}
	return r.folder.shots(r.record.Camera, s.ID)
}

// measure notes the size of the pictures.
func (r *recorder) measure(picture []byte) error {
	size, err := jpeg.DecodeConfig(bytes.NewReader(picture))
	if err != nil {
		return fmt.Errorf("keeping pictures: %w", err)
	}
	r.record.Width, r.record.Height = size.Width, size.Height
	return nil
}

// keep puts a window's pictures aside, with those a little before and after. They
// become a video when it is known which windows are shown: that takes longer than
// pictures can wait.
func (r *recorder) keep(s *Strip, w window) error {
	var shots []shot
	for _, one := range r.shots {
		if one.At >= w.from-lead && one.At <= w.to+lead {
			shots = append(shots, one)
		}
	}
	if len(shots) == 0 {
		return errors.New("a window without pictures")
	}
	if err := r.measure(shots[0].JPEG); err != nil {
		return err
	}
	s.At, s.Begin, s.End = shots[0].Capture.UTC(), w.from-shots[0].At, w.to-shots[0].At
	var b bytes.Buffer
	if err := gob.NewEncoder(&b).Encode(shots); err != nil {
		return fmt.Errorf("keeping pictures: %w", err)
	}
	if err := r.folder.fits(int64(b.Len())); err != nil {
		return err
	}
	return replace(r.path(s), b.Bytes())
}

// over says whether the recording has come to its end, at this machine's time.
func (r *recorder) over(now time.Time) bool {
	gone := now.Sub(r.record.Begun)
	if r.record.For > 0 {
		return gone >= r.record.For
	}
	if gone >= limit {
		return true
	}
	return gone >= block && gone%block < block/15 && r.fewest() >= r.record.Crossings
}

// ends is when pictures of an order go that no record tells of.
func (o Order) ends() time.Time { return o.Begun.Add(cmp.Or(o.For, limit) + o.Keep) }

// fewest is the number of crossings of the line that has fewest, or of those who were
// seen in the zone in which fewest were.
func (r *recorder) fewest() int {
	n := r.record.Lines[0].Counted.all()
	for _, l := range r.record.Lines {
		n = min(n, l.Counted.all())
	}
	return n
}

// progress says how far it has come.
func (r *recorder) progress(now time.Time) Progress {
	p := Progress{State: Recording}
	for _, l := range r.record.Lines {
		p.Lines = append(p.Lines, LineProgress{Rule: l.Rule.ID, Crossings: l.Counted.all(), Busy: l.Windows[busy], Quiet: l.Windows[quiet], Moments: l.Moments})
	}
	gone := now.Sub(r.record.Begun)
	switch n := r.fewest(); {
	case r.record.For > 0:
		p.Until = r.record.Begun.Add(r.record.For)
	case n >= r.record.Crossings:
		p.Until = r.record.Begun.Add((gone/block + 1) * block)
	case n > 0:
		need := time.Duration(float64(gone) * float64(r.record.Crossings) / float64(n))
		p.Until = r.record.Begun.Add(min((need/block+1)*block, limit))
	}
	return p
}

// finish draws the strips that are shown, and is quick: develop makes films of them.
// All that was told up to known is known.
func (r *recorder) finish(known time.Duration) error {
	err := r.cut(func(c *cutter) []window { return c.finish(known) })
	if err != nil {
		return err
	}
	r.record.To = r.capture
	r.record.Ends = time.Now().UTC().Add(r.record.Keep)
	for _, l := range r.lines {
		if err := r.choose(l.line, l.drawn); err != nil {
			return err
		}
	}
	for _, m := range r.moments {
		if err := r.choose(m.line, m.drawn); err != nil {
			return err
		}
	}
	if r.record.Seen == 0 {
		return &sidecar.Fault{Err: errors.New("nothing was analysed"), Hint: "look whether the camera runs, and audit it again"}
	}
	return write(r.folder.drawn(r.record.Camera), r.record)
}

// choose draws the windows that are shown, in an order that tells nothing.
func (r *recorder) choose(l *Line, drawn [strata]*draw) error {
	sizes := r.record.sizes(l)
	for h, d := range drawn {
		chosen, others := d.some(sizes[h])
		l.Strips = append(l.Strips, chosen...)
		for _, s := range others {
			if err := os.Remove(r.path(s)); err != nil {
				return err
			}
		}
	}
	drawn[busy].rand.Shuffle(len(l.Strips), func(i, j int) { l.Strips[i], l.Strips[j] = l.Strips[j], l.Strips[i] })
	return nil
}

// fewestWindows is how many windows with counts are seen at least, however many
// crossings are in each: their spread is to be known.
const fewestWindows = 8

// sizes is how many windows of each stratum are shown: of the busy ones as many as
// have the ordered crossings, by the mean of all, which does not hang on the draw.
func (o Order) sizes(l *Line) [strata]int {
	n := o.Crossings
	if all := l.Counted.all(); all > 0 {
		n = (n*l.Windows[busy] + all - 1) / all
	}
	return [strata]int{quiet: max(1, o.Quiet), busy: max(fewestWindows, n)}
}
