package onviftest

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	eventsSpace = "http://www.onvif.org/ver10/events/wsdl"
	notifySpace = "http://docs.oasis-open.org/wsn/b-2"
)

// MaxQueue is how many messages wait in a pull point; the oldest go first.
const MaxQueue = 2000

// point is a pull point.
type point struct {
	id     string
	queue  []string
	until  time.Time     // this machine's clock
	change chan struct{} // closed when a message has come
}

// Notify gives an event to all pull points: a message with the time of the device. The
// items are names and values of its data.
func (d *Device) Notify(topic, operation string, items ...string) {
	data := ""
	for i := 0; i+1 < len(items); i += 2 {
		data += `<tt:SimpleItem Name="` + escape(items[i]) + `" Value="` + escape(items[i+1]) + `"/>`
	}
	if operation != "" {
		operation = ` PropertyOperation="` + operation + `"`
	}
	message := `<wsnt:NotificationMessage><wsnt:Topic Dialect="http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet">tns1:` + topic + `</wsnt:Topic>` +
		`<wsnt:Message><tt:Message UtcTime="` + d.now().Format("2006-01-02T15:04:05.000Z") + `"` + operation + `>` +
		`<tt:Source><tt:SimpleItem Name="VideoSource" Value="vs0"/></tt:Source><tt:Data>` + data + `</tt:Data></tt:Message></wsnt:Message></wsnt:NotificationMessage>`
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, p := range d.points {
		p.queue = append(p.queue, message)
		p.queue = p.queue[max(0, len(p.queue)-MaxQueue):]
		close(p.change)
		p.change = make(chan struct{})
	}
}

// Forget ends all pull points, as a restart does.
func (d *Device) Forget() {
	d.mu.Lock()
	defer d.mu.Unlock()
	clear(d.points)
}

// Cut makes the device hang up on everybody, or not any more.
func (d *Device) Cut(cut bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.cut = cut
}

// Lose makes so many answers to PullMessages that hold messages get lost.
func (d *Device) Lose(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lose = n
}

// Points is how many pull points there are.
func (d *Device) Points() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.points)
}

// Waiting is how many messages nobody has pulled yet.
func (d *Device) Waiting() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := 0
	for _, p := range d.points {
		n += len(p.queue)
	}
	return n
}

// Dropped is how many calls were hung up on, since it was cut off, or since they came
// while another was being answered.
func (d *Device) Dropped() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.dropped
}

// begin says whether a call is answered at all.
func (d *Device) begin() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.busy++
	if d.options.Quirks.Alone && d.busy > 1 {
		d.dropped++
		d.busy--
		return false
	}
	if d.cut {
		d.dropped++
		d.busy--
		return false
	}
	return true
}

func (d *Device) end() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.busy--
}

// hangUp closes the connection without an answer.
func hangUp(w http.ResponseWriter) {
	if h, ok := w.(http.Hijacker); ok {
		if conn, _, err := h.Hijack(); err == nil {
			conn.Close()
		}
	}
}

// actions that a strict device wants to see.
var actions = map[string]string{
	"PullMessages": eventsSpace + "/PullPointSubscription/PullMessagesRequest",
	"Renew":        "http://docs.oasis-open.org/wsn/bw-2/SubscriptionManager/RenewRequest",
	"Unsubscribe":  "http://docs.oasis-open.org/wsn/bw-2/SubscriptionManager/UnsubscribeRequest",
}

// events answers for the event service and its pull points.
func (d *Device) events(w http.ResponseWriter, r *http.Request, in *request) {
	op := in.Body.Operation
	if op.XMLName.Local == "CreatePullPointSubscription" {
		d.send(w, d.create(op, r.Host))
		return
	}
	p, ok := d.point(in, r)
	switch {
	case !ok || op.XMLName.Local == "Renew" && d.options.Quirks.NoRenew || in.Header.Action != actions[op.XMLName.Local]:
		d.fault(w, 400, "Sender", "InvalidArgVal", "no such subscription")
	case op.XMLName.Local == "PullMessages":
		d.pull(w, r, p, op)
	case op.XMLName.Local == "Renew":
		d.mu.Lock()
		p.until = time.Now().Add(d.life(op.Termination))
		d.mu.Unlock()
		d.send(w, `<wsnt:RenewResponse>`+d.lives(p, "wsnt")+`</wsnt:RenewResponse>`)
	case op.XMLName.Local == "Unsubscribe":
		d.mu.Lock()
		delete(d.points, p.id)
		d.mu.Unlock()
		d.send(w, `<wsnt:UnsubscribeResponse/>`)
	}
}

