package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"pantau/onvif/soap"
	"pantau/sidecar/tap/taptest"
)

// drawn is a configuration as people write it.
const drawn = `# the street
console: {listen: %q}   # for us
metrics: {listen: %q}
rtsp: {listen: %q}
onvif: {listen: %q, mode: one, discovery: false}
cameras:
  - id: street
    source: {rtsp: %q}
    analyse: {fps: 5}
    functions:   # by hand
      - {id: first, kind: line, line: [[0.45, 0.2], [0.45, 1.0]], classes: [person]}   # stays
`

// TestALineThatAClientDrawsCounts over ONVIF: it counts from the answer on, and counts no
// more after it was deleted; the file keeps all that people wrote into it.
func TestALineThatAClientDrawsCounts(t *testing.T) {
	if testing.Short() {
		t.Skip("watches a street")
	}
	program(t)
	cam, err := taptest.New(taptest.Options{Clip: filepath.Join(checkout(), "share", "pantau", "demo.mp4")})
	if err != nil {
		t.Fatal(err)
	}
	serve(t, cam.Run)
	console, device, state := freeAddr(t), freeAddr(t), t.TempDir()
	before := fmt.Sprintf(drawn, console, freeAddr(t), freeAddr(t), device, cam.URL())
	file := write(t, "pantau.yaml", before)
	p := launch(t, []string{"PANTAU_BOOTSTRAP_TOKEN=first-run-token"}, "run", file, "--state", state)
	p.until(t, "the console", 60*time.Second, func() bool { return strings.Contains(p.output(), "msg=running") })
	web := browser(t)
	asks(t, web, "POST", "https://"+console+"/api/v1/setup", `{"token":"first-run-token","name":"root","password":"correct horse battery"}`)
	var made struct{ Password string }
	if err := json.Unmarshal([]byte(asks(t, web, "POST", "https://"+console+"/api/v1/me/device-passwords", `{"label":"vms"}`)), &made); err != nil {
		t.Fatal(err)
	}
	call := caller(t, device, made.Password)
	client := socket(t, state)
	p.until(t, "the camera", 60*time.Second, func() bool { return client.XLen(t.Context(), "pantau:frames:{street}").Val() > 0 })

	call("CreateRules", `<Rule Name="second" Type="tt:LineCounting"><tt:Parameters><tt:SimpleItem Name="ClassFilter" Value="Human"/>`+
		`<tt:ElementItem Name="Segments"><tt:Polyline><tt:Point x="-0.1" y="0.6"/><tt:Point x="-0.1" y="-1"/></tt:Polyline></tt:ElementItem></tt:Parameters></Rule>`)
	line := "      - {id: second, kind: line, line: [[0.45, 0.2], [0.45, 1]], classes: [person]}\n"
	if got := readFile(t, file); got != before+line {
		t.Errorf("the file is\n%s", got)
	}
	rules := call("GetRules", "")
	if n := len(rules.All("Rule")); n != 2 {
		t.Errorf("%d rules are told", n)
	}
	p.until(t, "somebody who crosses both lines", 100*time.Second, func() bool {
		return crossingsOf(t, client, "first", time.Time{}) > 0 && crossingsOf(t, client, "second", time.Time{}) > 0
	})
	call("DeleteRules", "<RuleName>second</RuleName>")
	gone := time.Now()
	if got := readFile(t, file); got != before {
		t.Errorf("the file is\n%s", got)
	}
	p.until(t, "somebody who crosses the line that is left", 100*time.Second, func() bool { return crossingsOf(t, client, "first", gone) > 0 })
	if n := crossingsOf(t, client, "second", gone); n > 0 {
		t.Errorf("%d have crossed a line that is there no more", n)
	}
	// The same over the API, and back again.
	const at = "/api/v1/cameras/street/functions/first"
	text := asks(t, web, "PUT", "https://"+console+at, `{"kind":"line","line":[[0.5,0.2],[0.5,1]],"classes":["person"]}`)
	if got := readFile(t, file); got != strings.Replace(before, "[[0.45, 0.2], [0.45, 1.0]]", "[[0.5, 0.2], [0.5, 1]]", 1) {
		t.Errorf("%s, and the file is\n%s", text, got)
	}
	if n := strings.Count(p.output(), "camera is running"); n != 1 || cam.Readers() != 1 {
		t.Errorf("the camera was connected to %d times", n)
	}
	if old, _ := filepath.Glob(file + ".*.bak"); len(old) != 3 {
		t.Errorf("kept: %v", old)
	}
	p.interrupt(t)
}

// asks sends JSON and gives the answer of success.
func asks(t *testing.T, web *http.Client, method, address, body string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	answer, err := web.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode/100 != 2 {
		t.Fatalf("%s %s: got %s %s, %v", method, address, answer.Status, text, err)
	}
	return string(text)
}

// caller gives a function that calls the analytics service for the camera.
func caller(t *testing.T, device, password string) func(operation, inner string) *soap.Element {
	t.Helper()
	host, _, err := net.SplitHostPort(device)
	if err != nil {
		t.Fatal(err)
	}
	c := soap.New(soap.Options{Credentials: soap.Credentials{User: "root", Password: soap.NewSecret(password)}, Hosts: []string{host}, Timeout: 20 * time.Second})
	t.Cleanup(c.Close)
	const space = "http://www.onvif.org/ver20/analytics/wsdl"
	return func(operation, inner string) *soap.Element {
		t.Helper()
		answer, err := c.Call(t.Context(), soap.Request{URL: &url.URL{Scheme: "http", Host: device, Path: "/onvif/analytics_service"}, Action: space + "/" + operation, Once: true,
			Body: `<` + operation + ` xmlns="` + space + `" xmlns:tt="http://www.onvif.org/ver10/schema"><ConfigurationToken>street</ConfigurationToken>` + inner + `</` + operation + `>`})
		if err != nil {
			t.Fatal(err)
		}
		return answer.Body
	}
}

// crossingsOf counts the crossings of a line after a time.
func crossingsOf(t *testing.T, client *redis.Client, rule string, after time.Time) (n int) {
	t.Helper()
	entries, err := client.XRange(t.Context(), "pantau:events", "-", "+").Result()
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		at, err := time.Parse(time.RFC3339Nano, fmt.Sprint(e.Values["time"]))
		if err == nil && at.After(after) && e.Values["type"] == "pantau.count.crossing.v1" && e.Values["subject"] == "street/"+rule {
			n++
		}
	}
	return n
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
