package sidecar

import "time"

// Quality says how far the numbers of an interval can be trusted.
type Quality string

// The qualities.
const (
	QualityGood Quality = "good"
	QualityLow  Quality = "low"  // the picture or the frame rate was poor: Flags say why
	QualityNone Quality = "none" // nothing was analysed, or the rules were suspended
)

// Count is one camera's minute: every rule, class and direction. The minute in
// which counting began or ended is as long as it was counted. A later one with
// the same Camera and From and a higher Rev replaces it. An interval
// without analysis is published too, with Uptime 0: missing is not zero.
type Count struct {
	Camera   string     `json:"cam"`
	From     time.Time  `json:"from"` // UTC
	To       time.Time  `json:"to"`
	Timezone string     `json:"tz"`
	Rev      int        `json:"rev"`
	Final    bool       `json:"final"`    // no later revision is expected
	Uptime   float64    `json:"uptime"`   // part of the interval that was really analysed, 0..1
	Frames   int        `json:"frames"`   // analysed
	Expected int        `json:"expected"` // analysed, had nothing been missed
	Quality  Quality    `json:"quality"`
	Flags    []string   `json:"flags"`
	Model    string     `json:"model"`
	Rules    string     `json:"rules"`
	Rows     []CountRow `json:"rows"`
	Audit    []Audit    `json:"audit,omitempty"` // what is known of the error of these rows
}

// Audit is the error of a rule's rows of one kind, of a flow in one direction, all
// classes together, as a person measured it with the same model and the same rules.
type Audit struct {
	Rule      string    `json:"rule"`
	Kind      RowKind   `json:"kind"`          // Flow, Entries, Exits, Presence, Heads or Occupancy
	Direction Direction `json:"dir,omitempty"` // of a Flow
	At        time.Time `json:"at"`            // until when pictures were taken, UTC
	Bias      float64   `json:"bias"`          // (counted - true) / true
	Low       float64   `json:"low"`           // 95 % confidence interval of Bias
	High      float64   `json:"high"`
	N         int       `json:"n"`               // crossings that the person saw, or who was there, on all pictures together
	Model     string    `json:"model,omitempty"` // which it was measured with; empty in a Count, which says it itself
	Rules     string    `json:"rules,omitempty"`
}

// CountRow is one number of a Count. Flow, turns, entries, visits, arrivals and
// departures are sums (N); presence and occupancy are levels (Mean, Max); a dwell
// and a speed are distributions (N, Median and more).
type CountRow struct {
	Rule      string    `json:"rule"`
	Kind      RowKind   `json:"kind"`
	Class     Class     `json:"cls"`
	Direction Direction `json:"dir,omitempty"`
	From      string    `json:"from,omitempty"` // of a turn: id of a line, or Unknown
	To        string    `json:"to,omitempty"`   // of a turn: id of a line, or Unknown
	N         *int      `json:"n,omitempty"`
	Mean      *float64  `json:"mean,omitempty"`
	Max       *int      `json:"max,omitempty"`
	Median    *float64  `json:"median,omitempty"`   // of a distribution, as are the next: seconds, km/h; none where N is 0
	P85       *float64  `json:"p85,omitempty"`      // not exceeded by 85 of 100
	P95       *float64  `json:"p95,omitempty"`      // not exceeded by 95 of 100
	Longest   *float64  `json:"longest,omitempty"`  // greatest
	Error     *float64  `json:"err,omitempty"`      // of a speed: standard error of one vehicle's, root mean square, km/h
	Capacity  *int      `json:"capacity,omitempty"` // of an occupancy: all places of the rule, whatever the class
}

// Level says whether a row is a level: who is there now, and not a sum over time.
func (k RowKind) Level() bool {
	return k == Presence || k == Occupancy || k == Heads || k == Queue || k == Service
}

// RowKind says what a row counts.
type RowKind string

// The kinds of rows. Presence in a zone, entries into it and visits are three
// numbers with three names.
const (
	Flow       RowKind = "flow"       // crossings of a line; N by Class and Direction
	Turned     RowKind = "turn"       // objects that went through a junction; N by Class, From and To; no row where N is 0
	Presence   RowKind = "presence"   // objects in a zone at once; Mean over time, Max
	Entries    RowKind = "entries"    // objects that came into a zone; N
	Exits      RowKind = "exits"      // objects that left a zone; N
	Visits     RowKind = "visits"     // objects whose stay reached the function's dwell; N
	Dwell      RowKind = "dwell"      // seconds that those who left a zone had been inside; N of them, Median, P95, Longest
	Heads      RowKind = "heads"      // people in a crowd at once; Mean over time, Max; no row where they cannot be counted
	Queue      RowKind = "queue"      // vehicles that stand or creep in a stretch of road at once; Mean over time, Max
	Service    RowKind = "service"    // level of service of a stretch of road, 0 (A) to 5 (F), of all classes; Mean over time, Max
	Speed      RowKind = "speed"      // km/h of those who went through a plane; N of them, Median, P85, Error
	Occupancy  RowKind = "occupancy"  // vehicles that are parked at once; Mean over time, Max, Capacity
	Arrivals   RowKind = "arrivals"   // vehicles that came to park; N
	Departures RowKind = "departures" // vehicles that were parked and went; N
)
