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
		{"too many", "CreateRules", strings.Repeat(rule("n", "tt:LineCounting", line(two)), 65), "at most 64"},
		{"a type that is not made", "CreateRules", rule("n", "tt:OccupancyCounting", field), "cannot be made"},
		{"a type that does not go", "DeleteRules", "<RuleName>lot</RuleName>", "cannot be deleted"},
		{"a type that is not made, changed", "ModifyRules", rule("lot", "tt:OccupancyCounting", field), ""},
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
	if got := fmt.Sprint(backend.changes); len(backend.changes) != 9 || !strings.Contains(got, "Bus Truck") || !strings.Contains(got, `x="1.00000" y="0.50000"`) || !strings.Contains(got, "cam-1 admin zone") {
		t.Errorf("changed %s", got)
	}
	_, err := ask(t, s, "admin", analyticsSpace, "GetRules", "<ConfigurationToken>cam-2</ConfigurationToken>")
	if err == nil || !strings.Contains(err.Error(), "NoConfig") {
		t.Errorf("got %v", err)
	}
}

// TestFaultsOfRules are those of the standard (Analytics 6.2), each with its side.
func TestFaultsOfRules(t *testing.T) {
	s := start(t, Options{}, street())
	field := `<tt:ElementItem Name="Field"><tt:Polygon><tt:Point x="0" y="0"/><tt:Point x="1" y="0"/><tt:Point x="0" y="1"/></tt:Polygon></tt:ElementItem>`
	for _, tt := range []struct{ operation, camera, inner, want string }{
		{"CreateRules", "cam-2", rule("n", "tt:FieldDetector", field), "Sender InvalidArgVal NoConfig"},
		{"CreateRules", "cam-1", rule("n", "tt:Dream", field), "Sender InvalidArgVal InvalidRule"},
		{"CreateRules", "cam-1", rule("zone", "tt:FieldDetector", field), "Sender InvalidArgVal RuleAlreadyExistent"},
		{"CreateRules", "cam-1", rule("there-now", "tt:FieldDetector", field), "Sender InvalidArgVal RuleAlreadyExistent"},
		{"CreateRules", "cam-1", rule("n", "tt:OccupancyCounting", field), "Receiver Action ConfigurationConflict"},
		{"CreateRules", "cam-1", strings.Repeat(rule("n", "tt:FieldDetector", field), 65), "Receiver Action TooManyRules"},
		{"ModifyRules", "cam-1", rule("n", "tt:FieldDetector", field), "Sender InvalidArgVal RuleNotExistent"},
		{"DeleteRules", "cam-1", "<RuleName>n</RuleName>", "Sender InvalidArgVal RuleNotExistent"},
		{"DeleteRules", "cam-1", "<RuleName>line</RuleName>", "Receiver Action ConfigurationConflict"},
	} {
		_, err := ask(t, s, "admin", analyticsSpace, tt.operation, "<ConfigurationToken>"+tt.camera+"</ConfigurationToken>"+tt.inner)
		f := (*soap.Fault)(nil)
		if !errors.As(err, &f) || strings.Join(f.Codes, " ") != tt.want {
			t.Errorf("%s: got %+v, want %s", tt.operation, f, tt.want)
		}
		if _, err := ask(t, s, "viewer", analyticsSpace, tt.operation, "<ConfigurationToken>cam-1</ConfigurationToken>"+tt.inner); !errors.Is(err, soap.ErrUnauthorized) {
			t.Errorf("%s by who is no administrator: got %v", tt.operation, err)
		}
	}
}

// TestEventsNameRulesThatDeclareThem: a rule's type lists every topic that is told of it,
// so LineCounting lists LineDetector/Crossed too, and no second rule is needed for that.
func TestEventsNameRulesThatDeclareThem(t *testing.T) {
	s := start(t, Options{}, street())
	got, err := ask(t, s, "viewer", analyticsSpace, "GetSupportedRules", "<ConfigurationToken>cam-1</ConfigurationToken>")
	if err != nil {
		t.Fatal(err)
	}
	for kind, topics := range map[string][]string{
		"tt:LineCounting":      {"tns1:RuleEngine/CountAggregation/Counter", "tns1:RuleEngine/LineDetector/Crossed"},
		"tt:LoiteringDetector": {"tns1:RuleEngine/LoiteringDetector/ObjectIsLoitering", "tns1:RuleEngine/FieldDetector/ObjectsInside"},
	} {
		var told []string
		fixed := ""
		for _, d := range got.Child("SupportedRules").All("RuleDescription") {
			if d.Attr("Name") == "tt:OccupancyCounting" {
				fixed = d.Attr("fixed")
			}
			if d.Attr("Name") != kind {
				continue
			}
			for _, m := range d.All("Messages") {
				told = append(told, m.Text("ParentTopic"))
			}
		}
		if strings.Join(told, " ") != strings.Join(topics, " ") || fixed != "true" {
			t.Errorf("%s tells %v, want %v; fixed %q", kind, told, topics, fixed)
		}
	}
}

// TestRulesThatComeAndGoAreTold to who listens: their properties begin and end.
func TestRulesThatComeAndGoAreTold(t *testing.T) {
	s := start(t, Options{}, street())
	url := subscribe(t, s, "")
	pulled(t, url, "PT1S", 100) // the first states
	cam := street()
	cam.Rules = append(cam.Rules[1:], Rule{Name: "new", Type: LineCounting, Line: cam.Rules[0].Line})
	s.Put(cam)
	if got, want := strings.Join(pulled(t, url, "PT1S", 100), ", "), "Counter Deleted Count=0, Counter Initialized Count=0"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
