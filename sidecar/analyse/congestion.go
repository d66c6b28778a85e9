package analyse

import (
	"fmt"
	"math"
	"slices"
	"time"

	"pantau/sidecar"
)

const (
	// usualWindow is the time over which a road is judged: longer than a signal's
	// cycle, so that a red light is no jam.
	usualWindow               = 2 * time.Minute
	leastWindow, mostWindow   = 20 * time.Second, 30 * time.Minute
	mostLanes                 = 12
	creeping                  = 0.35 // boxes per second below which a vehicle queues
	creepingKMH               = 5.0  // the same where the ground is measured
	crawlingFree, crawlingKMH = 1.0, 20.0
	// freeAfter is how many vehicles must have driven through before it is known
	// how fast the road is when it is free.
	freeAfter = 20
	// tighter is how far beyond its border a level must be to be told, by the border.
	tighter = 0.06
	// passing is how many must have driven through while one stood, for at least
	// parked windows, until it is parked and no part of the traffic.
	passing, parkedWindows = 10, 3
	// emptyRoad is the mean number of passenger car units below which the road is empty.
	emptyRoad = 1.0
	// arriving is the time after a vehicle's coming in over which its speed is taken.
	arriving = time.Second
	// vehicleLength is added to the way between the first and the last of a queue, metres.
	vehicleLength = 5.0
)

// travelSpeeds and delays are the borders between the levels of service A to F: the
// speed as a part of the free-flow speed, and the seconds that each vehicle loses
// (Highway Capacity Manual, 6th edition, Exhibit 16-3 for urban streets and 19-8 for
// signalised intersections).
var (
	travelSpeeds = [...]float64{0.80, 0.67, 0.50, 0.40, 0.30}
	delays       = [...]float64{10, 20, 35, 55, 80}
)

// units are passenger car units on urban roads (Indonesian Highway Capacity Manual,
// MKJI 1997, chapter 5: motorcycle 0.25 to 0.4, heavy vehicle 1.2 to 1.3).
var units = map[sidecar.Class]float64{sidecar.Bicycle: 0.2, sidecar.Motorcycle: 0.25, sidecar.Car: 1, sidecar.Bus: 1.3, sidecar.Truck: 1.3}

// checkCongestion wants a stretch of road: a polygon, or a plane that is one.
func checkCongestion(f sidecar.Function) error {
	switch {
	case f.Plane != nil && len(f.Polygon) > 0:
		return &sidecar.FieldError{Field: "polygon", Problem: "a congestion has both polygon and plane",
			Remedy: "keep one: the plane's four points are the stretch of road where there is a plane"}
	case f.Plane != nil:
		if err := checkPlane(f.Plane); err != nil {
			return err
		}
	default:
		if err := checkPolygon("polygon", f.Polygon); err != nil {
			return err
		}
	}
	if f.Lanes < 0 || f.Lanes > mostLanes {
		return &sidecar.FieldError{Field: "lanes", Problem: fmt.Sprintf("a road has no %d lanes", f.Lanes), Remedy: fmt.Sprintf("give 1 to %d", mostLanes)}
	}
	if f.Window != 0 && (f.Window < leastWindow || f.Window > mostWindow) {
		return &sidecar.FieldError{Field: "window", Problem: fmt.Sprintf("a road cannot be judged by %v", f.Window),
			Remedy: fmt.Sprintf("give %v to %v: more than a signal's cycle", leastWindow, mostWindow)}
	}
	return nil
}

