package device

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pantau/onvif/metadata"
	"pantau/onvif/soap"
)

// crossed is an event that has a number.
func crossed(n int) metadata.Notification {
	return metadata.Notification{Topic: metadata.LineCrossed, Time: time.Now(),
		Source: metadata.RuleSource("cam-1", "line"), Data: []metadata.Item{{Name: "ObjectId", Value: strconv.Itoa(n)}}}
}

func counted(n int) metadata.Notification {
	return metadata.Notification{Topic: metadata.Counter, Time: time.Now(), Operation: metadata.Changed,
		Source: metadata.RuleSource("cam-1", "line"), Data: []metadata.Item{{Name: "Count", Value: strconv.Itoa(n)}}}
}

// TestARulesSourceIsAsDescribed: by the same names in the same order, and the camera among
// them under the name that Home Assistant looks for.
func TestARulesSourceIsAsDescribed(t *testing.T) {
	var names, described []string
	for _, i := range metadata.RuleSource("cam-1", "line") {
		names = append(names, i.Name)
		if i.Name == "VideoSourceConfigurationToken" && i.Value != "cam-1" {
			t.Errorf("got %+v", i)
		}
	}
	for _, i := range topicOf(metadata.LineCrossed).source {
		described = append(described, i.name)
	}
	if !slices.Equal(names, described) || !slices.Contains(names, "VideoSourceConfigurationToken") {
		t.Errorf("got %q, described as %q", names, described)
	}
}

// subscribe gives the address of a pull point.
func subscribe(t *testing.T, s *Server, inner string) string {
	t.Helper()
	got, err := ask(t, s, "viewer", eventSpace, "CreatePullPointSubscription", inner)
	if err != nil {
		t.Fatal(err)
	}
	return got.Text("SubscriptionReference", "Address")
}

const lineEvents = `<Filter><TopicExpression Dialect="` + dialectConcreteSet + `">tns1:RuleEngine/LineDetector//.</TopicExpression></Filter>`

// pulled writes each notification as topic's end, operation and data.
func pulled(t *testing.T, url, timeout string, limit int) (all []string) {
	t.Helper()
	got, err := askAt(t, url, "viewer", eventSpace, "PullMessages", fmt.Sprintf("<Timeout>%s</Timeout><MessageLimit>%d</MessageLimit>", timeout, limit))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range got.All("NotificationMessage") {
		topic, m := e.Text("Topic"), e.Child("Message", "Message")
		text := topic[strings.LastIndexAny(topic, "/:")+1:] + " " + m.Attr("PropertyOperation")
		for _, i := range m.Child("Data").All("SimpleItem") {
			text += " " + i.Attr("Name") + "=" + i.Attr("Value")
		}
		all = append(all, text)
	}
	return all
}

func TestWhoSubscribesIsToldTheStates(t *testing.T) {
	s := start(t, Options{}, street())
	s.Notify("cam-1", counted(3), counted(3), counted(4))
	s.Notify("cam-1", Motion("cam-1", time.Now(), true)...)
	url := subscribe(t, s, "")
	want := []string{"Motion Initialized IsMotion=true", "MotionAlarm Initialized State=true", "Counter Initialized Count=4", "ObjectsInside Initialized IsInside=false",
		"ObjectsInside Initialized IsInside=false", "OccupancyCounter Initialized Count=0"}
	if got := pulled(t, url, "PT1S", 100); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	s.Notify("cam-1", counted(4), counted(5), crossed(9)) // the first says nothing new
	if got := pulled(t, url, "PT5S", 100); !slices.Equal(got, []string{"Counter Changed Count=5", "Crossed  ObjectId=9"}) {
		t.Errorf("got %q", got)
	}
	if _, err := askAt(t, url, "viewer", eventSpace, "SetSynchronizationPoint", ""); err != nil {
		t.Fatal(err)
	}
	if got := pulled(t, url, "PT5S", 3); len(got) != 3 || got[2] != "Counter Initialized Count=5" {
		t.Errorf("got %q", got)
	}
	pulled(t, url, "PT5S", 100)
	fewer := street()
	fewer.Rules = fewer.Rules[1:2]
	s.Put(fewer) // line, stay, lot and jam are gone
	want = []string{"Counter Deleted Count=5", "ObjectsInside Deleted IsInside=false", "OccupancyCounter Deleted Count=0"}
	if got := pulled(t, url, "PT5S", 100); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	s.Remove("cam-1")
	if got := pulled(t, url, "PT5S", 100); len(got) != 3 || got[0] != "Motion Deleted IsMotion=true" {
		t.Errorf("got %q", got)
	}
}

