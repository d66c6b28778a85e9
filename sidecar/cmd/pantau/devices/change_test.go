package devices

import (
	"context"
	"errors"
	"log/slog"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pantau/onvif/device"
	"pantau/sidecar"
	"pantau/sidecar/analyse"
)

// every is a function of each kind, with points that five decimals do not hold.
func every() []sidecar.Function {
	square := sidecar.Polygon{{0.1234567, 0.2}, {0.8, 0.2000001}, {0.8, 1.0 / 3}}
	return []sidecar.Function{
		{ID: "l", Kind: "line", Line: []sidecar.Point{{0.27, 0.85}, {1.0 / 3, 0.1}}, Classes: []sidecar.Class{sidecar.Car, sidecar.Person}},
		{ID: "m", Kind: "line", Line: []sidecar.Point{{0.27, 0.25}, {0.9, 0.1}}, Classes: []sidecar.Class{sidecar.Car, sidecar.Person}},
		{ID: "z", Kind: "zone", Polygon: square, Dwell: time.Minute},
		{ID: "s", Kind: "zone", Polygon: square, TimeThreshold: 90 * time.Second},
		{ID: "p", Kind: "parking", Bays: map[string]sidecar.Polygon{"A": square, "B": square}},
		{ID: "k", Kind: "parking", Polygon: square, Capacity: 3},
		{ID: "c", Kind: "crowd", Polygon: square, Levels: []int{5}},
		{ID: "j", Kind: "congestion", Polygon: square, Lanes: 2},
		{ID: "g", Kind: "congestion", Plane: &sidecar.Plane{Points: []sidecar.Point{{0.4, 0.4}, {0.6, 0.4}, {0.9, 0.9}, {0.1, 0.9}}, Width: 7, Length: 30}},
		{ID: "v", Kind: "speed", Plane: &sidecar.Plane{Points: []sidecar.Point{{0.4, 0.4}, {0.6, 0.4}, {0.9, 0.9}, {0.1, 0.9}}, Width: 7, Length: 30}},
		{ID: "t", Kind: "turns", Lines: []string{"l", "m"}},
	}
}

// changing are devices whose functions are in a slice.
func changing(all *[]sidecar.Function, told *[]string) *Devices {
	return &Devices{o: Options{File: "pantau.yaml", Log: slog.New(slog.DiscardHandler),
		Audit: func(_ context.Context, who, action, what string) { *told = append(*told, who+" "+action+" "+what) },
		Change: func(_ context.Context, camera string, change func([]sidecar.Function) ([]sidecar.Function, error)) error {
			if camera != "cam" {
				return &sidecar.Fault{Err: errors.New("the file is read-only"), Hint: "let it be written"}
			}
			want, err := change(*all)
			if err != nil {
				return err
			}
			for i, f := range want {
				var field *sidecar.FieldError
				if errors.As(analyse.Check(f), &field) {
					field.Field = "functions[" + strconv.Itoa(i) + "]." + field.Field
					return field
				}
			}
			if err := analyse.CheckAll(want); err != nil {
				return err
			}
			*all = want
			return nil
		}}}
}

// asWritten are rules with as many digits as GetRules writes.
func asWritten(rules []device.Rule) []device.Rule {
	for i := range rules {
		for _, points := range [][]device.Point{rules[i].Line, rules[i].Field} {
			for n, p := range points {
				for _, v := range []*float64{&p.X, &p.Y} {
					*v, _ = strconv.ParseFloat(strconv.FormatFloat(*v, 'f', 5, 64), 64)
				}
				points[n] = p
			}
		}
	}
	return rules
}

// TestRulesWrittenBackChangeNothing to the last digit: a client that reads all rules and
// writes them back.
func TestRulesWrittenBackChangeNothing(t *testing.T) {
	all, told := every(), []string{}
	d := changing(&all, &told)
	if err := d.ChangeRules(t.Context(), "cam", "Siti", device.RuleChange{Modify: asWritten(rulesOf(all))}); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(all, every()) {
		t.Errorf("got\n%+v\nwant\n%+v", all, every())
	}
}