// congestion tells how well the traffic of a stretch flows, over a window that fades.
// The level of service is the worse of two: of the speed with which vehicles come in,
// as a part of the free one, and of the time that each loses inside. A red light costs
// time and leaves the road to it free; a queue that goes back beyond the stretch slows
// those who come. How fast the free road is, is measured: the 85th percentile of those
// who drove through. All is weighted by passenger car units, and the mean speed that is
// told is Edie's (1963): the way of all vehicles by the time that they spent there.
type congestion struct {
	*book
	area
	stretch sidecar.Polygon
	anchor  sidecar.Anchor
	window  time.Duration
	lanes   int
	plane   *homography
	length  float64 // of the plane, m
	unit    []float64
	queues  []int // rows by class
	levels  int   // row of the level of service
	drivers map[*object]*drive

	started    bool
	last       time.Duration
	way, time  float64 // Edie's, over the window: units × boxes (or metres), units × seconds
	lost       float64 // units × seconds, against driving freely
	came, pace float64 // units that came in, and the sum of their speeds
	covered    float64 // seconds of the window that were analysed
	passed     int     // vehicles that drove through since the beginning
	flow       float64 // vehicles that left, over the window
	free       percentile
	queued     int
	extent     float64 // m, of the queue
	told       int     // level of service, 0 (A) to 5 (F)
	turned     time.Duration
	turning    int // the level that it turns to
	n          int
}

// drive is one vehicle in the stretch.
type drive struct {
	inside        bool
	came          time.Duration
	way, moving   float64       // boxes (or metres), and the seconds in which it moved
	arrived       bool          // its speed was taken
	since         time.Duration // since when it stands; 0: it moves
	passedAtStand int           // vehicles that had passed when it came to stand
	parked        bool
}

func newCongestion(f sidecar.Function, b *book) Analytic {
	classes := f.Classes
	if len(classes) == 0 {
		classes = sidecar.Classes()[1:]
	}
	c := &congestion{book: b, area: newArea(f, classes), stretch: f.Polygon, anchor: f.Anchor, window: f.Window, lanes: max(1, f.Lanes),
		drivers: map[*object]*drive{}, turning: -1}
	if c.window == 0 {
		c.window = usualWindow
	}
	if f.Plane != nil {
		h := homographyOf(f.Plane)
		c.plane, c.stretch, c.length = &h, f.Plane.Points, f.Plane.Length
	}
	for _, class := range classes {
		u := units[class]
		if u == 0 {
			u = 1
		}
		c.unit = append(c.unit, u)
		c.queues = append(c.queues, b.row(f.ID, sidecar.Queue, class, ""))
	}
	c.levels = b.row(f.ID, sidecar.Service, sidecar.AllClasses, "")
	return c
}

// Update goes on with the sums, and tells a level that has lasted.
func (c *congestion) Update(now moment, objects []*object) {
	dt := c.pass(now)
	clear(c.present)
	queues, near, far := 0, math.Inf(1), math.Inf(-1)
	free := c.freely()
	for _, o := range objects {
		o.zones &^= c.bit
		i := slices.Index(c.classes, o.track.Class)
		p := c.anchor.Of(o.fix.box)
		d := c.drivers[o]
		if i < 0 || !o.observed && (o.left() || now.steady-o.fix.steady > lasting) || !contains(c.stretch, p) {
			c.out(now.steady, d, c.unitOf(i))
			continue
		}
		o.zones |= c.bit
		d = c.in(now, o, d)
		v := c.speed(o, p)
		standing := v < c.slow()
		c.stand(now, d, standing)
		if d.parked {
			continue
		}
		d.way += v * dt
		if !standing {
			d.moving += dt
		}
		c.way += c.unit[i] * v * dt
		c.time += c.unit[i] * dt
		c.lost += c.unit[i] * max(0, 1-v/free) * dt
		if stay := now.steady - d.came; !d.arrived && stay >= arriving {
			d.arrived = true
			c.came += c.unit[i]
			c.pace += c.unit[i] * d.way / stay.Seconds()
		}
		if !standing {
			continue
		}
		queues++
		c.present[i]++
		if c.plane != nil {
			_, y := c.plane.ground(p)
			near, far = min(near, y), max(far, y)
		}
	}
	for i, n := range c.present {
		if c.set(now.minute, c.queues[i], n) {
			c.areas.stale = true
		}
	}
	c.queued, c.extent = queues, 0
	if queues > 0 && c.plane != nil {
		c.extent = min(far-near+vehicleLength, c.length)
	}
	c.decide(now)
}

