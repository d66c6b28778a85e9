package device

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"pantau/onvif/soap"
)

// rule writes a request's tt:Config.
func rule(name, kind, items string) string {
	return `<Rule Name="` + name + `" Type="` + kind + `"><tt:Parameters>` + items + `</tt:Parameters></Rule>`
}

// TestRulesAreReadAsTheyAreWritten: what GetRules gives, ModifyRules takes.
func TestRulesAreReadAsTheyAreWritten(t *testing.T) {
	s := start(t, Options{}, street())
	got, err := ask(t, s, "viewer", analyticsSpace, "GetRules", "<ConfigurationToken>cam-1</ConfigurationToken>")
	if err != nil {
		t.Fatal(err)
	}
	for i, e := range got.All("Rule") {
		r, err := readRule(got, e)
		if want := street().Rules[i]; err != nil || !reflect.DeepEqual(r, want) {
			t.Errorf("got %+v, %v, want %+v", r, err, want)
		}
	}
}

func TestPointsTurnOver(t *testing.T) {
	p := FromPicture(0.25, 0.75)
	if x, y := p.Picture(); p != (Point{-0.5, -0.5}) || x != 0.25 || y != 0.75 {
		t.Errorf("got %v, back %v %v", p, x, y)
	}
}

func TestChangesOfRules(t *testing.T) {
	backend := &people{}
	s := start(t, Options{Backend: backend}, street())
	field := `<tt:ElementItem Name="Field"><tt:Polygon><tt:Point x="0" y="0"/><tt:Point x="1" y="0"/><tt:Point x="0" y="1"/></tt:Polygon></tt:ElementItem>`
	line := func(points string) string {
		return `<tt:ElementItem Name="Segments"><tt:Polyline>` + points + `</tt:Polyline></tt:ElementItem>`
	}
	two := `<tt:Point x="0" y="0"/><tt:Point x="1" y="0.5"/>`
	for _, tt := range []struct{ name, operation, inner, want string }{
		{"a new one", "CreateRules", rule("new", "tt:FieldDetector", field), ""},
		{"a type of ours, by another prefix", "CreateRules", rule("jam2", "own:Congestion", field), ""},
		{"changed", "ModifyRules", rule("line", "tt:LineCounting", `<tt:SimpleItem Name="ClassFilter" Value="Bus Truck"/>`+line(two)), ""},
		{"gone", "DeleteRules", "<RuleName>zone</RuleName>", ""},
		{"not for the backend", "DeleteRules", "<RuleName>line</RuleName>", "change the file"},
		{"there already", "CreateRules", rule("line", "tt:LineCounting", line(two)), "ModifyRules"},
		{"not there", "ModifyRules", rule("new", "tt:LineCounting", line(two)), "CreateRules"},
		{"not there", "DeleteRules", "<RuleName>x</RuleName>", "no rule"},
		{"none", "CreateRules", "", "1 to 64"},
		{"twice", "CreateRules", rule("n", "tt:LineCounting", line(two)) + rule("n", "tt:LineCounting", line(two)), "two rules"},
		{"no name", "CreateRules", rule("", "tt:LineCounting", line(two)), "name"},
		{"no such type", "CreateRules", rule("n", "tt:FaceRecognition", field), "GetSupportedRules"},
		{"no such parameter", "CreateRules", rule("n", "tt:LineCounting", `<tt:SimpleItem Name="Armed" Value="1"/>`+line(two)), "Armed"},
		{"one point", "CreateRules", rule("n", "tt:LineCounting", line(`<tt:Point x="0" y="0"/>`)), "2 to 16"},
		{"outside", "CreateRules", rule("n", "tt:LineCounting", line(`<tt:Point x="0" y="0"/><tt:Point x="2" y="0"/>`)), "from -1 to 1"},
		{"no number", "CreateRules", rule("n", "tt:LineCounting", line(`<tt:Point x="NaN" y="0"/>`)), "from -1 to 1"},
		{"no shape", "CreateRules", rule("n", "tt:LineCounting", field), "Segments"},
		{"no threshold", "CreateRules", rule("n", "tt:LoiteringDetector", field), "TimeThreshold"},
		{"a bad threshold", "CreateRules", rule("n", "tt:LoiteringDetector", `<tt:SimpleItem Name="TimeThreshold" Value="30s"/>`+field), "PT30S"},
	} {
		_, err := ask(t, s, "admin", analyticsSpace, tt.operation, "<ConfigurationToken>cam-1</ConfigurationToken>"+tt.inner)
		f := (*soap.Fault)(nil)
		if errors.As(err, &f) != (tt.want != "") || tt.want != "" && !strings.Contains(f.Reason, tt.want) {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
		}
	}
	if got := fmt.Sprint(backend.changes); len(backend.changes) != 7 || !strings.Contains(got, "Bus Truck") || !strings.Contains(got, `x="1.00000" y="0.50000"`) || !strings.Contains(got, "cam-1 admin zone") {
		t.Errorf("changed %s", got)
	}
	_, err := ask(t, s, "admin", analyticsSpace, "GetRules", "<ConfigurationToken>cam-2</ConfigurationToken>")
	if err == nil || !strings.Contains(err.Error(), "NoConfig") {
		t.Errorf("got %v", err)
	}
}
