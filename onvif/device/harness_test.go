package device

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"pantau/onvif/soap"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// password has every character that breaks an address or XML.
const password = `p/w?d@#:%&<'"`

// people is a backend of two accounts, whose names may be written in capitals.
type people struct {
	mu      sync.Mutex
	changes []string
	keys    []string // cameras that were asked for a key picture
}

func (p *people) KeyPicture(camera string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.keys = append(p.keys, camera)
}

func (p *people) Account(_ context.Context, user string) (Account, error) {
	switch user = strings.ToLower(user); user {
	case "admin", "viewer":
		return Account{Name: user, Admin: user == "admin", Passwords: []soap.Secret{soap.NewSecret("another"), soap.NewSecret(password)}}, nil
	case "broken":
		return Account{}, errors.New("the disk is full of very-secret things")
	}
	return Account{}, nil
}

func (p *people) Snapshot(_ context.Context, camera, stream string) ([]byte, error) {
	return []byte("\xff\xd8" + camera + " " + stream), nil
}

func (p *people) ChangeRules(_ context.Context, camera, user string, c RuleChange) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(c.Delete) > 0 && c.Delete[0] == "line" {
		return &Refusal{Reason: "line is needed; change the file"}
	}
	for _, r := range c.Create { // what the server does not know yet
		if r.Name == "there-now" {
			return &Refusal{Reason: "it is there by now", Invalid: true, Code: RuleExists}
		}
	}
	p.changes = append(p.changes, camera+" "+user+" "+strings.Join(c.Delete, ","))
	for _, r := range slices.Concat(c.Create, c.Modify) {
		p.changes = append(p.changes, string(r.config("tt:Rule")))
	}
	return nil
}

// street is a camera with one rule of each type.
func street() Camera {
	line, field := []Point{{-0.5, 0}, {0.5, 0.25}}, []Point{{-1, 1}, {1, 1}, {0, -1}}
	return Camera{ID: "cam-1", Name: "Simpang <Lima> & north",
		Streams: []Stream{
			{Name: "main", Path: "cam-1", Video: Video{Codec: "H264", Width: 1280, Height: 720, Rate: 25, BitRate: 2048, Profile: "High", GOP: 50}},
			{Name: "overlay", Path: "cam-1/overlay", Video: Video{Codec: "H264", Width: 640, Height: 360, Rate: 12.5, BitRate: 1000, GOP: 25}},
			{Name: "later", Path: "cam-1/later"},
		},
		Rules: []Rule{
			{Name: "line", Type: LineCounting, Line: line, Classes: []string{"Car", "Human"}},
			{Name: "zone", Type: FieldDetector, Field: field},
			{Name: "stay", Type: LoiteringDetector, Field: field, Threshold: 30 * time.Second},
			{Name: "lot", Type: OccupancyCounting, Field: field},
			{Name: "jam", Type: Congestion, Field: field},
		}}
}

// start runs a server until the test ends.
func start(tb testing.TB, o Options, cameras ...Camera) *Server {
	tb.Helper()
	if o.Backend == nil {
		o.Backend = &people{}
	}
	o.Listen, o.RTSP, o.Name, o.Manufacturer, o.Model, o.Firmware = "127.0.0.1:0", 8554, "node-1", "Pantau", "Pantau", "1.0"
	s, err := New(o)
	if err != nil {
		tb.Fatal(err)
	}
	for _, c := range cameras {
		s.Put(c)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }() // received below
	tb.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			tb.Error(err)
		}
	})
	return s
}

// client is one connection's worth of HTTP.
func client(tb testing.TB) *http.Client {
	t := &http.Transport{}
	tb.Cleanup(t.CloseIdleConnections)
	return &http.Client{Transport: t, Timeout: 20 * time.Second}
}

// token is the security header of somebody.
func token(user, secret, nonce string, at time.Time) string {
	created := at.UTC().Format("2006-01-02T15:04:05.000Z")
	return `<wsse:Security xmlns:wsse="x"><UsernameToken><Username>` + user + `</Username><Password Type="y#PasswordDigest">` +
		soap.TokenDigest([]byte(nonce), created, soap.NewSecret(secret)) + `</Password><Nonce>` + b64(nonce) + `</Nonce><Created>` + created + `</Created></UsernameToken></wsse:Security>`
}

// message is a request of SOAP 1.2.
func message(header, body string) string {
	return `<s:Envelope xmlns:s="` + soap.Space12 + `"><s:Header>` + header + `</s:Header><s:Body>` + body + `</s:Body></s:Envelope>`
}

// body writes an operation.
func body(space, name, inner string) string {
	return `<` + name + ` xmlns="` + space + `" xmlns:tt="http://www.onvif.org/ver10/schema" xmlns:tns1="http://www.onvif.org/ver10/topics" xmlns:own="urn:pantau:topics">` + inner + `</` + name + `>`
}

// post sends a document.
func post(tb testing.TB, c *http.Client, url, document string) (*http.Response, string) {
	tb.Helper()
	res, err := c.Post(url, "application/soap+xml", strings.NewReader(document))
	if err != nil {
		tb.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		tb.Fatal(err)
	}
	return res, string(text)
}

var nonces = struct {
	sync.Mutex
	n int
}{}

// nonce is a new one each time.
func nonce() string {
	nonces.Lock()
	defer nonces.Unlock()
	nonces.n++
	return string(bytes.Repeat([]byte("n"), nonces.n%200+1)) + time.Now().Format(time.RFC3339Nano)
}

// ask calls an operation as somebody, and gives the answer's body or its fault.
func ask(tb testing.TB, s *Server, user, space, name, inner string) (*soap.Element, error) {
	tb.Helper()
	path := ""
	for _, v := range s.services {
		if v.space == space {
			path = v.path
		}
	}
	return askAt(tb, "http://"+s.Addr("cam-1")+path, user, space, name, inner)
}

func askAt(tb testing.TB, url, user, space, name, inner string) (*soap.Element, error) {
	tb.Helper()
	_, text := post(tb, client(tb), url, message(token(user, password, nonce(), time.Now()), body(space, name, inner)))
	e, err := soap.ReadEnvelope([]byte(text))
	if err != nil {
		return nil, err
	}
	return e.Body, nil
}
