package device

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pantau/onvif/metadata"
)

// requests are what the operations that need something are asked with.
var requests = map[string]string{
	"GetProfile":                  "<ProfileToken>cam-1</ProfileToken>",
	"GetSnapshotUri":              "<ProfileToken>cam-1</ProfileToken>",
	"GetStreamUri":                "<ProfileToken>cam-1</ProfileToken>",
	"SetSynchronizationPoint":     "<ProfileToken>cam-1</ProfileToken>",
	"CreatePullPointSubscription": "<InitialTerminationTime>PT1M</InitialTerminationTime>",
	"DeleteRules":                 "<RuleName>zone</RuleName>",
	"CreateRules":                 rule("new", "tt:FieldDetector", `<tt:ElementItem Name="Field"><tt:Polygon><tt:Point x="0" y="0"/><tt:Point x="1" y="0"/><tt:Point x="0" y="1"/></tt:Polygon></tt:ElementItem>`),
	"ModifyRules":                 rule("line", "tt:LineCounting", `<tt:SimpleItem Name="ClassFilter" Value="Car"/><tt:ElementItem Name="Segments"><tt:Polyline><tt:Point x="0" y="0"/><tt:Point x="1" y="0"/></tt:Polyline></tt:ElementItem>`),
	"GetProfiles":                 "<Type>All</Type>",
}

// refused are the operations that answer with a fault whatever is asked.
var refused = []string{"CreateAnalyticsModules", "ModifyAnalyticsModules", "DeleteAnalyticsModules", "RemoveConfiguration", "RemoveVideoSourceConfiguration",
	"RemoveVideoEncoderConfiguration", "RemoveVideoAnalyticsConfiguration", "RemoveMetadataConfiguration"}

// inputOf completes a request so that it is answered.
func inputOf(name string) string {
	inner := requests[name]
	switch {
	case strings.HasPrefix(name, "Set") && strings.HasSuffix(name, "Configuration"):
		return `<Configuration token="cam-1"><tt:SourceToken>cam-1</tt:SourceToken><tt:Encoding>H264</tt:Encoding><tt:Resolution><tt:Width>1280</tt:Width><tt:Height>720</tt:Height></tt:Resolution>` +
			`<tt:RuleEngineConfiguration><tt:Rule Name="line"/><tt:Rule Name="zone"/><tt:Rule Name="stay"/><tt:Rule Name="lot"/><tt:Rule Name="jam"/></tt:RuleEngineConfiguration></Configuration>`
	case strings.HasPrefix(name, "Add"):
		return "<ProfileToken>cam-1</ProfileToken><ConfigurationToken>cam-1</ConfigurationToken><Configuration><Type>Metadata</Type><Token>cam-1</Token></Configuration>"
	case strings.HasSuffix(name, "Configuration"), strings.Contains(name, "Rule"), strings.Contains(name, "Module"), strings.Contains(name, "Instances"):
		return "<ConfigurationToken>cam-1</ConfigurationToken>" + inner
	}
	return inner
}

// TestEveryOperationAnswers goes through all of them, and holds the answers against
// ONVIF's schemas where PANTAU_ONVIF_WSDL_XSD names a file that imports those of the WSDLs.
func TestEveryOperationAnswers(t *testing.T) {
	schema := os.Getenv("PANTAU_ONVIF_WSDL_XSD")
	s := start(t, Options{}, street())
	s.Notify("cam-1", metadata.Notification{Topic: metadata.Counter, Time: time.Now(), Operation: metadata.Changed,
		Source: metadata.RuleSource("cam-1", "line"), Data: []metadata.Item{{Name: "Count", Value: "7"}}})
	c := client(t)
	for _, service := range s.services {
		for name := range service.operations {
			url, inner, header := "http://"+s.Addr("")+service.path, inputOf(name), token("admin", password, nonce(), time.Now())
			if service.space == eventSpace && slices.Contains([]string{"PullMessages", "Renew", "Unsubscribe", "SetSynchronizationPoint"}, name) {
				got, err := ask(t, s, "admin", eventSpace, "CreatePullPointSubscription", "")
				if err != nil {
					t.Fatal(err)
				}
				url, inner = got.Text("SubscriptionReference", "Address"), "<Timeout>PT1S</Timeout><MessageLimit>100</MessageLimit><TerminationTime>PT1M</TerminationTime>"
			}
			res, text := post(t, c, url, message(header, body(service.space, name, inner)))
			switch is := slices.Contains(refused, name); {
			case is && res.StatusCode != 400, !is && (res.StatusCode != 200 || !strings.Contains(text, name+"Response")):
				t.Errorf("%s %s: got %s %s", service.path, name, res.Status, text)
			case !is && schema != "":
				validate(t, schema, service.path+" "+name, text)
			}
		}
	}
}

// validate asks xmllint about what stands in an envelope's body.
func validate(t *testing.T, schema, name, text string) {
	t.Helper()
	_, text, _ = strings.Cut(text, "<s:Body>")
	text, _, _ = strings.Cut(text, "</s:Body>")
	end := strings.IndexAny(text, ">/ ")
	file := filepath.Join(t.TempDir(), "a.xml")
	if err := os.WriteFile(file, []byte(text[:end]+prefixes+text[end:]), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("xmllint", "--nonet", "--noout", "--schema", schema, file).CombinedOutput()
	if err != nil {
		var lines []string
		for line := range strings.Lines(string(out)) {
			if !strings.Contains(line, "warning") {
				lines = append(lines, strings.ReplaceAll(line, file, ""))
			}
		}
		t.Errorf("%s: %v", name, strings.Join(lines, ""))
	}
}
