package devices

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"pantau/onvif/device"
	"pantau/onvif/metadata"
	"pantau/sidecar"
)

// ChangeRules changes the functions that stand behind rules, in the file.
func (d *Devices) ChangeRules(ctx context.Context, camera, user string, c device.RuleChange) error {
	if d.o.Change == nil {
		return &device.Refusal{Reason: fmt.Sprintf("the rules of %s are the functions in %s, which this program only reads: change them there", camera, d.o.File)}
	}
	var ids []string // of the functions as they were to be
	put := slices.Concat(c.Modify, c.Create)
	err := d.o.Change(ctx, camera, func(all []sidecar.Function) ([]sidecar.Function, error) {
		all = slices.Clone(all)
		for _, name := range c.Delete {
			i := indexOf(all, name)
			if i < 0 {
				return nil, noRule(name)
			}
			all = slices.Delete(all, i, i+1)
		}
		for _, r := range c.Modify {
			if err := modify(all, r); err != nil {
				return nil, err
			}
		}
		for _, r := range c.Create {
			f, err := created(all, r)
			if err != nil {
				return nil, err
			}
			all = append(all, f)
		}
		for _, f := range all {
			ids = append(ids, f.ID)
		}
		return all, nil
	})
	if err != nil && !errors.Is(err, sidecar.ErrNotYet) { // ONVIF has no word for that
		return refusal(err, ids, put)
	}
	for _, name := range c.Delete {
		d.audit(ctx, user, "function.remove", camera+"/"+name)
	}
	for _, r := range put {
		id, _, _ := strings.Cut(r.Name, "/")
		d.audit(ctx, user, "function.put", camera+"/"+id)
	}
	return nil
}

func (d *Devices) audit(ctx context.Context, user, action, what string) {
	d.o.Log.Info("rule changed over ONVIF", "action", action, "what", what, "by", user)
	if d.o.Audit != nil {
		d.o.Audit(ctx, user, action, what)
	}
}

// refuse is a refusal of what does not fit to what is there.
func refuse(format string, args ...any) error {
	return &device.Refusal{Reason: fmt.Sprintf(format, args...)}
}

// wrong is a refusal of what is wrong in itself.
func wrong(format string, args ...any) error {
	return &device.Refusal{Reason: fmt.Sprintf(format, args...), Invalid: true}
}

// noRule is the refusal of a change to what is not there, or not any more.
func noRule(name string) error {
	return &device.Refusal{Reason: fmt.Sprintf("there is no rule %q any more; read the rules again", name), Invalid: true, Code: device.NoRule}
}

// refusal is why functions were not changed, for the client. What is wrong in a function
// that was sent is told of its rule; the ids are those in whose order functions are named.
func refusal(err error, ids []string, put []device.Rule) error {
	var field *sidecar.FieldError
	var fault *sidecar.Fault
	switch {
	case errors.As(err, &field):
		n, rest := 0, ""
		if _, err := fmt.Sscanf(field.Field, "functions[%d].%s", &n, &rest); err != nil || n >= len(ids) {
			return refuse("%s", field.Error())
		}
		said := fmt.Sprintf("function %q: %s: %s; %s", ids[n], rest, field.Problem, field.Remedy)
		if slices.ContainsFunc(put, func(r device.Rule) bool { return r.Name == ids[n] }) {
			return wrong("%s", said)
		}
		return refuse("%s", said)
	case errors.As(err, &fault):
		return refuse("%s", fault.Error())
	}
	return err
}

func indexOf(all []sidecar.Function, id string) int {
	return slices.IndexFunc(all, func(f sidecar.Function) bool { return f.ID == id })
}

// modify changes one of the functions as a rule says.
func modify(all []sidecar.Function, r device.Rule) (err error) {
	id, bay, inside := strings.Cut(r.Name, "/")
	i := indexOf(all, id)
	switch {
	case i < 0, inside && all[i].Bays[bay] == nil:
		return noRule(r.Name)
	case inside:
		all[i], err = withBay(all[i], bay, r)
	default:
		all[i], err = changed(all[i], r)
	}
	return err
}

// created is a new function as a rule says, beside others.
func created(all []sidecar.Function, r device.Rule) (sidecar.Function, error) {
	if strings.Contains(r.Name, "/") {
		return sidecar.Function{}, wrong("rule %q: the name of a new rule has no slash, which is for bays; those are made over the API or in the file", r.Name)
	}
	if i := indexOf(all, r.Name); i >= 0 {
		return sidecar.Function{}, &device.Refusal{Reason: fmt.Sprintf("rule %q: a function of kind %s has this id already; choose another name, or change a rule by ModifyRules", r.Name, all[i].Kind), Invalid: true, Code: device.RuleExists}
	}
	return made(r)
}

