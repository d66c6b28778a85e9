package device

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"pantau/onvif/soap"
)

// markup is XML that is ready to be sent.
type markup string

// form fills a form as fmt.Sprintf does. Texts are escaped, markup is not.
func form(format string, args ...any) markup {
	for i, a := range args {
		switch v := a.(type) {
		case string:
			args[i] = soap.Escape(v)
		case time.Time:
			args[i] = v.UTC().Format("2006-01-02T15:04:05.000Z")
		}
	}
	return markup(fmt.Sprintf(format, args...))
}

// each joins what is made of all elements of a list.
func each[T any](list []T, make func(T) markup) markup {
	var b strings.Builder
	for _, v := range list {
		b.WriteString(string(make(v)))
	}
	return markup(b.String())
}

// duration writes an xs:duration.
func duration(d time.Duration) string {
	return "PT" + strconv.FormatFloat(d.Seconds(), 'f', -1, 64) + "S"
}

// maxDuration is what readDuration gives at most.
const maxDuration = 10 * 365 * 24 * time.Hour

// readDuration reads an xs:duration (XML Schema 2, 3.2.6): PT1M30.5S, P1DT2H. A year has
// 365 days, a month 30.
func readDuration(text string) (time.Duration, bool) {
	rest, ok := strings.CutPrefix(text, "P")
	if !ok || rest == "" || strings.HasSuffix(rest, "T") {
		return 0, false
	}
	const day = 24 * time.Hour
	units := map[byte]time.Duration{'Y': 365 * day, 'M': 30 * day, 'D': day}
	var sum float64
	for rest != "" {
		if rest[0] == 'T' {
			units, rest = map[byte]time.Duration{'H': time.Hour, 'M': time.Minute, 'S': time.Second}, rest[1:]
			continue
		}
		end := strings.IndexFunc(rest, func(r rune) bool { return (r < '0' || r > '9') && r != '.' })
		if end <= 0 || units[rest[end]] == 0 {
			return 0, false
		}
		n, err := strconv.ParseFloat(rest[:end], 64)
		if err != nil {
			return 0, false
		}
		sum += n * float64(units[rest[end]])
		rest = rest[end+1:]
	}
	return time.Duration(min(sum, float64(maxDuration))), true
}

// readTermination reads a wsnt:AbsoluteOrRelativeTimeType as time from now.
func readTermination(text string, now time.Time) (time.Duration, bool) {
	if d, ok := readDuration(text); ok {
		return d, true
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05"} { // without zone: UTC
		if at, err := time.Parse(layout, text); err == nil {
			return at.Sub(now), true
		}
	}
	return 0, false
}