func TestRulesBecomeFunctions(t *testing.T) {
	line := []device.Point{{X: -0.46, Y: -0.7}, {X: 0.123456789, Y: 1}}
	field := []device.Point{{X: -0.5, Y: 0.5}, {X: 0.5, Y: 0.5}, {X: 0, Y: -0.5}}
	polygon := sidecar.Polygon{{0.25, 0.25}, {0.75, 0.25}, {0.5, 0.75}}
	for _, c := range []struct {
		name   string
		remove []string
		put    device.Rule
		id     string
		want   *sidecar.Function // nil: it is gone
		fault  string
	}{
		{name: "a line", put: device.Rule{Name: "n", Type: device.LineCounting, Line: line, Classes: []string{"Vehicle", "Bus", "Human"}}, id: "n",
			want: &sidecar.Function{ID: "n", Kind: "line", Line: []sidecar.Point{{0.27, 0.85}, {0.561728, 0}}, Classes: []sidecar.Class{"bus", "car", "motorcycle", "truck", "person"}}},
		{name: "a zone", put: device.Rule{Name: "n", Type: device.FieldDetector, Field: field}, id: "n", want: &sidecar.Function{ID: "n", Kind: "zone", Polygon: polygon}},
		{name: "loitering", put: device.Rule{Name: "n", Type: device.LoiteringDetector, Field: field, Threshold: time.Minute}, id: "n", want: &sidecar.Function{ID: "n", Kind: "zone", Polygon: polygon, TimeThreshold: time.Minute}},
		{name: "congestion", put: device.Rule{Name: "n", Type: device.Congestion, Field: field}, id: "n", want: &sidecar.Function{ID: "n", Kind: "congestion", Polygon: polygon}},
		{name: "a zone that loiters from now on", put: device.Rule{Name: "z", Type: device.LoiteringDetector, Field: field, Threshold: time.Minute}, id: "z", want: &sidecar.Function{ID: "z", Kind: "zone", Polygon: polygon, Dwell: time.Minute, TimeThreshold: time.Minute}},
		{name: "a bay", put: device.Rule{Name: "p/B", Type: device.FieldDetector, Field: field}, id: "p", want: &sidecar.Function{ID: "p", Kind: "parking", Bays: map[string]sidecar.Polygon{"A": every()[4].Bays["A"], "B": polygon}}},
		{name: "a kerb", put: device.Rule{Name: "k", Type: device.OccupancyCounting, Field: field, Classes: []string{"Truck"}}, id: "k", want: &sidecar.Function{ID: "k", Kind: "parking", Polygon: polygon, Capacity: 3, Classes: []sidecar.Class{"truck"}}},
		{name: "one point of a plane", put: device.Rule{Name: "g", Type: device.Congestion, Field: []device.Point{{X: -0.2, Y: 0.2}, {X: 0.2, Y: 0.2}, {X: 0.8, Y: -0.8}, {X: -0.9, Y: -0.8}}}, id: "g",
			want: &sidecar.Function{ID: "g", Kind: "congestion", Plane: &sidecar.Plane{Points: []sidecar.Point{{0.4, 0.4}, {0.6, 0.4}, {0.9, 0.9}, {0.05, 0.9}}, Width: 7, Length: 30}}},
		{name: "gone", remove: []string{"z"}, id: "z"},

		{name: "the same type it stays", put: device.Rule{Name: "z", Type: device.LineCounting, Line: line}, fault: "invalid: rule \"z\" is of type FieldDetector"},
		{name: "the id of a function that is no rule", put: device.Rule{Name: "v", Type: device.LineCounting, Line: line}, fault: "invalid: rule \"v\": a function of kind speed"},
		{name: "no id", put: device.Rule{Name: "a b", Type: device.FieldDetector, Field: field}, fault: "invalid: function \"a b\": id: ' ' is not allowed"},
		{name: "at the picture's edge", put: device.Rule{Name: "n", Type: device.LineCounting, Line: []device.Point{{X: -0.8, Y: -0.98}, {X: 0.8, Y: -0.98}}}, fault: "invalid: function \"n\": line: "},
		{name: "an unknown class", put: device.Rule{Name: "n", Type: device.FieldDetector, Field: field, Classes: []string{"Dragon"}}, fault: "invalid: function \"n\": classes[0]: unknown class"},
		{name: "around bays", put: device.Rule{Name: "p", Type: device.OccupancyCounting, Field: field}, fault: "rule \"p\" is around its bays"},
		{name: "classes of a bay", put: device.Rule{Name: "p/A", Type: device.FieldDetector, Field: field, Classes: []string{"Car"}}, fault: "its place alone"},
		{name: "a new bay", put: device.Rule{Name: "p/C", Type: device.FieldDetector, Field: field}, fault: "invalid: rule \"p/C\""},
		{name: "a line that turns need", remove: []string{"l"}, fault: "lines[0]"},
		{name: "gone already", remove: []string{"x"}, fault: "invalid: there is no rule \"x\" any more"},
	} {
		t.Run(c.name, func(t *testing.T) {
			all, told := every(), []string{}
			change := device.RuleChange{Delete: c.remove}
			switch named := func(r device.Rule) bool { return r.Name == c.put.Name }; {
			case slices.ContainsFunc(rulesOf(all), named):
				change.Modify = []device.Rule{c.put}
			case c.put.Name != "":
				change.Create = []device.Rule{c.put}
			}
			err := changing(&all, &told).ChangeRules(t.Context(), "cam", "Siti", change)
			if c.fault != "" {
				var r *device.Refusal
				if !errors.As(err, &r) || !strings.HasPrefix(map[bool]string{true: "invalid: "}[r.Invalid]+r.Reason, c.fault) && (r.Invalid || !strings.Contains(r.Reason, c.fault)) {
					t.Errorf("got %v, want %q", err, c.fault)
				}
				if !reflect.DeepEqual(all, every()) || len(told) > 0 {
					t.Errorf("it has changed: %v", told)
				}
				return
			}
			if err != nil || len(told) != 1 || !strings.HasPrefix(told[0], "Siti function.") {
				t.Fatalf("got %v, told %v", err, told)
			}
			i := slices.IndexFunc(all, func(f sidecar.Function) bool { return f.ID == c.id })
			if (i < 0) != (c.want == nil) || c.want != nil && !reflect.DeepEqual(all[i], *c.want) {
				t.Errorf("got %+v", all)
			}
		})
	}
	all, told := every(), []string{}
	var r *device.Refusal
	if err := changing(&all, &told).ChangeRules(t.Context(), "other", "Siti", device.RuleChange{Delete: []string{"z"}}); !errors.As(err, &r) || r.Invalid || !strings.Contains(r.Reason, "let it be written") {
		t.Errorf("got %v", err)
	}
}

