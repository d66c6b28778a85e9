package onvif

import (
	"strings"
	"time"

	"pantau/onvif/metadata"
	"pantau/onvif/soap"
)

// Bounds of what one notification may say.
const (
	maxNotifications = 1024 // of one answer; no more than maxPulled are asked for
	maxItems         = 32   // of source, key and data, each
	maxItem          = 512  // bytes of a name, a value or a topic
)

// notificationsOf reads the messages of an answer to PullMessages (Core 9.2, 9.5;
// WS-BaseNotification 3.2). What is no message is left out.
func notificationsOf(body *soap.Element) []metadata.Notification {
	var all []metadata.Notification
	for _, e := range body.All("NotificationMessage") {
		topic := topicOf(e.Text("Topic"))
		message := e.Child("Message")
		if inner := message.Child("Message"); inner != nil {
			message = inner
		}
		if topic == "" || message == nil || len(all) >= maxNotifications {
			continue
		}
		all = append(all, metadata.Notification{
			Topic: topic, Time: timeOf(message.Attr("UtcTime")), Operation: operationOf(message.Attr("PropertyOperation")),
			Source: itemsOf(message.Child("Source")), Key: itemsOf(message.Child("Key")), Data: itemsOf(message.Child("Data")),
		})
	}
	return all
}

// topicOf is a topic without the prefixes of its parts, as devices choose them.
func topicOf(text string) string {
	parts := strings.Split(bounded(text), "/")
	for i, p := range parts {
		parts[i] = strings.TrimSpace(p[strings.LastIndexByte(p, ':')+1:])
	}
	return strings.Trim(strings.Join(parts, "/"), "/")
}

// operationOf is a property's operation in ONVIF's spelling; empty for an event that is
// none.
func operationOf(text string) metadata.Operation {
	for _, o := range []metadata.Operation{metadata.Initialized, metadata.Changed, metadata.Deleted} {
		if strings.EqualFold(text, string(o)) {
			return o
		}
	}
	return ""
}

// timeOf reads a time as devices write it: some leave the zone out and mean UTC. It is
// zero where it cannot be read.
func timeOf(text string) time.Time {
	text = strings.TrimSpace(text)
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05"} {
		if t, err := time.Parse(layout, text); err == nil && t.Year() > 0 && t.Year() < 10000 {
			return t.UTC()
		}
	}
	return time.Time{}
}

func itemsOf(e *soap.Element) []metadata.Item {
	var all []metadata.Item
	for _, i := range e.All("SimpleItem") {
		if name := bounded(i.Attr("Name")); name != "" && len(all) < maxItems {
			all = append(all, metadata.Item{Name: name, Value: bounded(i.Attr("Value"))})
		}
	}
	return all
}

// bounded cuts a text, and leaves whole characters.
func bounded(text string) string {
	return strings.ToValidUTF8(text[:min(len(text), maxItem)], "")
}
