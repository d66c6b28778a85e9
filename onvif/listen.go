package onvif

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"pantau/onvif/metadata"
	"pantau/onvif/soap"
)

const (
	lifetime   = 5 * time.Minute        // of a subscription, if nobody renews it
	pullTime   = 5 * time.Second        // for which a device holds PullMessages when nothing happens
	emptyPause = 500 * time.Millisecond // from one empty answer to the next pull: some devices do not hold it
	maxPulled  = 100                    // messages of one answer
	retryPause = time.Second
	maxTries   = 30 // of one subscription without any answer, before it is given up
)

// addressing is the namespace of WS-Addressing 1.0.
const addressing = "http://www.w3.org/2005/08/addressing"

// Actions of the calls to a subscription (Core 9.2, WS-BaseNotification).
const (
	createAction      = eventsSpace + "/EventPortType/CreatePullPointSubscriptionRequest"
	pullAction        = eventsSpace + "/PullPointSubscription/PullMessagesRequest"
	renewAction       = "http://docs.oasis-open.org/wsn/bw-2/SubscriptionManager/RenewRequest"
	unsubscribeAction = "http://docs.oasis-open.org/wsn/bw-2/SubscriptionManager/UnsubscribeRequest"
	notifySpace       = "http://docs.oasis-open.org/wsn/b-2"
)

// Pulled are messages of a device, in its order.
type Pulled struct {
	Notifications []metadata.Notification
	Lost          string // why messages may be missing before these; empty: none is
}

// errEnded says that the device does not know a subscription any more.
var errEnded = errors.New("the subscription has ended")

// Listen subscribes to all events of the device, and gives them to take as they come
// (Core 9.2: real-time pull-point). It subscribes again when the device has lost the
// subscription, and says then that messages may be missing. A message may come twice.
// It ends with ctx, with an error of take, or with one that a person or a new
// connection must mend. Times are the device's: see [Client.Clock], which follows it.
func (c *Client) Listen(ctx context.Context, take func(Pulled) error) error {
	l := &listening{Client: c, take: take, told: c.clock.Offset}
	for ctx.Err() == nil {
		s, err := c.subscribe(ctx)
		if errors.Is(err, soap.ErrUnauthorized) && c.retime(ctx) {
			s, err = c.subscribe(ctx)
		}
		if err != nil {
			return c.explain("subscribing to events", err)
		}
		err = l.follow(ctx, s)
		if !errors.Is(err, errEnded) {
			return c.explain("pulling events", err)
		}
		l.lost = err.Error()
		pause(ctx, retryPause)
	}
	return ctx.Err()
}

// subscription is a pull point of a device.
type subscription struct {
	to         []*url.URL // where it may be reached; the first one is what worked last
	advertised string     // as the device names it
	parameters string     // reference parameters, for the header
	until      time.Time  // when it ends if nobody renews it, by this machine's clock
	renewed    time.Time
}

// subscribe makes a pull point. Its lifetime is asked for as a duration, and read as
// the difference of two times of the device: its clock does not matter.
func (c *Client) subscribe(ctx context.Context) (*subscription, error) {
	body, err := c.ask(ctx, soap.Request{Action: createAction, Header: addressed(createAction, "", ""), Once: true},
		eventsSpace, "CreatePullPointSubscription", "<InitialTerminationTime>"+duration(lifetime)+"</InitialTerminationTime>")
	if err != nil {
		return nil, err
	}
	reference := body.Child("SubscriptionReference")
	s := &subscription{advertised: reference.Text("Address")}
	base := c.base
	if u, err := url.Parse(c.service(eventsSpace).addresses[0]); err == nil {
		base = u
	}
	u, err := base.Parse(s.advertised) // some give a relative one, or none
	if err != nil {
		return nil, fmt.Errorf("reading the subscription's address: %w", err)
	}
	for _, address := range c.here(u.String()) {
		if to, err := url.Parse(address); err == nil {
			s.to = append(s.to, to)
		}
	}
	if len(s.to) == 0 {
		return nil, fmt.Errorf("the subscription's address %.80q is none", Redact(s.advertised))
	}
	parameters := reference.Child("ReferenceParameters")
	if parameters != nil {
		for _, p := range parameters.Children[:min(len(parameters.Children), 16)] {
			s.parameters += p.XML(` xmlns:wsa="` + addressing + `" wsa:IsReferenceParameter="true"`)
		}
	}
	s.lives(body)
	return s, nil
}

