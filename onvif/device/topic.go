package device

import (
	"strconv"
	"strings"
	"time"

	"pantau/onvif/metadata"
)

// Topics beside those of package metadata (Analytics B; Imaging 6).
const (
	cellMotion  = "RuleEngine/CellMotionDetector/Motion"
	motionAlarm = "VideoSource/MotionAlarm"

	// lost is no one's but this device's: events were dropped, as the subscriber did not
	// fetch them.
	lost = "Monitoring/pantau:EventsLost"
)

// item describes a tt:SimpleItem: its name and its type.
type item struct{ name, kind string }

// topic describes what is told under a topic.
type topic struct {
	name     string
	property bool
	source   []item
	data     []item
}

var ( // read-only
	ruleSource   = []item{{"VideoSource", "tt:ReferenceToken"}, {"Rule", "xs:string"}, {"VideoSourceConfigurationToken", "tt:ReferenceToken"}}
	motionSource = []item{{"VideoSourceConfigurationToken", "tt:ReferenceToken"}, {"VideoAnalyticsConfigurationToken", "tt:ReferenceToken"}, {"Rule", "xs:string"}}
)

// topics is the whole list.
func topics() []topic {
	return []topic{
		{metadata.LineCrossed, false, ruleSource, []item{{"ObjectId", "tt:StringList"}, {"ClassTypes", "tt:StringList"}, {"Direction", "xs:string"}}},
		{metadata.Counter, true, ruleSource, []item{{"Count", "xs:int"}}},
		{metadata.OccupancyCounter, true, ruleSource, []item{{"Count", "xs:int"}}},
		{metadata.ObjectsInside, true, ruleSource, []item{{"IsInside", "xs:boolean"}, {"ObjectId", "tt:StringList"}}},
		{metadata.ObjectLoitering, true, ruleSource, []item{{"Since", "xs:dateTime"}, {"ObjectId", "tt:StringList"}}},
		{metadata.Congestion, true, ruleSource, []item{{"Level", "xs:string"}, {"Queue", "xs:int"}}},
		{cellMotion, true, motionSource, []item{{"IsMotion", "xs:boolean"}}},
		{motionAlarm, true, []item{{"Source", "tt:ReferenceToken"}}, []item{{"State", "xs:boolean"}}},
		{lost, false, nil, []item{{"Count", "xs:int"}, {"Since", "xs:dateTime"}}},
	}
}

func topicOf(name string) topic {
	for _, t := range topics() {
		if t.name == name {
			return t
		}
	}
	return topic{name: name}
}

// descriptions writes a tt:ItemListDescription's items.
func descriptions(items []item) markup {
	return each(items, func(i item) markup {
		return form(`<tt:SimpleItemDescription Name="%s" Type="%s"/>`, i.name, i.kind)
	})
}

// message writes the inside of a tt:MessageDescription.
func (t topic) message() markup {
	var out markup
	if len(t.source) > 0 {
		out += `<tt:Source>` + descriptions(t.source) + `</tt:Source>`
	}
	return out + `<tt:Data>` + descriptions(t.data) + `</tt:Data>`
}

// tree writes topics as a wstop:TopicSet's elements. Topics with one beginning stand
// together in the list.
func tree(all []topic, depth int) markup {
	var out markup
	for i := 0; i < len(all); {
		parts := strings.Split(all[i].name, "/")
		name, j := parts[depth], i+1
		for j < len(all) && strings.HasPrefix(all[j].name+"/", strings.Join(parts[:depth+1], "/")+"/") {
			j++
		}
		if depth == 0 {
			name = "tns1:" + name
		}
		if len(parts) == depth+1 {
			out += form(`<%s wstop:topic="true"><tt:MessageDescription IsProperty="%t">%s</tt:MessageDescription></%s>`, markup(name), all[i].property, all[i].message(), markup(name))
		} else {
			out += form(`<%s>%s</%s>`, markup(name), tree(all[i:j], depth+1), markup(name))
		}
		i = j
	}
	return out
}

// of makes the first state of a rule's property.
func of(camera, rule, topic string, at time.Time, data ...metadata.Item) metadata.Notification {
	return metadata.Notification{Topic: topic, Time: at, Operation: metadata.Initialized, Data: data,
		Source: metadata.RuleSource(camera, rule)}
}

// Motion says whether anything moves, under the two topics that simple recorders know.
func Motion(camera string, at time.Time, moves bool) []metadata.Notification {
	value := strconv.FormatBool(moves)
	return []metadata.Notification{
		{Topic: cellMotion, Time: at, Operation: metadata.Changed, Data: []metadata.Item{{Name: "IsMotion", Value: value}},
			Source: []metadata.Item{{Name: "VideoSourceConfigurationToken", Value: camera}, {Name: "VideoAnalyticsConfigurationToken", Value: camera}, {Name: "Rule", Value: moduleName}}},
		{Topic: motionAlarm, Time: at, Operation: metadata.Changed, Data: []metadata.Item{{Name: "State", Value: value}},
			Source: []metadata.Item{{Name: "Source", Value: camera}}},
	}
}

// filter is a set of topic expressions; nil takes all.
type filter []pattern

// pattern is one of them: a topic, or all below it.
type pattern struct {
	path  string // local names
	below bool
}

// takes says whether a topic is in the set.
func (f filter) takes(name string) bool {
	if f == nil {
		return true
	}
	name = bare(name)
	for _, p := range f {
		if name == p.path || p.below && strings.HasPrefix(name, p.path+"/") {
			return true
		}
	}
	return false
}

// bare takes the prefixes off a path.
func bare(path string) string {
	parts := strings.Split(path, "/")
	for i, p := range parts {
		parts[i] = p[strings.LastIndexByte(p, ':')+1:]
	}
	return strings.Join(parts, "/")
}

// maxPatterns of one filter, and maxPattern bytes of each.
const (
	maxPatterns = 64
	maxPattern  = 256
)

// readTopics reads a topic expression of the dialects Concrete and ConcreteSet (Core
// 9.6.3): paths with | between, //. at the end of one for all below it.
func readTopics(text string) (filter, bool) {
	var f filter
	for part := range strings.SplitSeq(text, "|") {
		part = strings.TrimSpace(part)
		p := pattern{path: part}
		p.path, p.below = strings.CutSuffix(part, "//.")
		p.path = bare(p.path)
		if p.path == "" || len(p.path) > maxPattern || len(f) >= maxPatterns || strings.Contains(p.path, "//") || strings.ContainsAny(p.path, " *[]()") || strings.HasPrefix(p.path, "/") {
			return nil, false
		}
		f = append(f, p)
	}
	return f, true
}
