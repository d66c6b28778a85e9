package soap

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// envelopes seed the tables and the fuzzer.
var envelopes = map[string]string{
	"1.2":              `<?xml version="1.0"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body><a x="1">ok</a></s:Body></s:Envelope>`,
	"1.1":              `<S:Envelope xmlns:S="http://schemas.xmlsoap.org/soap/envelope/"><S:Header/><S:Body><a x="1">ok</a></S:Body></S:Envelope>`,
	"undeclared":       `<SOAP-ENV:Envelope ><SOAP-ENV:Body><tds:a x="1">ok</tds:a></SOAP-ENV:Body></SOAP-ENV:Envelope>`,
	"blank lines":      "\r\n \ufeff<Envelope><Body><a x=\"1\">\n ok\t</a></Body></Envelope>\r\n",
	"unclosed":         `<Envelope><Body><a x="1">ok</a>`,
	"wrong end":        `<Envelope><Body><a x="1">ok</b></Body></Envelope>`,
	"stray byte":       "<Envelope><Body><a x=\"1\">ok</a><b>\xff\x01</b></Body></Envelope>",
	"cdata":            `<Envelope><Body><a x="1"><![CDATA[ok]]></a></Body></Envelope>`,
	"unknown entity":   `<Envelope><Body><a x="1">ok</a><b>&nbsp;&who;</b></Body></Envelope>`,
	"declared latin 1": "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><Envelope><Body><a x=\"1\">ok</a><b>\xfc</b></Body></Envelope>",
	"unknown charset":  `<?xml version="1.0" encoding="x-klingon"?><Envelope><Body><a x="1">ok</a></Body></Envelope>`,
	"declared UTF-16":  `<?xml version="1.0" encoding="utf-16"?><Envelope><Body><a x="1">ok</a></Body></Envelope>`,
	"real UTF-16":      "\xff\xfe" + wide(`<Envelope><Body><a x="1">ok</a></Body></Envelope>`),
}

// wide writes ASCII as UTF-16, little endian.
func wide(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		b.Write([]byte{c, 0})
	}
	return b.String()
}

func TestEnvelopesAreReadAsDevicesWriteThem(t *testing.T) {
	for name, text := range envelopes {
		e, err := ReadEnvelope([]byte(text))
		if e == nil || e.Body == nil {
			t.Errorf("%s: got %v, %v", name, e, err)
			continue
		}
		if err != nil || e.Body.Name != "a" || e.Body.Text() != "ok" || e.Body.Attr("x") != "1" {
			t.Errorf("%s: got %+v, %v", name, e.Body, err)
		}
	}
}

func TestCharsets(t *testing.T) {
	for document, want := range map[string]string{
		"<?xml version='1.0' encoding='iso-8859-1'?><a>T\xfcr</a>":           "Tür",
		"<?xml version=\"1.0\" encoding=\"GB2312\"?><a>\xc9\xe3\xcf\xf1</a>": "摄像",
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?><a>T\xc3\xbcr\xff</a>":    "Tür\ufffd",
	} {
		e, err := Parse([]byte(document))
		if err != nil || e.Text() != want {
			t.Errorf("%q: got %q, %v, want %q", document, e.Text(), err, want)
		}
	}
}

func TestHarmfulDocumentsAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		document string
		want     error
	}{
		"entities":  {`<!DOCTYPE a [<!ENTITY b "cc">]><Envelope><Body>&b;</Body></Envelope>`, ErrDoctype},
		"inside":    {`<Envelope><Body><!DOCTYPE x><a/></Body></Envelope>`, ErrDoctype},
		"external":  {`<!DOCTYPE a SYSTEM "file:///etc/passwd"><Envelope/>`, ErrDoctype},
		"deep":      {strings.Repeat("<a>", 100), ErrTooLarge},
		"many":      {"<Envelope>" + strings.Repeat("<a/>", maxElements), ErrTooLarge},
		"large":     {strings.Repeat(" ", MaxSize+1), ErrTooLarge},
		"empty":     {"", ErrNoXML},
		"text":      {"404 not found", ErrNoXML},
		"HTML":      {"<html><body>login</body></html>", ErrNoEnvelope},
		"no closer": {"<", nil},
	} {
		_, err := ReadEnvelope([]byte(c.document))
		if err == nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
}