// pass lets time go by, and gives the seconds that count.
func (c *congestion) pass(now moment) float64 {
	if !c.started {
		c.started, c.last = true, now.steady
	}
	gap := now.steady - c.last
	c.last = now.steady
	if gap > c.window { // nobody looked for so long: what was says nothing more
		c.way, c.time, c.lost, c.came, c.pace, c.covered, c.flow, c.turning = 0, 0, 0, 0, 0, 0, 0, -1
		return 0
	}
	dt := min(gap, patience).Seconds()
	fade := math.Exp(-gap.Seconds() / c.window.Seconds())
	for _, sum := range [...]*float64{&c.way, &c.time, &c.lost, &c.came, &c.pace, &c.flow} {
		*sum *= fade
	}
	c.covered = c.covered*fade + dt
	return dt
}

// in takes an object into the stretch.
func (c *congestion) in(now moment, o *object, d *drive) *drive {
	if d == nil {
		d = &drive{}
		c.drivers[o] = d
	}
	if !d.inside {
		*d = drive{inside: true, came: now.steady}
	}
	return d
}

// out lets it go: what it drove says how fast the road is.
func (c *congestion) out(at time.Duration, d *drive, unit float64) {
	if d == nil || !d.inside {
		return
	}
	d.inside = false
	if d.parked || d.moving < leastWay.Seconds() {
		return
	}
	c.passed++
	c.flow += unit
	c.free.add(d.way/d.moving, at)
}

// speed of an object: metres per second where the ground is measured, or boxes per
// second.
func (c *congestion) speed(o *object, p sidecar.Point) float64 {
	if o.track.Motion == sidecar.Stopped {
		return 0
	}
	v := o.track.Velocity
	if c.plane == nil {
		return math.Hypot(v[0]/o.fix.box.Width(), v[1]/o.fix.box.Height())
	}
	const step = 0.1 // seconds
	x, y := c.plane.ground(p)
	ahead, along := c.plane.ground(sidecar.Point{p[0] + step*v[0], p[1] + step*v[1]})
	return math.Hypot(ahead-x, along-y) / step
}

// slow is the speed below which a vehicle queues, and slowest that which a free road
// has at least.
func (c *congestion) slow() float64 {
	if c.plane == nil {
		return creeping
	}
	return creepingKMH / perHour
}

func (c *congestion) slowest() float64 {
	if c.plane == nil {
		return crawlingFree
	}
	return crawlingKMH / perHour
}

// stand keeps the time for which a vehicle stands. One that stands while many pass is
// parked; in a jam nobody passes.
func (c *congestion) stand(now moment, d *drive, standing bool) {
	switch {
	case !standing:
		d.since, d.parked = 0, false
	case d.since == 0:
		d.since, d.passedAtStand = max(now.steady, 1), c.passed
	case now.steady-d.since >= parkedWindows*c.window && c.passed-d.passedAtStand >= passing:
		d.parked = true
	}
}

// unitOf is what a vehicle of the i-th class counts; one of another class may have come
// in as one of these.
func (c *congestion) unitOf(i int) float64 {
	if i < 0 {
		return 1
	}
	return c.unit[i]
}

// freely is how fast the free road is.
func (c *congestion) freely() float64 { return max(c.free.at(0.85), c.slowest()) }

// known says whether enough was seen: half of a window, and how fast the road is,
// unless nobody moves.
func (c *congestion) known() bool {
	return c.covered >= 0.4*c.window.Seconds() &&
		(c.free.n >= freeAfter || c.time < emptyRoad*c.covered || c.way <= c.slow()*c.time)
}

