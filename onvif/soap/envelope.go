package soap

import (
	"encoding/xml"
	"errors"
	"fmt"
	"strings"
)

// Namespaces of the two versions of SOAP.
const (
	Space11 = "http://schemas.xmlsoap.org/soap/envelope/"
	Space12 = "http://www.w3.org/2003/05/soap-envelope"
)

// Envelope is a message.
type Envelope struct {
	Header *Element // nil where there is none
	Body   *Element // what stands in the body: its first element; nil in an empty one
	Root   *Element
	Broken error // where a document breaks off; what came before is there
}

// ReadEnvelope reads a message of either version. A fault in it is an error, a
// *[Fault]. A document that breaks off inside of its body is no error: devices are
// seen that put a stray byte into their own name, and mean the rest.
func ReadEnvelope(document []byte) (*Envelope, error) {
	root, err := Parse(document)
	if root == nil {
		return nil, err
	}
	if errors.Is(err, ErrTooLarge) || errors.Is(err, ErrDoctype) {
		return nil, err
	}
	if root.Name != "Envelope" {
		return nil, fmt.Errorf("got a document %.40q: %w", root.Name, ErrNoEnvelope)
	}
	e := &Envelope{Header: root.Child("Header"), Root: root}
	if body := root.Child("Body"); body != nil && len(body.Children) > 0 {
		e.Body = body.Children[0]
	}
	if e.Body != nil && e.Body.Name == "Fault" {
		return e, readFault(e.Body)
	}
	if syntax := (*xml.SyntaxError)(nil); e.Body != nil && errors.As(err, &syntax) {
		e.Broken, err = err, nil
	}
	return e, err
}

// Escape writes a text so that it may stand in XML.
func Escape(text string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(text)) // a Builder never fails
	return b.String()
}

// write is a message of SOAP 1.2 on one line: some devices answer nothing to a
// message with spaces between its elements.
func write(header, body string) []byte {
	var b strings.Builder
	b.WriteString(`<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="` + Space12 + `">`)
	if header != "" {
		b.WriteString(`<s:Header>` + header + `</s:Header>`)
	}
	b.WriteString(`<s:Body>` + body + `</s:Body></s:Envelope>`)
	return []byte(b.String())
}
