package console

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pantau/sidecar"
)

// book holds the functions of camera a, as the configuration file does.
type book struct {
	mu    sync.Mutex
	all   []sidecar.Function
	fault error // of the next change
	late  bool  // not in force when it returns
}

func (b *book) change(_ context.Context, camera string, change func([]sidecar.Function) ([]sidecar.Function, error)) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fault != nil {
		return b.fault
	}
	all, err := change(slices.Clone(b.all))
	if err != nil {
		return err
	}
	for i, f := range all {
		if f.Kind == "sonar" {
			return &sidecar.FieldError{Field: "functions[" + string(rune('0'+i)) + "].kind", Problem: "unknown kind", Remedy: "use line"}
		}
		if f.Kind == "turns" && len(all) == 1 {
			return &sidecar.FieldError{Field: "functions[0].lines[0]", Problem: "there is no line", Remedy: "draw it"}
		}
	}
	b.all = all
	if b.late {
		return fmt.Errorf("late: %w", sidecar.ErrNotYet)
	}
	return nil
}

// writable is a site whose functions can be changed, with what its audit is told.
func writable(t *testing.T) (s *site, b *book, told func() string) {
	s = newSite(t)
	b = &book{all: source{}.Cameras()[0].Functions}
	var mu sync.Mutex
	var all []string
	s.change = b.change
	s.audit = func(_ context.Context, who, action, what string) {
		mu.Lock()
		defer mu.Unlock()
		all = append(all, who+" "+action+" "+what)
	}
	s.stop()
	s.start()
	return s, b, func() string {
		mu.Lock()
		defer mu.Unlock()
		return strings.Join(all, ", ")
	}
}

