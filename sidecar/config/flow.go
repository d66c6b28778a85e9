package config

import (
	"encoding/json"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// member is a key of a mapping and its value.
type member struct {
	name  string
	value reflect.Value
}

// members are those of a struct, in the order of its fields, or of a map; nil for what
// is neither.
func members(v reflect.Value) []member {
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	var all []member
	switch v.Kind() {
	case reflect.Struct:
		for i, name := range fieldNames(v.Type()) {
			all = append(all, member{name, v.Field(i)})
		}
	case reflect.Map:
		keys := map[string]reflect.Value{}
		for _, k := range v.MapKeys() {
			keys[k.String()] = v.MapIndex(k)
		}
		for _, name := range slices.Sorted(maps.Keys(keys)) {
			all = append(all, member{name, keys[name]})
		}
	}
	return all
}

// empty says whether a value is as if it were not there.
func empty(v reflect.Value) bool {
	if k := v.Kind(); k == reflect.Slice || k == reflect.Map {
		return v.Len() == 0
	}
	return v.IsZero()
}

// flow writes a value in one line. What is empty is left out of structs.
func (s *source) flow(v reflect.Value) string {
	if d, ok := v.Interface().(time.Duration); ok {
		if s.quoted {
			return strconv.Quote(shortest(d))
		}
		return shortest(d)
	}
	switch v.Kind() {
	case reflect.Struct, reflect.Map, reflect.Pointer:
		return "{" + strings.Join(s.fields(v), ", ") + "}"
	case reflect.Slice, reflect.Array:
		all := make([]string, v.Len())
		for i := range all {
			all[i] = s.flow(v.Index(i))
		}
		return "[" + strings.Join(all, ", ") + "]"
	case reflect.String:
		return s.scalar(v.String())
	case reflect.Float64:
		return strconv.FormatFloat(v.Float(), 'f', -1, 64)
	case reflect.Bool:
		return strconv.FormatBool(v.Bool())
	default:
		return strconv.FormatInt(v.Int(), 10)
	}
}

// fields writes keys and values of a struct or a map.
func (s *source) fields(v reflect.Value) []string {
	var all []string
	for _, m := range members(v) {
		if !empty(m.value) {
			all = append(all, s.scalar(m.name)+": "+s.flow(m.value))
		}
	}
	return all
}

// plain is a word that YAML takes for nothing but a text: a letter first, and none of the
// words of which some versions make others.
var plain = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9._-]*$`)

// scalar writes a text, in quotes where it needs some.
func (s *source) scalar(text string) string {
	reserved := []string{"null", "true", "false", "yes", "no", "on", "off", "y", "n"}
	if !s.quoted && plain.MatchString(text) && !slices.Contains(reserved, strings.ToLower(text)) {
		return text
	}
	quoted, _ := json.Marshal(text) // texts always marshal
	return string(quoted)
}

// shortest writes a duration without the zeros behind it: 5m, not 5m0s.
func shortest(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
