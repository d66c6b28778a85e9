package console

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"pantau/sidecar"
)

// probeOf fails at the one camera, and refuses all others.
func probeOf(q Question) (Work, error) {
	if q.Address != "10.0.0.5" {
		return nil, &sidecar.FieldError{Field: "address", Problem: "another one", Remedy: "use 10.0.0.5"}
	}
	return func(_ context.Context, tell func(any)) error {
		tell(map[string]any{"device": q.Profile})
		return &sidecar.Fault{Err: errors.New("no stream"), Hint: "plug it in"}
	}, nil
}

// TestASearchTellsLineByLine reads the lines of a search while it goes on, which keeps
// another one out, and ends it by hanging up.
func TestASearchTellsLineByLine(t *testing.T) {
	s := newSite(t)
	var audits []string
	s.audit = func(_ context.Context, who, action, what string) { audits = append(audits, who+" "+action+" "+what) }
	s.stop()
	s.start()
	more, ended := make(chan int), make(chan error, 1)
	s.discover = func(r Search) (Work, error) {
		if len(r.Ranges) == 0 {
			return nil, &sidecar.FieldError{Field: "ranges", Problem: "no network", Remedy: "write it as 10.2.4.0/24"}
		}
		return func(ctx context.Context, tell func(any)) error {
			if r.Password.Reveal() != camPW || r.Seconds != 3 {
				t.Errorf("got %+v", r)
			}
			for {
				select {
				case n := <-more:
					tell(map[string]int{"found": n})
					if n == 0 {
						return nil
					}
				case <-ctx.Done():
					ended <- ctx.Err()
					return ctx.Err()
				}
			}
		}, nil
	}
	admin := s.admin()
	body := `{"ranges":["10.2.4.0/24"],"hosts":["http://u:` + camPW + `@10.0.0.9/x"],"user":"viewer","password":"` + camPW + `"}`
	for _, how := range []string{"to its end", "hangs up"} {
		ctx, cancel := context.WithCancel(t.Context())
		req, err := http.NewRequestWithContext(ctx, "POST", s.url+"/api/v1/discover", bytes.NewBufferString(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		more := more
		go func() { more <- 7 }() // taken by the search
		res, err := admin.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewReader(res.Body)
		if line, err := lines.ReadString('\n'); err != nil || line != "{\"found\":7}\n" || res.Header.Get("Content-Type") != "application/x-ndjson" {
			t.Fatalf("%s: got %q, %v", how, line, err)
		}
		other, text := admin.do("POST", "/api/v1/discover", map[string]any{"ranges": []string{"10.2.5.0/24"}})
		if other.StatusCode != 429 || other.Header.Get("Retry-After") == "" {
			t.Errorf("%s: another search: got %s %s", how, other.Status, text)
		}
		if how == "hangs up" {
			cancel()
			select {
			case <-ended:
			case <-time.After(10 * time.Second):
				t.Error("the search goes on after whoever asked has gone")
			}
			_ = res.Body.Close()
			break
		}
		more <- 0
		_, _ = lines.ReadString('\n')
		if line, err := lines.ReadString('\n'); err != nil || !strings.HasPrefix(line, `{"done":{"seconds":`) {
			t.Errorf("got the last line %q, %v", line, err)
		}
		_ = res.Body.Close()
		cancel()
	}
	if text := admin.want(422, "POST", "/api/v1/discover", map[string]any{}); !strings.Contains(text, "body.ranges") {
		t.Errorf("got %s", text)
	}
	if all := strings.Join(audits, "; "); !strings.Contains(all, "root camera.discover 10.2.4.0/24 http://10.0.0.9/x") || strings.Contains(all, camPW) {
		t.Errorf("got audits %s", all)
	}
}

func TestAProbeThatFailsSaysWhatToDo(t *testing.T) {
	admin := newSite(t).admin()
	text := admin.want(200, "POST", "/api/v1/probe", map[string]any{"address": "10.0.0.5", "profile": "sub"})
	if text != "{\"device\":\"sub\"}\n{\"error\":\"no stream\",\"hint\":\"plug it in\"}\n" {
		t.Errorf("got %s", text)
	}
	if text := admin.want(422, "POST", "/api/v1/probe", map[string]any{"address": "10.0.0.6"}); !strings.Contains(text, "body.address") || !strings.Contains(text, "use 10.0.0.5") {
		t.Errorf("got %s", text)
	}
	admin.want(422, "POST", "/api/v1/probe", map[string]any{"address": "10.0.0.5", "for_s": 999})
}

// TestSearchesAreLimited asks again and again.
func TestSearchesAreLimited(t *testing.T) {
	admin := newSite(t).admin()
	refused := 0
	for range findBurst + 5 {
		if got, _ := admin.do("POST", "/api/v1/probe", map[string]any{"address": "10.0.0.5"}); got.StatusCode == 429 {
			refused++
		}
	}
	if refused == 0 {
		t.Error("no search was refused")
	}
}

// TestASearchMayBeSilentForLong has one that finds nothing for longer than other answers
// may take, before its first line and after it.
func TestASearchMayBeSilentForLong(t *testing.T) {
	s := newSite(t)
	admin := s.admin()
	s.stop()
	s.patience = 500 * time.Millisecond
	s.start()
	s.discover = func(Search) (Work, error) {
		return func(ctx context.Context, tell func(any)) error {
			for n := range 2 {
				select {
				case <-time.After(2 * s.patience):
				case <-ctx.Done():
					return ctx.Err()
				}
				tell(map[string]int{"found": n})
			}
			return nil
		}, nil
	}
	got, text := admin.do("POST", "/api/v1/discover", map[string]any{"ranges": []string{"10.2.4.0/24"}})
	if got.StatusCode != 200 || got.ProtoMajor != 2 || !strings.HasPrefix(text, "{\"found\":0}\n{\"found\":1}\n{\"done\":") {
		t.Errorf("got %s %s: %s", got.Proto, got.Status, text)
	}
}