func (d *Device) send(w http.ResponseWriter, body string) {
	w.Header().Set("Content-Type", "application/soap+xml; charset=utf-8")
	fmt.Fprint(w, d.prefixed(envelope(body)))
}

// create makes a pull point.
func (d *Device) create(op operation, host string) string {
	d.mu.Lock()
	d.last++
	p := &point{id: strconv.Itoa(d.last), until: time.Now().Add(d.life(op.Initial)), change: make(chan struct{})}
	d.points[p.id] = p
	d.mu.Unlock()
	if i := strings.LastIndexByte(host, ':'); i >= 0 {
		host = host[:i]
	}
	q := d.options.Quirks
	address, parameters := "http://"+d.advertised(d.http, host)+"/onvif/subscription?n="+p.id, ""
	if q.Subscription != "" {
		address = q.Subscription + "?n=" + p.id
	}
	if q.Parameters {
		address = "http://" + d.advertised(d.http, host) + "/onvif/services"
		parameters = `<wsa5:ReferenceParameters><dom0:SubscriptionId xmlns:dom0="http://www.axis.com/2009/event">` + p.id + `</dom0:SubscriptionId></wsa5:ReferenceParameters>`
	}
	return `<tev:CreatePullPointSubscriptionResponse><tev:SubscriptionReference><wsa5:Address>` + escape(address) + `</wsa5:Address>` + parameters +
		`</tev:SubscriptionReference>` + d.lives(p, "wsnt") + `</tev:CreatePullPointSubscriptionResponse>`
}

// life reads xs:duration in seconds.
func (d *Device) life(text string) time.Duration {
	if l := d.options.Quirks.Lifetime; l > 0 {
		return l
	}
	return seconds(text)
}

func seconds(text string) time.Duration {
	n, _ := strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(text, "PT"), "S")) // what is none is no time
	return time.Duration(n) * time.Second
}

// lives are the device's time, and the end of the pull point by it.
func (d *Device) lives(p *point, prefix string) string {
	const layout = "2006-01-02T15:04:05Z"
	d.mu.Lock()
	defer d.mu.Unlock()
	end := d.now().Add(time.Until(p.until)).Format(layout)
	return `<` + prefix + `:CurrentTime>` + d.now().Format(layout) + `</` + prefix + `:CurrentTime><` + prefix + `:TerminationTime>` + end + `</` + prefix + `:TerminationTime>`
}

// point is the pull point that a request names, if it is alive.
func (d *Device) point(in *request, r *http.Request) (*point, bool) {
	id := r.URL.Query().Get("n")
	if d.options.Quirks.Parameters {
		id = in.Header.Subscription.ID
		if in.Header.Subscription.Is != "true" || !strings.HasSuffix(in.Header.To, "/onvif/services") {
			return nil, false
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	p := d.points[id]
	if p != nil && time.Now().After(p.until) {
		delete(d.points, id)
		return nil, false
	}
	return p, p != nil
}

// pull waits for messages, and gives them.
func (d *Device) pull(w http.ResponseWriter, r *http.Request, p *point, op operation) {
	wait := time.NewTimer(seconds(op.Timeout))
	defer wait.Stop()
	d.mu.Lock()
	change, empty := p.change, len(p.queue) == 0
	d.mu.Unlock()
	if empty && !d.options.Quirks.AtOnce {
		select {
		case <-change:
		case <-wait.C:
		case <-r.Context().Done():
			return
		}
	}
	d.mu.Lock()
	n := min(len(p.queue), op.Limit)
	messages := p.queue[:n]
	p.queue = p.queue[n:]
	lost := d.lose > 0 && n > 0
	if lost {
		d.lose--
	}
	d.mu.Unlock()
	if lost {
		hangUp(w)
		return
	}
	d.send(w, `<tev:PullMessagesResponse>`+d.lives(p, "tev")+strings.Join(messages, "")+`</tev:PullMessagesResponse>`)
}
