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
	if err := CheckAll(c.Functions); err != nil {
		return nil, err
	}
	if !(o.FPS > 0) {
		o.FPS = usualFPS
	}
	a.events = nil
	functions := slices.Clone(c.Functions)
	slices.SortStableFunc(functions, func(f, g sidecar.Function) int { return rank(f) - rank(g) })
	kept := make([]Analytic, len(functions))
	for i, f := range a.functions {
		if j := slices.IndexFunc(functions, func(g sidecar.Function) bool { return reflect.DeepEqual(f, g) }); j >= 0 {
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
	for i, f := range functions {
		if kept[i] == nil {
			kept[i] = kinds[f.Kind].make(f, &a.book)
		}
	}
	a.analytics, a.functions = kept, functions
	a.areas = newAreas(kept)
	a.watchers = nil
	for _, k := range kept {
		if w, ok := k.(watcher); ok {
			a.watchers = append(a.watchers, w)
		}
	}
	return a.events, nil
}

// rank puts functions that listen to others after them.
func rank(f sidecar.Function) int {
	if kinds[f.Kind].beside != nil {
		return 1
	}
	return 0
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

// CheckAll says what is wrong with the functions of a camera, by themselves or beside
// each other, as a *sidecar.FieldError with a path inside the camera, or nil.
func CheckAll(functions []sidecar.Function) error {
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
		if beside := kinds[f.Kind].beside; err == nil && beside != nil {
			err = beside(f, functions)
		}
		if bad := new(sidecar.FieldError); errors.As(err, &bad) {
			bad.Field = fmt.Sprintf("functions[%d].%s", i, bad.Field)
			return bad
		}
	}
	return nil
}