func TestFunctionsAreChanged(t *testing.T) {
	s, b, told := writable(t)
	admin := s.admin()
	operator := s.operator()
	const at = "/api/v1/cameras/a/functions/"
	got, body := operator.do("GET", at+"l", nil)
	tag := got.Header.Get("ETag")
	var f sidecar.Function
	if err := json.Unmarshal([]byte(body), &f); err != nil || got.StatusCode != 200 || f.Kind != "line" || !strings.HasPrefix(tag, `"`) {
		t.Errorf("got %s %s, ETag %s, %v", got.Status, body, tag, err)
	}
	zone := map[string]any{"kind": "zone", "polygon": [][]float64{{0, 0}, {1, 0}, {0.5, 0.5}}, "classes": []string{"person"}, "dwell": "30s", "time_threshold": int64(2 * time.Minute)}
	for _, tt := range []struct {
		name         string
		who          *browser
		method, path string
		body         any
		header       []string
		status       int
		want         string
	}{
		{"an operator", operator, "PUT", at + "z", zone, nil, 403, "administrator"},
		{"an operator", operator, "DELETE", at + "l", nil, nil, 403, "administrator"},
		{"nobody", s.browser(), "PUT", at + "z", zone, nil, 401, "sign in"},
		{"a new one", admin, "PUT", at + "z", zone, []string{"If-None-Match", "*"}, 201, `"dwell":30000000000`},
		{"a new one that is there", admin, "PUT", at + "z", zone, []string{"If-None-Match", "*"}, 412, "already"},
		{"changed", admin, "PUT", at + "z", zone, nil, 200, `"time_threshold":120000000000`},
		{"changed, as it was read", admin, "PUT", at + "l", map[string]any{"id": "l", "kind": "line", "line": [][]float64{{0, 0}, {1, 1}}}, []string{"If-Match", tag}, 200, "[1,1]"},
		{"changed by another meanwhile", admin, "PUT", at + "l", zone, []string{"If-Match", tag}, 412, "read it again"},
		{"deleted, though changed meanwhile", admin, "DELETE", at + "l", nil, []string{"If-Match", tag}, 412, "read it again"},
		{"a strange condition", admin, "PUT", at + "l", zone, []string{"If-None-Match", tag}, 422, "takes *"},
		{"another id", admin, "PUT", at + "l", map[string]any{"id": "m", "kind": "line"}, nil, 422, "body.id"},
		{"a wrong kind", admin, "PUT", at + "x", map[string]any{"kind": "sonar"}, nil, 422, `"location":"body.kind"`},
		{"an unknown key", admin, "PUT", at + "x", map[string]any{"kind": "line", "colour": "red"}, nil, 422, "colour"},
		{"three coordinates", admin, "PUT", at + "x", map[string]any{"kind": "line", "line": [][]float64{{0, 0, 0}}}, nil, 422, "body.line[0]"},
		{"no duration", admin, "PUT", at + "x", map[string]any{"kind": "zone", "dwell": "soon"}, nil, 422, "write it as 30s"},
		{"no kind", admin, "PUT", at + "x", map[string]any{}, nil, 422, "kind"},
		{"no such camera", admin, "PUT", "/api/v1/cameras/c/functions/z", zone, nil, 404, "no such camera"},
		{"no such function", admin, "DELETE", at + "x", nil, nil, 404, "no such function"},
		{"no such function", admin, "GET", at + "x", nil, nil, 404, "no such function"},
		{"deleted", admin, "DELETE", at + "l", nil, nil, 204, ""},
	} {
		if text := tt.who.want(tt.status, tt.method, tt.path, tt.body, tt.header...); !strings.Contains(text, tt.want) {
			t.Errorf("%s: got %s, want %q", tt.name, text, tt.want)
		}
	}
	if len(b.all) != 1 || b.all[0].ID != "z" || b.all[0].Dwell != 30*time.Second || len(b.all[0].Polygon) != 3 {
		t.Errorf("got %+v", b.all)
	}
	if want := "root account.add siti, root function.put a/z, root function.put a/z, root function.put a/l, root function.remove a/l"; !strings.HasSuffix(told(), want[strings.Index(want, "root function"):]) {
		t.Errorf("the audit has %s", told())
	}
	for _, c := range []struct {
		fault  error
		status int
		want   string
	}{
		{&sidecar.Fault{Err: errors.New("somebody has changed the file meanwhile"), Hint: "look again"}, http.StatusConflict, "meanwhile: look again"},
		{&sidecar.FieldError{Field: "functions[7].lines[1]", Problem: "there is no line", Remedy: "draw it"}, 422, `"location":"functions[7].lines[1]"`},
		{errors.New("disk on fire"), 500, "the log says why"},
	} {
		b.fault = c.fault
		if text := admin.want(c.status, "PUT", at+"new", zone); !strings.Contains(text, c.want) || strings.Contains(text, "on fire") {
			t.Errorf("got %s, want %q", text, c.want)
		}
	}
	b.fault, b.late = nil, true
	if text := admin.want(202, "PUT", at+"late", zone); !strings.Contains(text, `"id":"late"`) {
		t.Errorf("got %s", text)
	}
	admin.want(202, "DELETE", at+"late", nil)
	if want := "root function.put a/late, root function.remove a/late"; !strings.HasSuffix(told(), want) {
		t.Errorf("the audit has %s", told())
	}
	s.change = nil
	s.stop()
	s.start()
	admin.want(501, "DELETE", at+"l", nil)
}

// FuzzFunctionBody looks that no body makes anything but a function or an error.
func FuzzFunctionBody(f *testing.F) {
	for _, seed := range []string{`{"kind":"line","line":[[0,0],[1,1]]}`, `{"dwell":"30s","window":5}`, `{"bays":{"A":[[0,0]]}}`, `{"plane":{"points":[[1]]}}`, `{"dwell":1e99}`, `[]`, `{"id":"\ud800"}`, `{"dwell":null}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var n newFunction
		if json.Unmarshal(data, &n) != nil {
			return
		}
		got := n.function("x")
		text, err := json.Marshal(got)
		if err != nil || got.ID != "x" {
			t.Fatalf("%q: got %+v, %v", data, got, err)
		}
		var again newFunction
		if err := json.Unmarshal(text, &again); err != nil || etag(again.function("x")) != etag(got) {
			t.Fatalf("%q: what is answered is not taken: %s, %v", data, text, err)
		}
	})
}
