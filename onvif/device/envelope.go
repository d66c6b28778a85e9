package device

import (
	"strings"

	"pantau/onvif/metadata"
	"pantau/onvif/soap"
)

// Namespaces of the services and of what they speak of.
const (
	deviceSpace    = "http://www.onvif.org/ver10/device/wsdl"
	mediaSpace     = "http://www.onvif.org/ver10/media/wsdl"
	media2Space    = "http://www.onvif.org/ver20/media/wsdl"
	eventSpace     = "http://www.onvif.org/ver10/events/wsdl"
	analyticsSpace = "http://www.onvif.org/ver20/analytics/wsdl"
	addressSpace   = "http://www.w3.org/2005/08/addressing"
)

// prefixes are declared in every answer.
const prefixes = ` xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:tt="` + metadata.SchemaNamespace + `" xmlns:tds="` + deviceSpace +
	`" xmlns:trt="` + mediaSpace + `" xmlns:tr2="` + media2Space + `" xmlns:tev="` + eventSpace + `" xmlns:tan="` + analyticsSpace +
	`" xmlns:wsnt="` + metadata.NotifyNamespace + `" xmlns:wstop="http://docs.oasis-open.org/wsn/t-1" xmlns:wsa="` + addressSpace + `" xmlns:wsrf="http://docs.oasis-open.org/wsrf/r-2` +
	`" xmlns:tns1="` + metadata.TopicNamespace + `" xmlns:pantau="` + metadata.OwnNamespace + `" xmlns:ter="http://www.onvif.org/ver10/error"`

// envelope is a message in a version of SOAP.
func envelope(space string, header, body markup) []byte {
	var b strings.Builder
	b.WriteString(`<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="` + space + `"` + prefixes + `>`)
	if header != "" {
		b.WriteString(`<s:Header>` + string(header) + `</s:Header>`)
	}
	b.WriteString(`<s:Body>` + string(body) + `</s:Body></s:Envelope>`)
	return []byte(b.String())
}

// contentType is that of a version of SOAP.
func contentType(space string) string {
	if space == soap.Space11 {
		return "text/xml; charset=utf-8"
	}
	return "application/soap+xml; charset=utf-8"
}
