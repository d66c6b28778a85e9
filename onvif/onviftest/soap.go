package onviftest

import (
	"encoding/xml"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
)

// request is what the fake understands of a SOAP request.
type request struct {
	Header struct {
		To           string `xml:"http://www.w3.org/2005/08/addressing To"`
		Action       string `xml:"http://www.w3.org/2005/08/addressing Action"`
		Subscription struct {
			ID string `xml:",chardata"`
			Is string `xml:"http://www.w3.org/2005/08/addressing IsReferenceParameter,attr"`
		} `xml:"http://www.axis.com/2009/event SubscriptionId"`
		Security *struct {
			Token struct {
				Username string `xml:"Username"`
				Password struct {
					Type string `xml:"Type,attr"`
					Text string `xml:",chardata"`
				} `xml:"Password"`
				Nonce   string `xml:"Nonce"`
				Created string `xml:"Created"`
			} `xml:"UsernameToken"`
		} `xml:"http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd Security"`
	} `xml:"http://www.w3.org/2003/05/soap-envelope Header"`
	Body struct {
		Operation operation `xml:",any"`
	} `xml:"http://www.w3.org/2003/05/soap-envelope Body"`
}

// operation is the first element of a body.
type operation struct {
	XMLName xml.Name
	Token   string   `xml:"ProfileToken"`
	Types   []string `xml:"Type"`

	Configuration string        `xml:"ConfigurationToken"`
	Set           configuration `xml:"Configuration"`

	Timeout     string `xml:"Timeout"`
	Limit       int    `xml:"MessageLimit"`
	Initial     string `xml:"InitialTerminationTime"`
	Termination string `xml:"TerminationTime"`
}

// open are the operations that need no signing in (Core 5.9.4.3).
var open = map[string]bool{"GetSystemDateAndTime": true, "GetServices": true, "GetCapabilities": true}

// serve answers one HTTP request.
func (d *Device) serve(w http.ResponseWriter, r *http.Request) {
	q := d.options.Quirks
	if q.Redirect != "" {
		http.Redirect(w, r, q.Redirect, http.StatusTemporaryRedirect)
		return
	}
	if !d.begin() {
		hangUp(w)
		return
	}
	defer d.end()
	if r.Method == http.MethodGet && r.URL.Path == "/snapshot.jpg" {
		d.snapshot(w, r)
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	var in request
	if err == nil {
		err = xml.Unmarshal(body, &in)
	}
	op := in.Body.Operation
	if err != nil || r.Method != http.MethodPost || !strings.HasPrefix(r.URL.Path, "/onvif/") {
		http.Error(w, "<html>no such page</html>", http.StatusNotFound)
		return
	}
	d.mu.Lock()
	d.calls[op.XMLName.Local]++
	d.mu.Unlock()
	if q.Strict && (!strings.Contains(r.Header.Get("Content-Type"), `action="`+op.XMLName.Space+"/"+op.XMLName.Local+`"`) ||
		strings.Contains(string(body), ">\n<") || strings.Contains(string(body), "> <")) {
		return // an empty answer
	}
	if q.Bomb {
		fmt.Fprint(w, `<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>`+envelope(`<a>&b;</a>`))
		return
	}
	if (q.Page || !open[op.XMLName.Local]) && !d.signedIn(w, r, &in) {
		return
	}
	if op.XMLName.Space == eventsSpace || op.XMLName.Space == notifySpace {
		d.events(w, r, &in)
		return
	}
	d.answer(w, r, op)
}

// Picture is the JPEG that every device sends: its beginning and its end.
const Picture = "\xff\xd8\xff\xe0\x00\x10JFIF\x00\xff\xd9"

// snapshot answers with a picture, if the caller signs in with HTTP digest.
func (d *Device) snapshot(w http.ResponseWriter, r *http.Request) {
	if d.options.User != "" && !d.digestRight(r.Header.Get("Authorization"), r.Method, r.URL.RequestURI()) {
		d.challenge(w.Header())
		http.Error(w, "", http.StatusUnauthorized)
		return
	}
	text := Picture
	if d.options.Quirks.NoPicture {
		text = "<html>no camera here</html>"
	}
	w.Header().Set("Content-Type", "image/jpeg")
	fmt.Fprint(w, text)
}

// answer carries out an operation.
func (d *Device) answer(w http.ResponseWriter, r *http.Request, op operation) {
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		host = strings.Trim(r.Host, "[]")
	}
	text, ok := d.device(op, host)
	if !ok {
		text, ok = d.media(op, host)
	}
	if !ok {
		d.fault(w, 500, "Receiver", "ActionNotSupported", "Optional Action Not Implemented")
		return
	}
	w.Header().Set("Content-Type", "application/soap+xml; charset=utf-8")
	fmt.Fprint(w, d.prefixed(envelope(text)))
}

// fault answers with a SOAP fault.
func (d *Device) fault(w http.ResponseWriter, status int, code, subcode, reason string) {
	if s := d.options.Quirks.FaultStatus; s != 0 {
		status = s
	}
	w.Header().Set("Content-Type", "application/soap+xml; charset=utf-8")
	w.WriteHeader(status)
	fmt.Fprint(w, d.prefixed(envelope(fmt.Sprintf(`<env:Fault xmlns:ter="http://www.onvif.org/ver10/error"><env:Code><env:Value>env:%s</env:Value>`+
		`<env:Subcode><env:Value>ter:%s</env:Value></env:Subcode></env:Code><env:Reason><env:Text xml:lang="en">%s</env:Text></env:Reason></env:Fault>`, code, subcode, reason))))
}

// prefixed leaves all prefixes undeclared, if that is the quirk.
func (d *Device) prefixed(message string) string {
	if d.options.Quirks.Undeclared {
		return strings.ReplaceAll(message, ` xmlns:`, ` data-`)
	}
	return message
}

func envelope(body string) string {
	return `<?xml version="1.0" encoding="UTF-8"?>` + "\n" +
		`<env:Envelope xmlns:env="http://www.w3.org/2003/05/soap-envelope" xmlns:tt="http://www.onvif.org/ver10/schema"` +
		` xmlns:tds="http://www.onvif.org/ver10/device/wsdl" xmlns:trt="http://www.onvif.org/ver10/media/wsdl"` +
		` xmlns:tr2="http://www.onvif.org/ver20/media/wsdl" xmlns:tev="` + eventsSpace + `" xmlns:wsnt="` + notifySpace + `"` +
		` xmlns:wsa5="http://www.w3.org/2005/08/addressing" xmlns:tns1="http://www.onvif.org/ver10/topics"><env:Body>` + body + `</env:Body></env:Envelope>`
}