// level is the level of service over the window, seen from the one that was told.
func (c *congestion) level() int {
	if c.time < emptyRoad*c.covered {
		return 0
	}
	level, pace, delay := 0, 1.0, c.lost/max(c.flow, 0.5)
	if c.came > 0 {
		pace = c.pace / c.came / c.freely()
	}
	for i := range travelSpeeds {
		easier := 1 - tighter // further away from a border than that, to go over it
		if i < c.told {
			easier = 1 + tighter
		}
		if pace < travelSpeeds[i]*easier || delay*easier > delays[i] {
			level = i + 1
		}
	}
	return level
}

// decide tells a level that has lasted for three quarters of the window. A level is judged
// when half of a window was seen.
func (c *congestion) decide(now moment) {
	if !c.known() {
		c.turning = -1
		return
	}
	c.set(now.minute, c.levels, c.told)
	level := c.level()
	if level == c.told {
		c.turning = -1
		return
	}
	if c.turning < 0 || (level > c.told) != (c.turning > c.told) {
		c.turned = now.steady
	}
	c.turning = level
	if now.steady-c.turned < c.window*3/4 {
		return
	}
	data := sidecar.CongestionChange{Origin: c.origin(c.id, now), From: service(c.told), To: service(level),
		Travel: 1, Vehicles: thousandths(c.time / c.covered), Flow: math.Round(c.flow / c.covered * 3600),
		Queue: c.queued, QueueMetres: math.Round(c.extent)}
	if c.time > 0 {
		data.Travel = thousandths(min(c.way/c.time/c.freely(), 1))
	}
	if c.flow >= 1 {
		data.Delay = thousandths(c.lost / c.flow)
	}
	if c.plane != nil {
		data.Density = thousandths(c.time / c.covered / (c.length / 1000) / float64(c.lanes))
		data.KMH, data.FreeKMH = math.Round(10*perHour*c.way/max(c.time, 1e-9))/10, math.Round(10*perHour*c.freely())/10
	}
	c.told, c.turning = level, -1
	c.n++
	c.set(now.minute, c.levels, c.told)
	c.state(sidecar.CongestionLevel, c.id, c.n, now, data)
}

// service names a level: A to F.
func service(level int) string { return string(rune('A' + level)) }

// Join goes on with the longer drive.
func (c *congestion) Join(from, into *object, _ moment) {
	f, d := c.drivers[from], c.drivers[into]
	delete(c.drivers, from)
	if f != nil && f.inside && (d == nil || !d.inside || f.came < d.came) {
		c.drivers[into] = f
	}
}

// Leave ends a drive.
func (c *congestion) Leave(o *object) {
	if d := c.drivers[o]; d != nil {
		c.out(c.last, d, c.unitOf(slices.Index(c.classes, o.track.Class)))
		delete(c.drivers, o)
	}
}

// Undecided is never.
func (c *congestion) Undecided() (time.Time, bool) { return time.Time{}, false }

// percentile keeps the distribution of a positive number, in classes that are 5 %
// wide, and forgets half of it in a day.
type percentile struct {
	bins [128]float64
	sum  float64
	last time.Duration
	n    int
}

const (
	firstBin   = 0.1
	binRatio   = 1.05
	forgetHalf = 24 * time.Hour
)

func (p *percentile) add(v float64, now time.Duration) {
	if fade := math.Exp2(-(now - p.last).Seconds() / forgetHalf.Seconds()); fade < 1 {
		p.sum *= fade
		for i := range p.bins {
			p.bins[i] *= fade
		}
	}
	p.last = now
	i := int(math.Log(max(v, firstBin)/firstBin) / math.Log(binRatio))
	p.bins[min(i, len(p.bins)-1)]++
	p.sum++
	p.n++
}

// at is the number that a part of all does not exceed; 0 where there is none.
func (p *percentile) at(part float64) float64 {
	sum := 0.0
	for i, n := range p.bins {
		if sum += n; n > 0 && sum >= part*p.sum {
			return firstBin * math.Pow(binRatio, float64(i)+0.5)
		}
	}
	return 0
}
