package publish_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pantau/sidecar/publish"
	"pantau/sidecar/publish/redistest"
)

func document(tb testing.TB) string {
	tb.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "streams.md"))
	if err != nil {
		tb.Fatal(err)
	}
	return string(text)
}

func TestDocumentNamesEveryTypeAndField(t *testing.T) {
	text := document(t)
	for name, schema := range publish.Schemas() {
		kind, _, _ := strings.Cut(name, "/")
		if !strings.Contains(text, "`"+kind+"`") && !strings.Contains(text, "pantau:"+kind+":") {
			t.Errorf("docs/streams.md does not name the type %s", kind)
		}
		var s struct{ Properties map[string]any }
		if err := json.Unmarshal(schema, &s); err != nil {
			t.Fatal(err)
		}
		for field := range s.Properties {
			if field == "note" {
				continue // a remark for people
			}
			if !strings.Contains(text, "`"+field+"`") && !strings.Contains(text, `"`+field+`"`) && !strings.Contains(text, "\n"+field+"\n") {
				t.Errorf("docs/streams.md does not name %s of %s", field, kind)
			}
		}
	}
}

func TestDocumentShowsTheExampleThatIsTested(t *testing.T) {
	code, err := os.ReadFile("example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	_, code2, _ := strings.Cut(string(code), "func readTotals")
	body, _, _ := strings.Cut(code2, "\nfunc Test")
	if !strings.Contains(document(t), "func readTotals"+strings.TrimSpace(body)) && !strings.Contains(document(t), "func readTotals"+strings.TrimRight(body, "\n")) {
		t.Error("the Go example of docs/streams.md differs from example_test.go")
	}
}

func TestRightsOfTheDocumentSuffice(t *testing.T) {
	_, rest, _ := strings.Cut(document(t), "A restricted Redis user needs: `")
	rights, _, ok := strings.Cut(rest, "`")
	if !ok {
		t.Fatal("docs/streams.md names no rights")
	}
	server := redistest.New(t)
	server.Args = append([]string{"--user", "default", "on", "nopass", "-@all", "+config|get"}, strings.Fields(rights)...)
	server.Start()
	o := &publish.Redis{Addrs: []string{server.Addr}}
	found, err := publish.Check(t.Context(), o)
	if err != nil || len(found) > 0 {
		t.Errorf("got %+v, %v, want nothing to say", found, err)
	}
	p, _ := running(t, publish.Options{Redis: o})
	publishEverything(t, p, "a")
	p.RemoveCamera("b")
	eventually(t, "all is sent", func() bool {
		s := p.Stats()
		return s.FactsSent >= 15 && s.Waiting == 0 && s.FramesSent == 2 && s.RedisState.Kind == "ok" && len(s.FramesDropped) == 0
	})
}
