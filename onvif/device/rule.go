package device

import (
	"math"
	"strconv"
	"strings"
	"time"

	"pantau/onvif/metadata"
	"pantau/onvif/soap"
)

// Types of rules (Analytics, annex A). A rule tells events under the topics of its type.
const (
	LineCounting      = "LineCounting"      // Lines; who passes, and how many
	FieldDetector     = "FieldDetector"     // Field; who is inside
	LoiteringDetector = "LoiteringDetector" // Field, Threshold; the same, and who stays too long
	OccupancyCounting = "OccupancyCounting" // Field; how many are inside. ONVIF's own counts at lines: this one looks at the place
	Congestion        = "pantau:Congestion" // Field; how well traffic flows: ONVIF has no such rule
)

// Rule is something that is looked for at a camera, tt:Config.
type Rule struct {
	Name      string
	Type      string        // one of the constants above
	Line      []Point       // tt:Polyline
	Field     []Point       // tt:Polygon
	Classes   []string      // tt:ObjectType; none: all
	Threshold time.Duration // stay that is loitering
}

// Point is one of the picture: −1..1, origin in the middle, y pointing up (Analytics 5.2.2).
type Point struct{ X, Y float64 }

// FromPicture makes a Point of one in parts of the picture: 0..1, origin top left, y down.
func FromPicture(x, y float64) Point { return Point{2*x - 1, 1 - 2*y} }

// Picture is FromPicture turned round.
func (p Point) Picture() (x, y float64) { return (p.X + 1) / 2, (1 - p.Y) / 2 }

// ruleType describes a type: which shape it has, how many points, and what it tells.
type ruleType struct {
	name      string // without the prefix tt
	shape     string // tt:Polyline or tt:Polygon
	parameter string // under which the shape stands
	least     int
	most      int
	threshold bool
	topics    []string
	fixed     bool // those that are there may be changed; none is made, and none goes
}

// ruleTypes is the whole list.
func ruleTypes() []ruleType {
	return []ruleType{
		{LineCounting, "tt:Polyline", "Segments", 2, 16, false, []string{metadata.Counter, metadata.LineCrossed}, false},
		{FieldDetector, "tt:Polygon", "Field", 3, 64, false, []string{metadata.ObjectsInside}, false},
		{LoiteringDetector, "tt:Polygon", "Field", 3, 64, true, []string{metadata.ObjectLoitering, metadata.ObjectsInside}, false},
		{OccupancyCounting, "tt:Polygon", "Field", 3, 64, false, []string{metadata.OccupancyCounter}, true}, // how many there is room for is not ONVIF's to say
		{Congestion, "tt:Polygon", "Field", 3, 64, false, []string{metadata.Congestion}, false},
	}
}

func ruleTypeOf(name string) (ruleType, bool) {
	for _, t := range ruleTypes() {
		if t.name == name {
			return t, true
		}
	}
	return ruleType{}, false
}

// qualified is the name of the type with its prefix.
func (t ruleType) qualified() string {
	if strings.Contains(t.name, ":") {
		return t.name
	}
	return "tt:" + t.name
}

// properties are the states that a rule begins with.
func (r Rule) properties(camera string, at time.Time) []metadata.Notification {
	var all []metadata.Notification
	t, _ := ruleTypeOf(r.Type)
	for _, topic := range t.topics {
		switch topic {
		case metadata.Counter, metadata.OccupancyCounter:
			all = append(all, of(camera, r.Name, topic, at, metadata.Item{Name: "Count", Value: "0"}))
		case metadata.ObjectsInside:
			all = append(all, of(camera, r.Name, topic, at, metadata.Item{Name: "IsInside", Value: "false"}))
		}
	}
	return all
}

// config writes a rule as a tt:Config.
func (r Rule) config(tag string) markup {
	t, _ := ruleTypeOf(r.Type)
	items := markup("")
	if len(r.Classes) > 0 {
		items += form(`<tt:SimpleItem Name="ClassFilter" Value="%s"/>`, strings.Join(r.Classes, " "))
	}
	if t.threshold {
		items += form(`<tt:SimpleItem Name="TimeThreshold" Value="%s"/>`, duration(r.Threshold))
	}
	points := r.Line
	if t.shape == "tt:Polygon" {
		points = r.Field
	}
	shape := form(`<tt:ElementItem Name="%s"><%s>%s</%s></tt:ElementItem>`, t.parameter, markup(t.shape), each(points, func(p Point) markup {
		return form(`<tt:Point x="%.5f" y="%.5f"/>`, p.X, p.Y)
	}), markup(t.shape))
	return form(`<%s Name="%s" Type="%s"><tt:Parameters>%s%s</tt:Parameters></%s>`, markup(tag), r.Name, t.qualified(), items, shape, markup(tag))
}

// describe writes the type as a tt:ConfigDescription.
func (t ruleType) describe() markup {
	threshold := markup("")
	if t.threshold {
		threshold = `<tt:SimpleItemDescription Name="TimeThreshold" Type="xs:duration"/>`
	}
	fixed := markup("")
	if t.fixed {
		fixed = ` fixed="true"`
	}
	return form(`<tt:RuleDescription Name="%s"%s><tt:Parameters><tt:SimpleItemDescription Name="ClassFilter" Type="tt:StringList"/>%s`+
		`<tt:ElementItemDescription Name="%s" Type="%s"/></tt:Parameters>%s</tt:RuleDescription>`,
		t.qualified(), fixed, threshold, t.parameter, t.shape, each(t.topics, func(name string) markup {
			topic := topicOf(name)
			return form(`<tt:Messages IsProperty="%t">%s<tt:ParentTopic>%s</tt:ParentTopic></tt:Messages>`, topic.property, topic.message(), "tns1:"+name)
		}))
}

