package devices

import (
	"maps"
	"slices"

	"pantau/onvif/device"
	"pantau/onvif/metadata"
	"pantau/sidecar"
)

// rulesOf writes functions as rules: those for which ONVIF, or package notify, has words.
// Speeds and turns have none.
func rulesOf(functions []sidecar.Function) []device.Rule {
	var all []device.Rule
	for _, f := range functions {
		r := device.Rule{Name: f.ID, Classes: classesOf(f.Classes)}
		switch f.Kind {
		case "line":
			r.Type, r.Line = device.LineCounting, points(f.Line)
		case "zone":
			r.Type, r.Field = device.FieldDetector, points(f.Polygon)
			if f.TimeThreshold > 0 {
				r.Type, r.Threshold = device.LoiteringDetector, f.TimeThreshold
			}
		case "parking":
			r.Type, r.Field = device.OccupancyCounting, points(f.Polygon)
			if len(f.Bays) > 0 {
				r.Field = points(around(f.Bays))
			}
		case "crowd":
			r.Type, r.Field = device.OccupancyCounting, points(f.Polygon)
		case "congestion":
			r.Type, r.Field = device.Congestion, points(f.Polygon)
			if f.Plane != nil {
				r.Field = points(f.Plane.Points)
			}
		default:
			continue
		}
		all = append(all, r)
		for _, bay := range slices.Sorted(maps.Keys(f.Bays)) {
			all = append(all, device.Rule{Name: f.ID + "/" + bay, Type: device.FieldDetector, Field: points(f.Bays[bay]), Classes: r.Classes})
		}
	}
	return all
}

// around is the rectangle in which all bays lie.
func around(bays map[string]sidecar.Polygon) sidecar.Polygon {
	left, top, right, bottom := 1.0, 1.0, 0.0, 0.0
	for _, b := range bays {
		for _, p := range b {
			left, right = min(left, p.X()), max(right, p.X())
			top, bottom = min(top, p.Y()), max(bottom, p.Y())
		}
	}
	return sidecar.Polygon{{left, top}, {right, top}, {right, bottom}, {left, bottom}}
}

func points(all []sidecar.Point) []device.Point {
	out := make([]device.Point, len(all))
	for i, p := range all {
		out[i] = device.FromPicture(p.X(), p.Y())
	}
	return out
}

// classesOf are ONVIF's names: of the vehicle where it is one, otherwise of the object.
func classesOf(all []sidecar.Class) []string {
	var out []string
	for _, c := range all {
		objects, vehicle := metadata.Classify(string(c), 1)
		name := objects[0].Name
		if vehicle.Name != "" {
			name = vehicle.Name
		}
		out = append(out, name)
	}
	return out
}