// TestNothingIsLostWhileASubscriberIsCutOff tells 1,000 events to one who pulls slowly,
// hangs up in the middle of answers, and comes back.
func TestNothingIsLostWhileASubscriberIsCutOff(t *testing.T) {
	s := start(t, Options{}, street())
	url := subscribe(t, s, "<InitialTerminationTime>PT10M</InitialTerminationTime>"+lineEvents)
	const events = 1000
	told := make(chan struct{})
	go func() { // waited for below
		defer close(told)
		for n := range events {
			s.Notify("cam-1", crossed(n))
			if n%50 == 0 {
				time.Sleep(time.Millisecond)
			}
		}
	}()
	var got []string
	for round := 0; len(got) < events && round < 200; round++ {
		if round%3 == 1 {
			hangUp(t, url)
			continue
		}
		batch := pulled(t, url, "PT1S", 40)
		if len(batch) == 0 {
			break
		}
		got = append(got, batch...)
	}
	<-told
	for n, text := range got {
		if text != fmt.Sprintf("Crossed  ObjectId=%d", n) {
			t.Fatalf("event %d is %q", n, text)
		}
	}
	if len(got) != events {
		t.Errorf("got %d events, want %d", len(got), events)
	}
}

// hangUp pulls, and resets the connection before the answer is read: with a receive buffer
// so small that the answer is not taken by the kernel either.
func hangUp(t *testing.T, url string) {
	t.Helper()
	address, path, _ := strings.Cut(strings.TrimPrefix(url, "http://"), "/")
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	tcp := conn.(*net.TCPConn)
	_ = tcp.SetReadBuffer(1)
	document := message(token("viewer", password, nonce(), time.Now()), body(eventSpace, "PullMessages", "<Timeout>PT1S</Timeout><MessageLimit>256</MessageLimit>"))
	fmt.Fprintf(conn, "POST /%s HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n\r\n%s", path, address, len(document), document)
	one := make([]byte, 1)
	_, _ = io.ReadFull(conn, one) // it has begun to answer
	_ = tcp.SetLinger(0)
	conn.Close()
}

// TestAGapIsTold where more was waiting than is kept.
func TestAGapIsTold(t *testing.T) {
	s := start(t, Options{}, street())
	url := subscribe(t, s, lineEvents)
	for n := range maxQueue + 10 {
		s.Notify("cam-1", crossed(n))
	}
	got := pulled(t, url, "PT1S", 3)
	if len(got) != 3 || !strings.HasPrefix(got[0], "EventsLost  Count=10 Since=2") || got[1] != "Crossed  ObjectId=10" || got[2] != "Crossed  ObjectId=11" {
		t.Errorf("got %q", got)
	}
	if got := pulled(t, url, "PT1S", 1); len(got) != 1 || got[0] != "Crossed  ObjectId=12" {
		t.Errorf("got %q", got)
	}
}

// TestAGapHeals however many the states are: they follow once, and no event goes for them.
func TestAGapHeals(t *testing.T) {
	s := start(t, Options{}, street())
	const states = maxQueue + 100
	for n := range states {
		at := counted(n)
		at.Source = metadata.RuleSource("cam-1", strconv.Itoa(n))
		s.Notify("cam-1", at)
	}
	url := subscribe(t, s, `<InitialTerminationTime>PT10M</InitialTerminationTime><Filter><TopicExpression Dialect="`+dialectConcreteSet+
		`">tns1:RuleEngine/LineDetector//.|tns1:RuleEngine/CountAggregation/Counter</TopicExpression></Filter>`)
	for n := range maxQueue + 10 {
		s.Notify("cam-1", crossed(n))
	}
	var gaps []string
	next, told := 10, 0
	for batch := pulled(t, url, "PT0S", 200); len(batch) > 0; batch = pulled(t, url, "PT0S", 200) {
		for _, text := range batch {
			switch {
			case strings.HasPrefix(text, "EventsLost"):
				gaps = append(gaps, text)
			case strings.HasPrefix(text, "Counter Initialized"):
				told++
			case text == fmt.Sprintf("Crossed  ObjectId=%d", next):
				next++
			default:
				t.Fatalf("got %q, want crossing %d", text, next)
			}
		}
	}
	if len(gaps) != 1 || !strings.HasPrefix(gaps[0], "EventsLost  Count=10 ") || next != maxQueue+10 || told < states || told > 2*states+2 {
		t.Errorf("got %q, all crossings before %d, %d states", gaps, next, told)
	}
}