// TestWhatTheServerDoesNotKnowYet: somebody has made or deleted the function meanwhile, which
// is then neither written over nor made anew.
func TestWhatTheServerDoesNotKnowYet(t *testing.T) {
	field := []device.Point{{X: -0.5, Y: 0.5}, {X: 0.5, Y: 0.5}, {X: 0, Y: -0.5}}
	zone := func(name string) []device.Rule {
		return []device.Rule{{Name: name, Type: device.FieldDetector, Field: field}}
	}
	for _, c := range []struct {
		change device.RuleChange
		code   string
	}{
		{device.RuleChange{Create: zone("z")}, device.RuleExists},
		{device.RuleChange{Create: zone("v")}, device.RuleExists},
		{device.RuleChange{Create: append(zone("n"), zone("n")...)}, device.RuleExists},
		{device.RuleChange{Modify: zone("n")}, device.NoRule},
		{device.RuleChange{Modify: zone("v")}, device.NoRule},
		{device.RuleChange{Modify: zone("p/C")}, device.NoRule},
		{device.RuleChange{Modify: zone("z"), Delete: []string{"z"}}, device.NoRule},
		{device.RuleChange{Delete: []string{"n"}}, device.NoRule},
	} {
		all, told := every(), []string{}
		var r *device.Refusal
		if err := changing(&all, &told).ChangeRules(t.Context(), "cam", "Siti", c.change); !errors.As(err, &r) || !r.Invalid || r.Code != c.code {
			t.Errorf("%+v: got %v, want %s", c.change, err, c.code)
		}
		if !reflect.DeepEqual(all, every()) || len(told) > 0 {
			t.Errorf("%+v: it has changed: %v", c.change, told)
		}
	}
}

// TestAChangeThatIsNotInForceYetIsDone, and the audit is told.
func TestAChangeThatIsNotInForceYetIsDone(t *testing.T) {
	all, told := every(), []string{}
	d := changing(&all, &told)
	change := d.o.Change
	d.o.Change = func(ctx context.Context, camera string, f func([]sidecar.Function) ([]sidecar.Function, error)) error {
		return errors.Join(change(ctx, camera, f), sidecar.ErrNotYet)
	}
	if err := d.ChangeRules(t.Context(), "cam", "Siti", device.RuleChange{Delete: []string{"z"}}); err != nil || len(told) != 1 {
		t.Errorf("got %v, told %v", err, told)
	}
}
