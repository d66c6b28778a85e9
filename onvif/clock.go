package onvif

import (
	"context"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"pantau/onvif/soap"
)

// Clock is what a device says about its time.
type Clock struct {
	Known  bool          // it tells a time that can be read
	Offset time.Duration // how far it is ahead of this machine's, to half a call and, as ONVIF tells whole seconds, half a second
	Source string        // NTP or Manual, as the device says
}

// clockOf asks for the device's time, without signing in (GetSystemDateAndTime, Core 8.3.6).
func clockOf(ctx context.Context, c *soap.Client, at *url.URL) (Clock, error) {
	sent := time.Now()
	answer, err := c.Call(ctx, soap.Request{
		URL: at, Open: true, Action: deviceSpace + "/GetSystemDateAndTime",
		Body: `<GetSystemDateAndTime xmlns="` + deviceSpace + `"/>`,
	})
	if err != nil {
		return Clock{}, err
	}
	body := answer.Body
	if body == nil || body.Name != "GetSystemDateAndTimeResponse" {
		return Clock{}, fmt.Errorf("asking for the time: %w", soap.ErrNoEnvelope)
	}
	middle := sent.Add(time.Since(sent) / 2)
	clock := Clock{Source: body.Find("DateTimeType").Text()}
	if t, ok := deviceTime(body); ok {
		clock.Known, clock.Offset = true, t.Add(time.Second/2).Sub(middle) // whole seconds are cut off
	}
	return clock, nil
}

// clockSlack is how far two readings of one clock may differ: ONVIF tells whole seconds.
const clockSlack = 2 * time.Second

// retime asks for the device's time again, and says whether its clock was set meanwhile.
func (c *Client) retime(ctx context.Context) bool {
	clock, err := clockOf(ctx, c.soap, c.base)
	if err != nil || !clock.Known {
		return false
	}
	set := (clock.Offset - c.clock.Offset).Abs() > clockSlack
	c.clock = clock
	c.soap.SetClock(clock.Offset)
	return set
}

// deviceTime reads UTCDateTime, or LocalDateTime with its time zone where there is no
// other. A date that does not exist is none.
func deviceTime(body *soap.Element) (time.Time, bool) {
	if t, ok := dateTime(body.Find("UTCDateTime")); ok {
		return t, true
	}
	t, ok := dateTime(body.Find("LocalDateTime"))
	if !ok {
		return t, false
	}
	summer := strings.EqualFold(body.Find("DaylightSavings").Text(), "true")
	east, ok := posixOffset(body.Find("TimeZone").Text("TZ"), summer)
	return t.Add(-east), ok
}

// dateTime reads tt:DateTime as UTC.
func dateTime(e *soap.Element) (time.Time, bool) {
	year, month, day := e.Int("Date", "Year"), e.Int("Date", "Month"), e.Int("Date", "Day")
	hour, minute, second := e.Int("Time", "Hour"), e.Int("Time", "Minute"), e.Int("Time", "Second")
	t := time.Date(year, time.Month(month), day, hour, minute, second, 0, time.UTC)
	valid := year >= 1970 && year < 2200 && t.Month() == time.Month(month) && t.Day() == day &&
		hour >= 0 && hour < 24 && minute >= 0 && minute < 60 && second >= 0 && second <= 60
	return t, valid
}

var posixZone = regexp.MustCompile(`^(?:[A-Za-z]{3,}|<[^>]+>)([+-]?\d{1,2})(?::(\d{2}))?(?::\d{2})?([A-Za-z<]?)`)

// posixOffset is how far a POSIX time zone (IEEE 1003.1, 8.3) lies east of UTC:
// "WIB-7" is 7 h. In summer an hour is added where the zone has a summer time.
func posixOffset(zone string, summer bool) (time.Duration, bool) {
	m := posixZone.FindStringSubmatch(zone)
	if m == nil {
		return 0, false
	}
	hours, err := strconv.Atoi(m[1])
	if err != nil || hours < -24 || hours > 24 {
		return 0, false
	}
	minutes, _ := strconv.Atoi(m[2]) // empty is 0
	east := -time.Duration(hours) * time.Hour
	if strings.HasPrefix(m[1], "-") {
		east += time.Duration(minutes) * time.Minute
	} else {
		east -= time.Duration(minutes) * time.Minute
	}
	if summer && m[3] != "" {
		east += time.Hour
	}
	return east, true
}