// TestAGapThatDidNotArriveIsToldAgain together with what was lost since.
func TestAGapThatDidNotArriveIsToldAgain(t *testing.T) {
	s := newSubscription(&unit{}, "", nil, time.Now())
	for n := range maxQueue + 10 {
		s.put(crossed(n))
	}
	s.sync([]waiting{{counted(1), true}})
	p, _ := s.enter(t.Context())
	b := p.take(3)
	if b.lost != 10 || !b.resync || len(b.queue) != 2 {
		t.Fatalf("got %d lost, resync %v, %d more", b.lost, b.resync, len(b.queue))
	}
	since := b.since
	for n := range 5 {
		s.put(crossed(maxQueue + 10 + n))
	}
	p.back(b)
	if b = p.take(3); b.lost != 15 || !b.since.Equal(since) || !b.resync || b.queue[0].Data[0].Value != "15" || s.events != maxQueue-2 {
		t.Errorf("got %d lost since %v, resync %v, %v, %d wait", b.lost, b.since, b.resync, b.queue[0].Data, s.events)
	}
	p.back(batch{})
	s.put(crossed(1))
	s.put(crossed(2))
	s.put(crossed(3))
	if b = p.take(3); b.lost != 1 || b.resync {
		t.Errorf("a state that is newer than what was lost still waits: got %d lost, resync %v", b.lost, b.resync)
	}
}

// TestTooManyPropertiesAreSaidOnce in the log.
func TestTooManyPropertiesAreSaidOnce(t *testing.T) {
	var log strings.Builder
	e := newEvents(slog.New(slog.NewTextHandler(&log, nil)))
	for n := range maxProperties + 3 {
		at := counted(n)
		at.Source[1].Value = strconv.Itoa(n)
		e.tell("cam-1", []metadata.Notification{at})
	}
	if got := strings.Count(log.String(), "more properties than are kept"); got != 1 || len(e.properties) != maxProperties {
		t.Errorf("said %d times, %d properties", got, len(e.properties))
	}
}

// TestANewPullMakesTheOldOneGo: its client was cut off and has come back.
func TestANewPullMakesTheOldOneGo(t *testing.T) {
	s := start(t, Options{}, street())
	url := subscribe(t, s, lineEvents)
	old := make(chan error, 1)
	go func() { // received below
		_, err := askAt(t, url, "viewer", eventSpace, "PullMessages", "<Timeout>PT30S</Timeout><MessageLimit>1</MessageLimit>")
		old <- err
	}()
	for sub := s.events.find(url[strings.LastIndex(url, "/")+1:]); ; time.Sleep(time.Millisecond) {
		if len(sub.turn) == 1 {
			break
		}
	}
	s2 := make(chan []string, 1)
	go func() { s2 <- pulled(t, url, "PT30S", 1) }() // received below
	if err := <-old; err == nil || !strings.Contains(err.Error(), "UnableToGetMessages") {
		t.Errorf("got %v", err)
	}
	s.Notify("cam-1", crossed(1))
	if got := <-s2; len(got) != 1 {
		t.Errorf("got %q", got)
	}
}

