package camera

import (
	"context"
	"errors"
	"time"

	"pantau/onvif/soap"
)

const (
	keyEvery = 5 * time.Second  // from asking a camera for a key frame to asking again
	keyTime  = 10 * time.Second // for it to answer
)

// KeyFrame asks a camera for a key frame now (ONVIF's SetSynchronizationPoint), so that a
// decoder need not wait for the next one. It does not block: Run does the work. A camera
// that is none of ONVIF's, that was asked a moment ago or that cannot is left alone.
func (d *Devices) KeyFrame(id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	known := d.known[id]
	if known == nil || known.never || known.found.Profile.Token == "" || time.Since(known.asked) < keyEvery {
		return
	}
	known.asked = time.Now()
	select {
	case d.keys <- id:
	default: // many ask: the next key frame comes anyway
	}
}

// refresh asks one camera.
func (d *Devices) refresh(ctx context.Context, id string) {
	d.mu.Lock()
	known := d.known[id]
	if known == nil {
		d.mu.Unlock()
		return
	}
	camera, profile := known.camera, known.found.Profile
	d.mu.Unlock()
	source := d.source(camera)
	ctx, cancel := context.WithTimeout(ctx, keyTime)
	defer cancel()
	c, err := Dial(ctx, source)
	if err == nil {
		err = c.SetSynchronizationPoint(ctx, profile)
		c.Close()
	}
	if err == nil || ctx.Err() != nil {
		return
	}
	d.o.Log.Debug("the camera sends no key frame when asked", "camera", id, "error", err)
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case errors.Is(err, soap.ErrNotSupported):
		known.never = true
	case isFault(fault(err)): // a refused password, which may be mended in the camera; it locks accounts
		known.asked = time.Now().Add(faulty)
	}
}