// lives reads how long the subscription will live.
func (s *subscription) lives(body *soap.Element) {
	left := timeOf(body.Text("TerminationTime")).Sub(timeOf(body.Text("CurrentTime")))
	if left < 2*time.Second || left > 24*time.Hour {
		left = lifetime
	}
	s.renewed = time.Now()
	s.until = s.renewed.Add(left)
}

// addressed are the headers of WS-Addressing. Some devices tell subscriptions apart by
// To and the reference parameters alone.
func addressed(action, to, parameters string) string {
	header := `<wsa:Action xmlns:wsa="` + addressing + `">` + action + `</wsa:Action>` +
		`<wsa:MessageID xmlns:wsa="` + addressing + `">` + newUUID() + `</wsa:MessageID>` +
		`<wsa:ReplyTo xmlns:wsa="` + addressing + `"><wsa:Address>` + addressing + `/anonymous</wsa:Address></wsa:ReplyTo>`
	if to != "" {
		header += `<wsa:To xmlns:wsa="` + addressing + `">` + soap.Escape(to) + `</wsa:To>`
	}
	return header + parameters
}

// manage calls an operation of the subscription.
func (c *Client) manage(ctx context.Context, s *subscription, action, space, operation, inner string, timeout time.Duration) (*soap.Element, error) {
	to := s.advertised
	if !strings.Contains(to, "://") {
		to = s.to[0].String()
	}
	var first error
	for i, address := range s.to {
		answer, err := c.soap.Call(ctx, soap.Request{
			URL: address, Action: action, Once: true, Timeout: timeout, Header: addressed(action, to, s.parameters),
			Body: `<` + operation + ` xmlns="` + space + `">` + inner + `</` + operation + `>`,
		})
		if err == nil || answers(err) || errors.Is(err, soap.ErrUnauthorized) {
			s.to = []*url.URL{s.to[i]} // a pull that goes to both would lose messages
			return responseOf(answer, operation, err)
		}
		if first == nil {
			first = err
		}
		if ctx.Err() != nil {
			break
		}
	}
	return nil, first
}

// duration writes xs:duration.
func duration(d time.Duration) string { return fmt.Sprintf("PT%dS", int(d.Seconds())) }

// listening is what lasts longer than one subscription.
type listening struct {
	*Client
	take    func(Pulled) error
	lost    string // why messages may be missing before the next ones
	noRenew bool   // the device does not renew

	told time.Duration // how far the time in its answers was ahead when it was last asked for the time
}

// attend asks for the time again where an answer says that the device's clock was set,
// or has drifted.
func (l *listening) attend(ctx context.Context, answer *soap.Element) {
	now, told := time.Now(), timeOf(answer.Text("CurrentTime")).Add(time.Second/2) // whole seconds are cut off
	if told.Year() < 1970 || told.Sub(now.Add(l.told)).Abs() <= clockSlack {
		return
	}
	l.told = told.Sub(now)
	l.retime(ctx)
}

// follow pulls a subscription until it has ended or ctx has.
func (l *listening) follow(ctx context.Context, s *subscription) (err error) {
	defer func() {
		if !errors.Is(err, errEnded) {
			l.leave(ctx, s)
		}
	}()
	tries := 0
	for ctx.Err() == nil {
		if err := l.keep(ctx, &s); err != nil {
			return err
		}
		began := time.Now()
		count, err := l.pull(ctx, s, pullTime)
		switch {
		case errors.Is(err, soap.ErrUnauthorized) && tries < maxTries && l.retime(ctx): // the time in what was sent was too old
			tries++
		case errors.Is(err, errTaken), errors.Is(err, errEnded), errors.Is(err, soap.ErrUnauthorized):
			return err
		case err != nil && ctx.Err() == nil:
			if tries++; tries > maxTries || time.Now().After(s.until) {
				return fmt.Errorf("%w: %w", errEnded, err)
			}
			pause(ctx, retryPause)
		default:
			tries = 0
			if count == 0 {
				pause(ctx, emptyPause-time.Since(began))
			}
		}
	}
	return ctx.Err()
}