// TestPullsWaitAndEnd by their timeout, and when the subscription ends.
func TestPullsWaitAndEnd(t *testing.T) {
	s := start(t, Options{}, street())
	url := subscribe(t, s, lineEvents)
	began := time.Now()
	if got := pulled(t, url, "PT0.3S", 1); len(got) != 0 || time.Since(began) < 300*time.Millisecond {
		t.Errorf("got %q after %v", got, time.Since(began))
	}
	if _, err := askAt(t, url, "viewer", eventSpace, "Renew", "<TerminationTime>PT1H</TerminationTime>"); err != nil {
		t.Error(err)
	}
	if _, err := askAt(t, url, "viewer", eventSpace, "Renew", "<TerminationTime>2001-01-01T00:00:00Z</TerminationTime>"); err == nil {
		t.Error("a time that is over was taken")
	}
	if _, err := askAt(t, url, "admin", eventSpace, "PullMessages", "<Timeout>PT1S</Timeout>"); err == nil || !strings.Contains(err.Error(), "ResourceUnknown") {
		t.Errorf("another's subscription: got %v", err)
	}
	if _, err := askAt(t, url, "Viewer", eventSpace, "PullMessages", "<Timeout>PT0S</Timeout>"); err != nil {
		t.Errorf("the same name, written otherwise: %v", err)
	}
	if _, err := askAt(t, url, "viewer", "http://docs.oasis-open.org/wsn/b-2", "Unsubscribe", ""); err != nil {
		t.Error(err)
	}
	if _, err := askAt(t, url, "viewer", eventSpace, "PullMessages", "<Timeout>PT1S</Timeout>"); err == nil || !strings.Contains(err.Error(), "CreatePullPointSubscription") {
		t.Errorf("got %v", err)
	}
}

// TestSubscriptionsAreBounded: in number, and in life.
func TestSubscriptionsAreBounded(t *testing.T) {
	s := start(t, Options{}, street())
	for range maxPullPoints {
		subscribe(t, s, "")
	}
	if _, err := ask(t, s, "viewer", eventSpace, "CreatePullPointSubscription", ""); err == nil || !strings.Contains(err.Error(), "unsubscribe") {
		t.Errorf("got %v", err)
	}
	for _, sub := range s.events.subs {
		if until := sub.renew(time.Now(), 1000*time.Hour); time.Until(until) > longest {
			t.Errorf("it lives for %v", time.Until(until))
		}
		if !sub.over(time.Now().Add(longest + time.Second)) {
			t.Error("it does not end")
		}
		break
	}
}

// TestACameraIsHeardAtItsOwnDeviceOnly where each has one.
func TestACameraIsHeardAtItsOwnDeviceOnly(t *testing.T) {
	two := street()
	two.ID = "cam-2"
	s := start(t, Options{Each: true}, street(), two)
	url := subscribe(t, s, lineEvents)
	n := crossed(2)
	s.Notify("cam-2", n)
	s.Notify("cam-1", crossed(1))
	if got := pulled(t, url, "PT5S", 9); len(got) != 1 || got[0] != "Crossed  ObjectId=1" {
		t.Errorf("got %q", got)
	}
}

func TestFilters(t *testing.T) {
	s := start(t, Options{}, street())
	topicFilter := func(dialect, text string) string {
		return `<Filter><TopicExpression Dialect="` + dialect + `">` + text + `</TopicExpression></Filter>`
	}
	for _, tt := range []struct{ name, inner, want string }{
		{"none", "", ""},
		{"one topic", topicFilter(dialectConcrete, "tns1:VideoSource/MotionAlarm"), ""},
		{"a set", topicFilter(dialectConcreteSet, " tns1:RuleEngine//. | tnsaxis:CameraApplicationPlatform//."), ""},
		{"prefixes everywhere", topicFilter(dialectConcreteSet, "tns1:RuleEngine/tns1:LineDetector/tns1:Crossed"), ""},
		{"no dialect", "<Filter><TopicExpression>tns1:RuleEngine//.</TopicExpression></Filter>", ""},
		{"not here", topicFilter(dialectConcreteSet, "tns1:Device//."), "GetEventProperties"},
		{"half a topic", topicFilter(dialectConcreteSet, "tns1:RuleEngine"), "GetEventProperties"},
		{"XPath", topicFilter("http://docs.oasis-open.org/wsn/t-1/TopicExpression/Full", "*//*"), "Concrete"},
		{"nonsense", topicFilter(dialectConcreteSet, "//"), "no set of topics"},
		{"nothing", topicFilter(dialectConcreteSet, "|"), "no set of topics"},
		{"too many", topicFilter(dialectConcreteSet, strings.Repeat("tns1:A|", 100)+"tns1:RuleEngine//."), "no set of topics"},
		{"content", `<Filter><MessageContent Dialect="` + dialectItemFilter + `">boolean(//tt:SimpleItem)</MessageContent></Filter>`, "filter by topic"},
		{"producers", "<Filter><ProducerProperties>x</ProducerProperties></Filter>", "TopicExpression"},
		{"over", "<InitialTerminationTime>2001-01-01T00:00:00Z</InitialTerminationTime>", "PT60S"},
		{"no time", "<InitialTerminationTime>soon</InitialTerminationTime>", "PT60S"},
	} {
		_, err := ask(t, s, "viewer", eventSpace, "CreatePullPointSubscription", tt.inner)
		if (err != nil) != (tt.want != "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
		}
	}
}