// classes of objects that a rule can be narrowed to.
func classes() []string {
	return []string{metadata.Human, metadata.Bicycle, metadata.Vehicle, metadata.Bike, metadata.Animal, metadata.Car, metadata.Bus, metadata.Truck, metadata.Motorcycle}
}

// options says what the parameters of a type may be.
func (t ruleType) options() markup {
	of := t.qualified()
	out := form(`<tan:RuleOptions RuleType="%s" Name="ClassFilter" Type="tt:StringList"><tt:StringItems>%s</tt:StringItems></tan:RuleOptions>`, of,
		each(classes(), func(c string) markup { return form(`<tt:Item>%s</tt:Item>`, c) }))
	if t.threshold {
		out += form(`<tan:RuleOptions RuleType="%s" Name="TimeThreshold" Type="xs:duration"><tt:DurationRange><tt:Min>PT1S</tt:Min><tt:Max>PT24H</tt:Max></tt:DurationRange></tan:RuleOptions>`, of)
	}
	// PolygonOptions is the only word for a number of points; VMSes expect it of lines too.
	return out + form(`<tan:RuleOptions RuleType="%s" Name="%s" Type="%s"><tt:PolygonOptions><tt:VertexLimits><tt:Min>%d</tt:Min><tt:Max>%d</tt:Max></tt:VertexLimits></tt:PolygonOptions></tan:RuleOptions>`,
		of, t.parameter, t.shape, t.least, t.most)
}

// How many rules a request may have, and a camera.
const (
	maxRules    = 64
	maxOfCamera = 256
)

// typeName is the name of a type of rules, whatever prefix the client has given it.
func typeName(root *soap.Element, name string) string {
	prefix, local, ok := strings.Cut(name, ":")
	if ok && root.Namespace(prefix) == metadata.OwnNamespace {
		return "pantau:" + local
	}
	if ok && prefix != "pantau" {
		return local
	}
	return name
}

// readRule reads a tt:Config that a client sends.
func readRule(root, e *soap.Element) (Rule, error) {
	r := Rule{Name: e.Attr("Name")}
	t, ok := ruleTypeOf(typeName(root, e.Attr("Type")))
	r.Type = t.name
	switch {
	case r.Name == "" || len(r.Name) > 64:
		return r, invalid("ter:InvalidRule", "a rule needs a name of 1 to 64 characters")
	case !ok:
		return r, invalid("ter:InvalidRule", "rule %q: there is no type %.64q here; GetSupportedRules lists them", r.Name, e.Attr("Type"))
	}
	for _, item := range e.Child("Parameters").All("SimpleItem") {
		value := item.Attr("Value")
		switch name := item.Attr("Name"); {
		case name == "ClassFilter":
			r.Classes = strings.Fields(value)
		case name == "TimeThreshold" && t.threshold:
			if r.Threshold, ok = readDuration(value); !ok || r.Threshold <= 0 {
				return r, invalid("ter:InvalidRule", "rule %q: TimeThreshold is no duration; write one such as PT30S", r.Name)
			}
		default:
			return r, invalid("ter:InvalidRule", "rule %q: there is no parameter %.64q; GetSupportedRules lists them", r.Name, name)
		}
	}
	points, err := readShape(r.Name, t, e.Child("Parameters").All("ElementItem"))
	if err != nil {
		return r, err
	}
	if t.shape == "tt:Polygon" {
		r.Field = points
	} else {
		r.Line = points
	}
	if t.threshold && r.Threshold == 0 {
		return r, invalid("ter:InvalidRule", "rule %q: TimeThreshold is missing", r.Name)
	}
	return r, nil
}

// readShape reads the points of the one shape that a rule has.
func readShape(rule string, t ruleType, items []*soap.Element) ([]Point, error) {
	if len(items) != 1 || items[0].Attr("Name") != t.parameter {
		return nil, invalid("ter:InvalidRule", "rule %q: it needs one parameter %s", rule, t.parameter)
	}
	shape := items[0].Child(strings.TrimPrefix(t.shape, "tt:"))
	var points []Point
	for _, e := range shape.All("Point") {
		var p Point
		for name, to := range map[string]*float64{"x": &p.X, "y": &p.Y} {
			v, err := strconv.ParseFloat(e.Attr(name), 64)
			if err != nil || math.IsNaN(v) || math.Abs(v) > 1 {
				return nil, invalid("ter:InvalidRule", "rule %q: point %d: %s is not a number from -1 to 1", rule, len(points)+1, name)
			}
			*to = v
		}
		points = append(points, p)
	}
	if len(points) < t.least || len(points) > t.most {
		return nil, invalid("ter:InvalidRule", "rule %q: %s has %d points; give %d to %d", rule, t.parameter, len(points), t.least, t.most)
	}
	return points, nil
}
