package track

import (
	"math"

	"pantau/sidecar"
)

// axis is a Kalman filter (Kalman 1960) over one coordinate with constant
// velocity, driven by white acceleration (Bar-Shalom, Li, Kirubarajan 2001,
// section 6.2.2): its uncertainty grows with the time that passed and not with
// the number of frames.
type axis struct {
	x, v          float64 // picture sides, picture sides per second
	pxx, pxv, pvv float64 // covariance
}

// predict moves the axis dt seconds on. q is the spectral density of its acceleration.
func (a *axis) predict(dt, q float64) {
	a.x += a.v * dt
	a.pxx += dt * (2*a.pxv + dt*(a.pvv+q*dt/3))
	a.pxv += dt * (a.pvv + q*dt/2)
	a.pvv += q * dt
}

// update takes a measurement z with variance r. What lies further than outlier
// standard deviations from the prediction weighs less the further it lies
// (Huber 1964): a box that jumps does not drag the object along.
func (a *axis) update(z, r float64) {
	miss, s := z-a.x, a.pxx+r
	if limit := outlier * math.Sqrt(s); math.Abs(miss) > limit {
		s *= math.Abs(miss) / limit
	}
	gx, gv := a.pxx/s, a.pxv/s
	a.x += gx * miss
	a.v += gv * miss
	a.pvv -= gv * a.pxv
	a.pxv -= gx * a.pxv
	a.pxx -= gx * a.pxx
}

// sigma is the standard deviation of the coordinate.
func (a *axis) sigma() float64 { return math.Sqrt(a.pxx) }

// forget drops the velocity for one around zero, with a standard deviation of sigma.
func (a *axis) forget(sigma float64) {
	a.v, a.pxv, a.pvv = 0, 0, sigma*sigma
}

// filter estimates a box: centre and size, as four independent axes (BoT-SORT's
// state, Aharon 2022). All noise is relative to the size of the box, so that
// near and far objects, and pictures of any shape, are treated alike.
type filter struct {
	cx, cy, w, h axis
}

// newFilter begins at a first box, with unknown velocity.
func newFilter(b sidecar.Box) filter {
	c, w, h := b.Centre(), b.Width(), b.Height()
	f := filter{cx: axis{x: c[0]}, cy: axis{x: c[1]}, w: axis{x: w}, h: axis{x: h}}
	f.cx.pxx, f.cy.pxx = variance(centreNoise, w), variance(centreNoise, h)
	f.w.pxx, f.h.pxx = variance(sizeNoise, w), variance(sizeNoise, h)
	f.forget()
	return f
}

// forget drops all velocities.
func (f *filter) forget() {
	f.cx.forget(firstSpeed * f.w.x)
	f.cy.forget(firstSpeed * f.h.x)
	f.w.forget(firstGrowth * f.w.x)
	f.h.forget(firstGrowth * f.h.x)
}

// predict moves the box dt seconds on. agility scales its acceleration: 1 for
// what moves, less for what stands. Growth dies away, so that nothing that is
// hidden grows or shrinks for long.
func (f *filter) predict(dt, agility float64) {
	qx, qy := agility*acceleration*f.w.x, agility*acceleration*f.h.x
	f.cx.predict(dt, qx*qx)
	f.cy.predict(dt, qy*qy)
	decay := math.Exp(-dt / growthTime)
	f.w.v *= decay
	f.h.v *= decay
	gx, gy := agility*growth*f.w.x, agility*growth*f.h.x
	f.w.predict(dt, gx*gx)
	f.h.predict(dt, gy*gy)
	f.keepSize()
}

// update takes an observed box, measured with a variance of noise times the
// usual one.
func (f *filter) update(b sidecar.Box, noise float64) {
	c, w, h := b.Centre(), f.w.x, f.h.x
	f.cx.update(c[0], noise*variance(centreNoise, w))
	f.cy.update(c[1], noise*variance(centreNoise, h))
	f.w.update(b.Width(), noise*variance(sizeNoise, w))
	f.h.update(b.Height(), noise*variance(sizeNoise, h))
	f.keepSize()
}

// keepSize holds width and height positive.
func (f *filter) keepSize() {
	f.w.x, f.h.x = max(f.w.x, smallest), max(f.h.x, smallest)
}

// box is the estimate.
func (f *filter) box() sidecar.Box {
	return sidecar.Box{
		Left: f.cx.x - f.w.x/2, Top: f.cy.x - f.h.x/2,
		Right: f.cx.x + f.w.x/2, Bottom: f.cy.x + f.h.x/2,
	}
}

// finite says whether all of the estimate are numbers.
func (f *filter) finite() bool {
	s := f.cx.x + f.cy.x + f.w.x + f.h.x + f.cx.v + f.cy.v + f.w.v + f.h.v
	return !math.IsNaN(s) && !math.IsInf(s, 0)
}

// variance is that of a measurement with a standard deviation of part of a
// side, and never less than a detector's grid resolves.
func variance(part, side float64) float64 {
	return part*part*side*side + resolution*resolution
}
