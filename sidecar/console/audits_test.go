package console

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pantau/sidecar"
	"pantau/sidecar/audit"
)

// recorded puts a finished recording of camera a into a state folder, as the auditor of
// a running sidecar does: eight busy windows with two crossings each, of which one is
// seen, and two quiet ones.
func recorded(t *testing.T, state string) {
	t.Helper()
	folder := audit.In(state)
	order, ok, err := folder.Order("a")
	if err != nil || !ok {
		t.Fatalf("there is no order: %v", err)
	}
	in := audit.Key{Direction: sidecar.In, Group: audit.People}
	line := &audit.Line{Rule: sidecar.Function{ID: "l", Kind: "line", Line: []sidecar.Point{{0.5, 0}, {0.5, 1}}}, Counted: audit.Tally{in: 16}}
	for i := range 10 {
		s := &audit.Strip{ID: fmt.Sprintf("l-%d", i), Begin: time.Second, End: 12 * time.Second, Counted: audit.Tally{}}
		if i < 8 {
			s.Stratum, s.Counted = 1, audit.Tally{in: 2}
		}
		line.Windows[s.Stratum]++
		line.Strips = append(line.Strips, s)
	}
	at := time.Date(2026, 11, 23, 5, 0, 0, 0, time.UTC)
	record := audit.Record{Order: order, Model: "m@1", Rules: "r1", From: at, To: at.Add(time.Hour), Seen: time.Hour, Width: 640, Height: 360,
		Lines: []*audit.Line{line}, Ends: at.Add(audit.UsualKeep)}
	if err := os.MkdirAll(filepath.Join(folder.Evidence("a"), "strips"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]any{"record.json": record, "progress.json": audit.Progress{State: audit.Recorded}} {
		data, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder.Evidence("a"), name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(folder.Evidence("a"), "strips", "l-3.mp4"), []byte("film of the strip"), 0o600); err != nil {
		t.Fatal(err)
	}
}

func stateOf(t *testing.T, text string) AuditState {
	t.Helper()
	var a AuditState
	if err := json.Unmarshal([]byte(text), &a); err != nil {
		t.Fatal(err)
	}
	return a
}

func TestAuditFromOrderToResult(t *testing.T) {
	s := newSite(t)
	told := s.audits()
	const at = "/api/v1/cameras/a/audit"
	b := s.operator()

	if a := stateOf(t, b.want(200, "GET", at, nil)); a.State != "none" || len(a.Results) != 0 {
		t.Errorf("got %+v before anything was ordered", a)
	}
	b.want(409, "POST", at+"/tally", map[string]any{"audit": "x", "strips": map[string]any{}})
	if a := stateOf(t, b.want(201, "POST", at, map[string]any{"for_s": 900})); a.State != "waiting" || a.ID == "" {
		t.Errorf("got %+v after it was ordered", a)
	}
	o, _, err := audit.In(s.state).Order("a")
	if err != nil || o.For != 15*time.Minute || o.Crossings != audit.UsualCrossings || o.Quiet != audit.UsualQuiet || o.Keep != audit.UsualKeep {
		t.Errorf("got the order %+v, %v", o, err)
	}
	recorded(t, s.state)
	b.want(409, "POST", at, map[string]any{})

	text := b.want(200, "GET", at, nil)
	a := stateOf(t, text)
	if a.State != "recorded" || len(a.Strips) != 10 || a.Width != 640 || len(a.Strips[0].Groups) != 3 {
		t.Errorf("got %+v", a)
	}
	if strings.Contains(text, "ounted") || strings.Contains(text, "stratum") || len(a.Lines) != 0 {
		t.Errorf("who tallies is told what was counted: %s", text)
	}
	if got, body := b.do("GET", at+"/strips/l-3", nil, "Range", "bytes=0-3"); got.StatusCode != 206 || body != "film" || got.Header.Get("Content-Type") != "video/mp4" {
		t.Errorf("got %s %q %v", got.Status, body, got.Header)
	}
	for _, other := range []string{"l-99", "..%2f..%2frecord.json", "l-3.mp4"} {
		b.want(404, "GET", at+"/strips/"+other, nil)
	}

	strips := map[string]map[string]int{}
	for _, one := range a.Strips {
		strips[one.ID] = map[string]int{"in/people": 2}
	}
	strips["l-8"], strips["l-9"] = map[string]int{}, map[string]int{}
	for _, bad := range []map[string]map[string]int{{"l-0": {"up/people": 1}}, {"l-0": {}}, {"l-0": {"in/people": -1}}} {
		b.want(422, "POST", at+"/tally", map[string]any{"audit": a.ID, "strips": bad})
	}
	b.want(409, "POST", at+"/tally", map[string]any{"audit": "another", "strips": strips})
	var r AuditResult
	if err := json.Unmarshal([]byte(b.want(200, "POST", at+"/tally", map[string]any{"audit": a.ID, "strips": strips})), &r); err != nil {
		t.Fatal(err)
	}
	if r.Who != "budi" || len(r.Lines) != 1 || r.Lines[0].Estimates[0].Bias.Value != 0 || r.Lines[0].Estimates[0].Seen != 16 || !r.Outdated {
		t.Errorf("got %+v", r)
	}
	b.want(404, "GET", at+"/strips/l-3", nil) // its pictures are deleted
	if a := stateOf(t, b.want(200, "GET", at, nil)); a.State != "none" || len(a.Results) != 1 {
		t.Errorf("got %+v after the tally", a)
	}
	b.want(201, "POST", at, map[string]any{})
	b.want(204, "DELETE", at, nil)
	b.want(404, "DELETE", at, nil)
	if got := strings.Join(told("audit."), ", "); got != "budi audit.begin a, budi audit.tally a, budi audit.begin a, budi audit.cancel a" {
		t.Errorf("told %s", got)
	}
}

func TestAuditsAreRefused(t *testing.T) {
	s := newSite(t)
	admin, nobody := s.admin(), s.browser()
	for _, tt := range []struct {
		who          *browser
		method, path string
		body         any
		status       int
		text         string
	}{
		{nobody, "GET", "a/audit", nil, 401, "sign in first"},
		{nobody, "POST", "a/audit", map[string]any{}, 401, "sign in first"},
		{nobody, "GET", "a/audit/strips/l-1", nil, 401, "sign in first"},
		{admin, "GET", "c/audit", nil, 404, "no such camera"},
		{admin, "POST", "c/audit", map[string]any{}, 404, "no such camera"},
		{admin, "GET", "c/audit/strips/l-1", nil, 404, "no such camera"},
		{admin, "GET", "a/audit/strips/l-1", nil, 404, "no such strip"},
		{admin, "POST", "b/audit", map[string]any{}, 422, "no function that can be audited"},
		{admin, "POST", "a/audit", map[string]any{"for_s": 604801}, 422, "for_s"},
		{admin, "POST", "a/audit", map[string]any{"crossings": 501}, 422, "crossings"},
		{admin, "POST", "a/audit", map[string]any{"quiet": -1}, 422, "quiet"},
		{admin, "POST", "a/audit", map[string]any{"keep": 1}, 422, "keep"},
		{admin, "POST", "a/audit/tally", map[string]any{"strips": map[string]any{}}, 422, "audit"},
		{admin, "DELETE", "a/audit", nil, 404, "no recording"},
	} {
		if got, body := tt.who.do(tt.method, "/api/v1/cameras/"+tt.path, tt.body); got.StatusCode != tt.status || !strings.Contains(body, tt.text) {
			t.Errorf("%s %s %v: got %s %s, want %d with %q", tt.method, tt.path, tt.body, got.Status, body, tt.status, tt.text)
		}
	}
}