// made is a new function.
func made(r device.Rule) (sidecar.Function, error) {
	f := sidecar.Function{ID: r.Name, Classes: named(r.Classes), TimeThreshold: r.Threshold}
	switch r.Type {
	case device.LineCounting:
		f.Kind, f.Line = "line", moved(nil, nil, r.Line)
	case device.FieldDetector, device.LoiteringDetector:
		f.Kind, f.Polygon = "zone", moved(nil, nil, r.Field)
	case device.Congestion:
		f.Kind, f.Polygon = "congestion", moved(nil, nil, r.Field)
	default:
		return f, refuse("rule %q: a function for %s is made over the API or in the file", r.Name, r.Type)
	}
	return f, nil
}

// changed is a function with what is other in its rule. Whatever the rule says as GetRules
// does stays as it stands in the file, to the last digit.
func changed(f sidecar.Function, r device.Rule) (sidecar.Function, error) {
	told := rulesOf([]sidecar.Function{f})
	if len(told) == 0 {
		return f, noRule(r.Name) // a function of a kind that has no rules
	}
	was := told[0]
	if zones := []string{device.FieldDetector, device.LoiteringDetector}; r.Type != was.Type && (!slices.Contains(zones, r.Type) || !slices.Contains(zones, was.Type)) {
		return f, wrong("rule %q is of type %s, and stays so; delete it, and make one of type %s", r.Name, was.Type, r.Type)
	}
	if !slices.Equal(r.Classes, was.Classes) {
		f.Classes = named(r.Classes)
	}
	if r.Threshold != was.Threshold {
		f.TimeThreshold = r.Threshold
	}
	switch {
	case f.Kind == "line":
		f.Line = moved(f.Line, was.Line, r.Line)
	case len(f.Bays) > 0:
		if !alike(was.Field, r.Field) {
			return f, refuse("rule %q is around its bays: change those, %q and so on", r.Name, told[1].Name)
		}
	case f.Kind == "congestion" && f.Plane != nil:
		plane := *f.Plane
		plane.Points = moved(plane.Points, was.Field, r.Field)
		f.Plane = &plane
	default:
		f.Polygon = moved(f.Polygon, was.Field, r.Field)
	}
	return f, nil
}

// withBay is a parking with another place for one bay.
func withBay(f sidecar.Function, bay string, r device.Rule) (sidecar.Function, error) {
	if r.Type != device.FieldDetector || !slices.Equal(r.Classes, classesOf(f.Classes)) {
		return f, refuse("rule %q is a bay of %s: its place alone can be changed", r.Name, f.ID)
	}
	old := f.Bays[bay]
	f.Bays = maps.Clone(f.Bays)
	f.Bays[bay] = moved(old, points(old), r.Field)
	return f, nil
}

// precision is how far apart coordinates are that GetRules writes alike, at most: it
// writes five decimals of −1..1.
const precision = 0.6e-5

func sameSpot(a, b device.Point) bool {
	return math.Abs(a.X-b.X) < precision && math.Abs(a.Y-b.Y) < precision
}

// alike says whether a client was told these points.
func alike(told, got []device.Point) bool { return slices.EqualFunc(told, got, sameSpot) }

// moved are the points that a rule has now, as they stand in a file: those that are where
// they were stay as they are, the others have six decimals, which is as much as five of
// −1..1.
func moved(old []sidecar.Point, told, now []device.Point) []sidecar.Point {
	out := make([]sidecar.Point, len(now))
	for i, p := range now {
		if len(told) == len(now) && sameSpot(told[i], p) {
			out[i] = old[i]
			continue
		}
		x, y := p.Picture()
		out[i] = sidecar.Point{math.Round(x*1e6) / 1e6, math.Round(y*1e6) / 1e6}
	}
	return out
}

// named are the classes that ONVIF's names stand for, each once.
func named(all []string) []sidecar.Class {
	var out []sidecar.Class
	for _, name := range all {
		for _, c := range metadata.Named(name) {
			if !slices.Contains(out, sidecar.Class(c)) {
				out = append(out, sidecar.Class(c))
			}
		}
	}
	return out
}