// FuzzTopics: a set takes no more topics than its parts do.
func FuzzTopics(f *testing.F) {
	for _, text := range []string{"tns1:RuleEngine//.|tns1:VideoSource/MotionAlarm", "a", "//.", "|", "a/b:c//.", "tns1:Monitoring/pantau:EventsLost"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		all, ok := readTopics(text)
		if !ok {
			return
		}
		for _, topic := range topics() {
			by := 0
			for part := range strings.SplitSeq(text, "|") {
				if one, ok := readTopics(part); ok && one.takes(topic.name) {
					by++
				}
			}
			if all.takes(topic.name) != (by > 0) {
				t.Fatalf("%q and %s: the set says %v, its parts %d", text, topic.name, all.takes(topic.name), by)
			}
		}
	})
}

// FuzzRequest sends whatever to whatever path, with the right credentials where the
// document lets them stand.
func FuzzRequest(f *testing.F) {
	s := start(f, Options{}, street())
	url := subscribeF(f, s)
	for _, v := range s.services {
		for name := range v.operations {
			f.Add(v.path, body(v.space, name, inputOf(name)), true)
		}
	}
	f.Add(url[strings.Index(url, "/onvif/"):], body(eventSpace, "PullMessages", "<Timeout>PT0S</Timeout><MessageLimit>-1</MessageLimit>"), true)
	f.Add(subscriptionPath+"../x", "<a><b/></a>", false)
	f.Add("/snapshot/cam-1.jpg", "", false)
	u := s.units[""]
	f.Fuzz(func(t *testing.T, path, inner string, signed bool) {
		header := ""
		if signed {
			header = token("admin", password, nonce(), time.Now())
		}
		if strings.Contains(inner, "Timeout") && !strings.Contains(inner, "PT0S") {
			return // it may wait
		}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://x/", strings.NewReader(message(header, inner)))
		if err != nil {
			return
		}
		r.URL.Path, r.RequestURI, r.RemoteAddr = path, path, "127.0.0.1:1"
		w := &recorder{header: http.Header{}}
		u.ServeHTTP(w, r)
		if strings.HasPrefix(path, "/onvif/") && strings.Contains(w.header.Get("Content-Type"), "xml") {
			if _, err := soap.Parse(w.body); err != nil {
				t.Fatalf("got an answer that cannot be read: %v: %s", err, w.body)
			}
		}
	})
}

func subscribeF(f *testing.F, s *Server) string {
	got, err := ask(f, s, "admin", eventSpace, "CreatePullPointSubscription", "")
	if err != nil {
		f.Fatal(err)
	}
	return got.Text("SubscriptionReference", "Address")
}

// recorder is a ResponseWriter without a connection.
type recorder struct {
	header http.Header
	status int
	body   []byte
}

func (r *recorder) Header() http.Header { return r.header }

func (r *recorder) WriteHeader(status int) { r.status = status }

func (r *recorder) Write(b []byte) (int, error) {
	r.body = append(r.body, b...)
	return len(b), nil
}

// Flush makes the recorder an http.Flusher.
func (r *recorder) Flush() {}