func TestFaultsOfBothVersions(t *testing.T) {
	for text, want := range map[string]struct {
		codes      []string
		authorised bool
		supported  bool
	}{
		`<Fault><Code><Value>env:Sender</Value><Subcode><Value>ter:NotAuthorized</Value></Subcode></Code><Reason><Text>no</Text></Reason></Fault>`: {[]string{"Sender", "NotAuthorized"}, false, true},
		`<Fault><Code><Value>env:Receiver</Value><Subcode><Value>ter:ActionNotSupported</Value></Subcode></Code></Fault>`:                          {[]string{"Receiver", "ActionNotSupported"}, true, false},
		`<Fault><faultcode>wsse:FailedAuthentication</faultcode><faultstring>no</faultstring></Fault>`:                                             {[]string{"FailedAuthentication"}, false, true},
		`<Fault><faultcode>SOAP-ENV:Client</faultcode><faultstring>Sender Not Authorized</faultstring></Fault>`:                                    {[]string{"Client"}, false, true},
		`<Fault><faultcode>SOAP-ENV:MustUnderstand</faultcode></Fault>`:                                                                            {[]string{"MustUnderstand"}, false, true},
		`<Fault/>`: {nil, true, true},
	} {
		_, err := ReadEnvelope([]byte(`<Envelope><Body>` + text + `</Body></Envelope>`))
		var f *Fault
		if !errors.As(err, &f) || !slices.Equal(f.Codes, want.codes) || errors.Is(err, ErrUnauthorized) == want.authorised || errors.Is(err, ErrNotSupported) == want.supported {
			t.Errorf("%s: got %v (%+v), want %+v", text, err, f, want)
		}
	}
}

// TestTokenDigest holds the digest against a value made with OpenSSL:
// printf 'nonce2026-01-02T03:04:05.000Zsecret' | openssl sha1 -binary | base64.
func TestTokenDigest(t *testing.T) {
	got := TokenDigest([]byte("nonce"), "2026-01-02T03:04:05.000Z", NewSecret("secret"))
	if want := "Sq6Z1FHlIlfmQkoxZ+XxoAFmjw0="; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestTheStrongestChallengeIsAnswered also sees that Basic is not.
func TestTheStrongestChallengeIsAnswered(t *testing.T) {
	h := http.Header{}
	h.Add("WWW-Authenticate", `Basic realm="x"`)
	h.Add("WWW-Authenticate", `digest realm="x", qop="auth", nonce="n1", algorithm=MD5`)
	h.Add("WWW-Authenticate", `Digest realm="x", qop="auth", nonce="n2", algorithm=SHA-256, opaque="o"`)
	got := Authorization(h, "POST", "/a", Credentials{User: "u", Password: NewSecret("very-secret")})
	for _, want := range []string{`nonce="n2"`, "SHA-256", "nc=00000001", `opaque="o"`, `uri="/a"`} {
		if !strings.Contains(got, want) {
			t.Errorf("got %s, want %s in it", got, want)
		}
	}
	if strings.Contains(got, "very-secret") {
		t.Errorf("got the password itself: %s", got)
	}
	h.Del("WWW-Authenticate")
	h.Add("WWW-Authenticate", `Basic realm="x"`)
	if got := Authorization(h, "POST", "/a", Credentials{User: "u"}); got != "" {
		t.Errorf("got %s, want nothing: Basic sends the password in clear", got)
	}
}

func TestASecretDoesNotPrintItself(t *testing.T) {
	c := Credentials{User: "admin", Password: NewSecret("very-secret")}
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	all := fmt.Sprintf("%v %+v %#v %s %q %x ", c, c, c, c, c, c) + string(text) + c.Password.LogValue().String()
	if strings.Contains(all, "very-secret") || strings.Contains(all, "766572792d736563726574") {
		t.Errorf("got %s", all)
	}
}

func FuzzEnvelope(f *testing.F) {
	for _, text := range envelopes {
		f.Add([]byte(text))
	}
	f.Add([]byte(`<Envelope><Body><Fault><Code><Value>a:b</Value></Code></Fault></Body></Envelope>`))
	f.Add([]byte(`<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "aa"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">]><Envelope><Body><a>&c;</a></Body></Envelope>`))
	f.Add([]byte(`<!DOCTYPE a SYSTEM "file:///etc/passwd"><Envelope><Body><a/></Body></Envelope>`))
	f.Add([]byte(`<Envelope><Body>` + strings.Repeat(`<a>`, maxDepth+1)))
	f.Add([]byte(`<a:Envelope xmlns:a="urn:wrong"><b:Body xmlns:b="urn:also wrong"><c:a xmlns:c="" d:e="f">g</c:a></b:Body></a:Envelope>`))
	f.Add([]byte("<Envelope><Body><a b=\"\xff\xfe\">\xc3\x28\xed\xa0\x80</a></Body></Envelope>"))
	f.Fuzz(func(t *testing.T, document []byte) {
		e, err := ReadEnvelope(document)
		if err == nil && e == nil {
			t.Fatal("got neither an envelope nor an error")
		}
		if err != nil && !utf8.ValidString(err.Error()) {
			t.Fatalf("got an error that is no text: %q", err)
		}
		if e == nil {
			return
		}
		if errors.Is(err, ErrDoctype) {
			t.Fatal("got a document with a document type")
		}
		var walk func(e *Element, depth int)
		walk = func(e *Element, depth int) {
			if depth > maxDepth {
				t.Fatalf("got %d levels", depth)
			}
			if text := e.Text(); !utf8.ValidString(text) || strings.ContainsAny(text, "\x1b\x00\r\n") {
				t.Fatalf("got the text %q", text)
			}
			for _, c := range e.Children {
				walk(c, depth+1)
			}
		}
		walk(e.Root, 1)
	})
}