// errTaken wraps an error of take.
var errTaken = errors.New("passing events on")

// pull asks for messages once, and passes them on.
func (l *listening) pull(ctx context.Context, s *subscription, wait time.Duration) (int, error) {
	body, err := l.manage(ctx, s, pullAction, eventsSpace, "PullMessages",
		fmt.Sprintf("<Timeout>%s</Timeout><MessageLimit>%d</MessageLimit>", duration(wait), maxPulled), wait+l.patience())
	switch {
	case err == nil:
	case errors.Is(err, soap.ErrUnauthorized):
		return 0, err
	case answers(err), errors.Is(err, soap.ErrNotSupported), errors.Is(err, soap.ErrNoEnvelope):
		return 0, fmt.Errorf("%w: %w", errEnded, err)
	case !unsent(err):
		l.lost = "an answer of the device was lost" // with the messages in it, if there were any
		return 0, err
	default:
		return 0, err
	}
	// Some devices renew a subscription with each pull. Times are in whole seconds.
	if until := timeOf(body.Text("TerminationTime")).Sub(timeOf(body.Text("CurrentTime"))); until > time.Until(s.until)+lifetime/10 {
		s.lives(body)
	}
	l.attend(ctx, body)
	p := Pulled{Notifications: notificationsOf(body), Lost: l.lost}
	if len(p.Notifications) == 0 && p.Lost == "" {
		return 0, nil
	}
	if err := l.take(p); err != nil {
		return 0, fmt.Errorf("%w: %w", errTaken, err)
	}
	l.lost = ""
	return len(p.Notifications), nil
}

// patience is how much longer than it was told to wait a device may take to answer.
func (c *Client) patience() time.Duration {
	if c.options.Timeout > 0 {
		return c.options.Timeout
	}
	return 5 * time.Second
}

// unsent says whether a call did not reach the device, so that nothing was lost.
func unsent(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

// keep renews a subscription in time. Where the device does not, a new one takes its
// place before the old one ends, and what still waits in the old one is pulled first.
func (l *listening) keep(ctx context.Context, s **subscription) error {
	old := *s
	left := time.Until(old.until)
	if left > time.Since(old.renewed) { // less than half of its life is over
		return nil
	}
	if !l.noRenew {
		body, err := l.manage(ctx, old, renewAction, notifySpace, "Renew", "<TerminationTime>"+duration(lifetime)+"</TerminationTime>", 0)
		if err == nil {
			old.lives(body)
			l.retime(ctx)
			return nil
		}
		if errors.Is(err, soap.ErrUnauthorized) && l.retime(ctx) {
			return nil // it is tried again before the next pull
		}
		if !answers(err) && !errors.Is(err, soap.ErrNotSupported) {
			return nil //nolint:nilerr // the network: it is tried again before the next pull
		}
		l.noRenew = true
	}
	next, err := l.subscribe(ctx)
	if err != nil {
		old.renewed = time.Now() // in half of the time that is left
		return nil               //nolint:nilerr // the old one goes on while it lives
	}
	for range maxTries {
		count, err := l.pull(ctx, old, 0)
		if errors.Is(err, errTaken) {
			*s = next
			return err
		}
		if err != nil || count == 0 {
			break
		}
	}
	l.leave(ctx, old)
	*s = next
	return nil //nolint:nilerr // the old one is left, emptied or not
}

// leave tells the device that a subscription is not wanted any more: it has few.
func (l *listening) leave(ctx context.Context, s *subscription) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_, _ = l.manage(ctx, s, unsubscribeAction, notifySpace, "Unsubscribe", "", 0) // else it ends by itself
}

// pause waits, if there is something to wait for.
func pause(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
