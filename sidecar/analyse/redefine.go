package analyse

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"pantau/sidecar"
)

// usualFPS is how many frames are expected per second where Options do not say.
const usualFPS = 8

// Redefine gives the camera other functions, or others things to be named in its
// counts. Functions that are the same as before are not touched, and minutes and
// totals go on. It gives the last events of those that are no more. A wrong
// function changes nothing: the error is a *sidecar.FieldError, with a path inside
// the camera.
func (a *Analyser) Redefine(c sidecar.Camera, o Options) ([]sidecar.Event, error) {
	if err := checkAll(c.Functions); err != nil {
		return nil, err
	}
	if !(o.FPS > 0) {
		o.FPS = usualFPS
	}
	a.events = nil
	kept := make([]Analytic, len(c.Functions))
	for i, f := range a.functions {
		if j := slices.IndexFunc(c.Functions, func(g sidecar.Function) bool { return reflect.DeepEqual(f, g) }); j >= 0 {
			kept[j] = a.analytics[i]
			continue
		}
		a.dismiss(a.analytics[i], f.ID)
	}
	a.camera, a.timezone, a.model, a.rules = c.ID, c.Timezone, o.Model, o.Rules
	a.interval = time.Duration(float64(time.Second) / o.FPS)
	for _, obj := range a.live { // what was before is not for the new ones
		obj.start, obj.zones = obj.fix, 0
	}
	for i, f := range c.Functions {
		if kept[i] == nil {
			kept[i] = kinds[f.Kind].make(f, &a.book)
		}
	}
	a.analytics, a.functions = kept, slices.Clone(c.Functions)
	a.areas = newAreas(kept)
	return a.events, nil
}

// dismiss ends an analytic.
func (a *Analyser) dismiss(k Analytic, rule string) {
	for _, objects := range [2][]*object{a.live, a.lost} {
		for _, o := range objects {
			k.Leave(o)
		}
	}
	a.retire(a.clock.last.minute, rule)
}

// checkAll checks each function, and their ids against each other.
func checkAll(functions []sidecar.Function) error {
	if len(functions) > most {
		return &sidecar.FieldError{Field: "functions", Problem: fmt.Sprintf("the camera has %d functions", len(functions)),
			Remedy: fmt.Sprintf("%d are possible", most)}
	}
	for i, f := range functions {
		err := Check(f)
		if err == nil && slices.ContainsFunc(functions[:i], func(g sidecar.Function) bool { return g.ID == f.ID }) {
			err = &sidecar.FieldError{Field: "id", Problem: fmt.Sprintf("id %q stands twice", f.ID),
				Remedy: "give each function of a camera its own id"}
		}
		if bad := new(sidecar.FieldError); errors.As(err, &bad) {
			bad.Field = fmt.Sprintf("functions[%d].%s", i, bad.Field)
			return bad
		}
	}
	return nil
}
