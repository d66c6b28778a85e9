package look

import (
	"math"
	"reflect"

	"pantau/sidecar"
)

// Core is the upright rectangle around all points that a function names, whatever
// its kind; false: it names none.
func Core(f sidecar.Function) (sidecar.Box, bool) {
	b := sidecar.Box{Left: math.Inf(1), Top: math.Inf(1), Right: math.Inf(-1), Bottom: math.Inf(-1)}
	points(reflect.ValueOf(f), func(p sidecar.Point) {
		b = union(b, sidecar.Box{Left: p.X(), Top: p.Y(), Right: p.X(), Bottom: p.Y()})
	})
	return b.Clamp(), b.Left <= b.Right
}

// points gives every point in a value: a new kind of function, with a field of its
// own, is looked at without a change here.
func points(v reflect.Value, found func(sidecar.Point)) {
	switch {
	case v.Type() == reflect.TypeFor[sidecar.Point]():
		found(v.Interface().(sidecar.Point))
	case v.Kind() == reflect.Pointer && !v.IsNil():
		points(v.Elem(), found)
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			points(v.Field(i), found)
		}
	case v.Kind() == reflect.Slice || v.Kind() == reflect.Array:
		for i := range v.Len() {
			points(v.Index(i), found)
		}
	case v.Kind() == reflect.Map:
		for _, key := range v.MapKeys() {
			points(v.MapIndex(key), found)
		}
	}
}
