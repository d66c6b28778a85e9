package onvif

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pantau/onvif/metadata"
	"pantau/onvif/soap"
)

// messages are answers to PullMessages as devices write them.
var messages = map[string]string{
	"as the standard has it": `<Envelope xmlns:tt="http://www.onvif.org/ver10/schema"><Body><PullMessagesResponse><CurrentTime>2026-11-23T13:05:46Z</CurrentTime>
		<NotificationMessage><Topic Dialect="x">tns1:RuleEngine/CellMotionDetector/Motion</Topic><Message><tt:Message UtcTime="2026-11-23T13:05:46.29Z" PropertyOperation="Changed">
		<tt:Source><tt:SimpleItem Name="VideoSource" Value="vs0"/></tt:Source><tt:Key/><tt:Data><tt:SimpleItem Name="IsMotion" Value="true"/></tt:Data></tt:Message></Message></NotificationMessage></PullMessagesResponse></Body></Envelope>`,
	"another prefix in each part": `<Envelope><Body><PullMessagesResponse><NotificationMessage><Topic> tns1:RuleEngine/tnsmaker:CellMotionDetector/a:Motion
		</Topic><Message><Message UtcTime="2026-11-23T13:05:46.290+00:00" PropertyOperation="changed"><Source><SimpleItem Value="vs0" Name="VideoSource"/></Source><Data><SimpleItem Name="IsMotion" Value="true"/></Data></Message></Message></NotificationMessage></PullMessagesResponse></Body></Envelope>`,
	"no inner message, no zone": `<Envelope><Body><PullMessagesResponse><NotificationMessage><Topic>RuleEngine/CellMotionDetector/Motion</Topic>
		<Message UtcTime="2026-11-23T13:05:46.290" PropertyOperation="CHANGED"><Source><SimpleItem Name="VideoSource" Value="vs0"/></Source><Data><SimpleItem Name="IsMotion" Value="true"/></Data></Message></NotificationMessage></PullMessagesResponse></Body></Envelope>`,
}

func parsed(tb testing.TB, document string) []metadata.Notification {
	tb.Helper()
	e, err := soap.ReadEnvelope([]byte(document))
	if err != nil {
		tb.Fatal(err)
	}
	return notificationsOf(e.Body)
}

func TestMessagesAreReadAsDevicesWriteThem(t *testing.T) {
	at := time.Date(2026, 11, 23, 13, 5, 46, 290_000_000, time.UTC)
	for name, document := range messages {
		all := parsed(t, document)
		if len(all) != 1 {
			t.Fatalf("%s: got %+v", name, all)
		}
		n := all[0]
		if n.Topic != "RuleEngine/CellMotionDetector/Motion" || !n.Time.Equal(at) || n.Operation != metadata.Changed || len(n.Source) != 1 ||
			n.Source[0] != (metadata.Item{Name: "VideoSource", Value: "vs0"}) || len(n.Data) != 1 || n.Data[0] != (metadata.Item{Name: "IsMotion", Value: "true"}) {
			t.Errorf("%s: got %+v", name, n)
		}
	}
}

func TestMessagesThatAreNoneAreLeftOut(t *testing.T) {
	for name, document := range map[string]string{
		"no topic":   `<NotificationMessage><Message><Message/></Message></NotificationMessage>`,
		"no message": `<NotificationMessage><Topic>a</Topic></NotificationMessage>`,
		"none":       ``,
	} {
		if all := parsed(t, `<Envelope><Body><PullMessagesResponse>`+document+`</PullMessagesResponse></Body></Envelope>`); len(all) != 0 {
			t.Errorf("%s: got %+v", name, all)
		}
	}
	for _, text := range []string{"", "yesterday", "0000-00-00T00:00:00Z", "9999999-01-01T00:00:00Z"} {
		if got := timeOf(text); !got.IsZero() {
			t.Errorf("%q: got %v, want none", text, got)
		}
	}
}

func FuzzNotifications(f *testing.F) {
	for _, document := range messages {
		f.Add([]byte(document))
	}
	f.Add([]byte(`<!DOCTYPE a [<!ENTITY b "cc">]><Envelope><Body><PullMessagesResponse><NotificationMessage><Topic>&b;</Topic></NotificationMessage></PullMessagesResponse></Body></Envelope>`))
	f.Add([]byte(`<Envelope><Body><PullMessagesResponse>` + strings.Repeat(`<Message>`, 70)))
	f.Add([]byte("<Envelope><Body><PullMessagesResponse><NotificationMessage><Topic>tns1:\xff/\x1b[2J</Topic><Message UtcTime=\"2026-13-01T00:00:00Z\"><Data><SimpleItem Name=\"\u202ea\" Value=\"\xc3\"/></Data></Message></NotificationMessage>"))
	f.Fuzz(func(t *testing.T, document []byte) {
		e, err := soap.ReadEnvelope(document)
		if err != nil || e.Body == nil {
			return
		}
		all := notificationsOf(e.Body)
		if len(all) > maxNotifications {
			t.Fatalf("got %d messages", len(all))
		}
		for _, n := range all {
			texts := []string{n.Topic, string(n.Operation)}
			for _, items := range [][]metadata.Item{n.Source, n.Key, n.Data} {
				if len(items) > maxItems {
					t.Fatalf("got %d items", len(items))
				}
				for _, i := range items {
					texts = append(texts, i.Name, i.Value)
				}
			}
			for _, text := range texts {
				if len(text) > maxItem || !utf8.ValidString(text) || strings.ContainsAny(text, "\x1b\n\r\x00") {
					t.Fatalf("got %q, which is too long, or steers a terminal", text)
				}
			}
			n.JSON()
		}
	})
}

// FuzzReferenceParameters writes back what was read, as an element that reads the same.
func FuzzReferenceParameters(f *testing.F) {
	f.Add([]byte(`<a xmlns="urn:x" b="1" xmlns:c="urn:c" c:d="&lt;"><e>5</e> 7 </a>`))
	f.Add([]byte(`<dom0:SubscriptionId xmlns:dom0="http://www.axis.com/2009/event">42</dom0:SubscriptionId>`))
	f.Add([]byte("<x:a x:b='\"'>]]&gt;\xff</x:a>"))
	f.Fuzz(func(t *testing.T, document []byte) {
		e, err := soap.Parse(document)
		if err != nil || len(document) > 4096 {
			return
		}
		again, err := soap.Parse([]byte(e.XML("")))
		if err != nil {
			t.Fatalf("got %v of %q", err, e.XML(""))
		}
		if again.Name != e.Name || again.Space != e.Space || again.Text() != e.Text() || len(again.Children) != len(e.Children) {
			t.Fatalf("got %q, then %q", e.XML(""), again.XML(""))
		}
	})
}
