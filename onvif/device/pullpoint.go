package device

import (
	"context"
	"net/http"
	"strings"
	"time"

	"pantau/onvif/metadata"
	"pantau/onvif/soap"
)

// subscriptionPath is where pull points are, by their ids.
const subscriptionPath = "/onvif/subscription/"

// Dialects of topic expressions (Core 9.6.3).
const (
	dialectConcrete    = "http://docs.oasis-open.org/wsn/t-1/TopicExpression/Concrete"
	dialectConcreteSet = "http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet"
	dialectItemFilter  = "http://www.onvif.org/ver10/tev/messageContentFilter/ItemFilter"
)

// eventOperations are those of the event service and of pull points (Core 9).
func eventOperations() map[string]operation {
	const producer, point = eventSpace + "/EventPortType", eventSpace + "/PullPointSubscription"
	const manager = "http://docs.oasis-open.org/wsn/bw-2/SubscriptionManager"
	return map[string]operation{
		"GetServiceCapabilities": {access: open, addressed: true, port: producer, answer: func(c *call) (markup, error) {
			return `<tev:GetServiceCapabilitiesResponse>` + c.capabilities(eventSpace) + `</tev:GetServiceCapabilitiesResponse>`, nil
		}},
		"GetEventProperties":          {addressed: true, port: producer, answer: (*call).eventProperties},
		"CreatePullPointSubscription": {addressed: true, port: producer, answer: (*call).subscribe},
		"PullMessages":                {addressed: true, port: point, answer: (*call).pullMessages},
		"SetSynchronizationPoint":     {addressed: true, port: point, answer: (*call).synchroniseEvents},
		"Renew":                       {addressed: true, port: manager, answer: (*call).renew},
		"Unsubscribe":                 {addressed: true, port: manager, answer: (*call).unsubscribe},
	}
}

// eventProperties lists all topics with what is told under them.
func (c *call) eventProperties() (markup, error) {
	return form(`<tev:GetEventPropertiesResponse><tev:TopicNamespaceLocation>http://www.onvif.org/onvif/ver10/topics/topicns.xml</tev:TopicNamespaceLocation>`+
		`<wsnt:FixedTopicSet>true</wsnt:FixedTopicSet><wstop:TopicSet>%s</wstop:TopicSet>`+
		`<wsnt:TopicExpressionDialect>%s</wsnt:TopicExpressionDialect><wsnt:TopicExpressionDialect>%s</wsnt:TopicExpressionDialect>`+
		`<tev:MessageContentFilterDialect>%s</tev:MessageContentFilterDialect>`+
		`<tev:MessageContentSchemaLocation>http://www.onvif.org/onvif/ver10/schema/onvif.xsd</tev:MessageContentSchemaLocation></tev:GetEventPropertiesResponse>`,
		tree(topics(), 0), dialectConcrete, dialectConcreteSet, dialectItemFilter), nil
}

// readFilter reads the filter of a subscription (Core 9.6).
func (c *call) readFilter() (filter, error) {
	var f filter
	for _, e := range children(c.in.Child("Filter")) {
		switch e.Name {
		case "TopicExpression":
			if d := e.Attr("Dialect"); d != "" && d != dialectConcrete && d != dialectConcreteSet {
				return nil, refusedFilter("wsnt:TopicExpressionDialectUnknownFault", "topics are filtered by the dialects "+dialectConcrete+" and "+dialectConcreteSet)
			}
			more, ok := readTopics(e.Text())
			if !ok {
				return nil, refusedFilter("wsnt:InvalidTopicExpressionFault", "this is no set of topics; write one such as tns1:RuleEngine//.|tns1:VideoSource/MotionAlarm")
			}
			f = append(f, more...)
		case "MessageContent":
			return nil, refusedFilter("wsnt:InvalidMessageContentExpressionFault", "events are not filtered by their content here; filter by topic, and look at the content on your side")
		default:
			return nil, refusedFilter("wsnt:InvalidFilterFault", "filter by TopicExpression")
		}
	}
	for _, t := range topics() {
		if f.takes(t.name) {
			return f, nil
		}
	}
	return nil, refusedFilter("wsnt:TopicNotSupportedFault", "none of these topics is here; GetEventProperties lists those that are")
}

func refusedFilter(code, reason string) *fault {
	return &fault{status: http.StatusBadRequest, codes: "wsnt:SubscribeCreationFailedFault " + code, reason: reason}
}

// life reads how long a subscription is wanted to live.
func (c *call) life(element string, now time.Time) (time.Duration, error) {
	text := c.in.Text(element)
	if text == "" {
		return usual, nil
	}
	d, ok := readTermination(text, now)
	if !ok || d <= 0 {
		return 0, &fault{status: http.StatusBadRequest, codes: "wsnt:UnacceptableInitialTerminationTimeFault", reason: "this time is over, or no time: write one such as PT60S"}
	}
	return d, nil
}

// subscribe makes a pull point.
func (c *call) subscribe() (markup, error) {
	f, err := c.readFilter()
	if err != nil {
		return "", err
	}
	now := time.Now()
	life, err := c.life("InitialTerminationTime", now)
	if err != nil {
		return "", err
	}
	s := newSubscription(c.unit, c.who.name, f, now)
	until := s.renew(now, life)
	if !c.server.events.subscribe(s) {
		return "", &fault{status: http.StatusServiceUnavailable, receiver: true, codes: "wsnt:SubscribeCreationFailedFault ter:MaxPullPoints",
			reason: "there are as many pull points as there can be; unsubscribe one, or wait until one is over"}
	}
	return form(`<tev:CreatePullPointSubscriptionResponse><tev:SubscriptionReference><wsa:Address>%s</wsa:Address></tev:SubscriptionReference>`+
		`<wsnt:CurrentTime>%s</wsnt:CurrentTime><wsnt:TerminationTime>%s</wsnt:TerminationTime></tev:CreatePullPointSubscriptionResponse>`,
		c.base+subscriptionPath+s.id, now, until), nil
}

// subscription is the one that a request was sent to. Who did not make it does not see it.
func (c *call) subscription() (*subscription, error) {
	id, ok := strings.CutPrefix(c.path, subscriptionPath)
	s := c.server.events.find(id)
	if !ok || s == nil || s.unit != c.unit || s.user != c.who.name {
		return nil, &fault{status: http.StatusBadRequest, codes: "ter:InvalidArgVal wsrf:ResourceUnknownFault", reason: "there is no such subscription; it may be over: make a new one by CreatePullPointSubscription"}
	}
	return s, nil
}

// pullMessages gives what has happened, or waits until something does.
func (c *call) pullMessages() (markup, error) {
	s, err := c.subscription()
	if err != nil {
		return "", err
	}
	timeout, ok := readDuration(c.in.Text("Timeout"))
	if !ok {
		return "", invalid("ter:InvalidTimeout", "the Timeout is no duration: write one such as PT60S")
	}
	timeout = min(timeout, maxPull)
	limit := c.in.Int("MessageLimit")
	if limit <= 0 || limit > maxAtOnce {
		limit = maxAtOnce
	}
	s.keep(time.Now(), timeout+grace)
	p, ok := s.enter(c.ctx)
	if !ok {
		return "", unableToGet()
	}
	b, ok := p.wait(c.ctx, timeout, limit)
	if !ok {
		p.leave()
		return "", unableToGet()
	}
	now := time.Now()
	until := s.keep(now, timeout+grace)
	c.after = func(send func(context.Context) bool) {
		defer p.leave()
		ctx, cancel := context.WithCancel(c.ctx)
		defer cancel()
		stop := make(chan struct{})
		defer close(stop)
		go func() { // ends with stop
			select {
			case <-p.newer:
				cancel()
			case <-stop:
			}
		}()
		if !send(ctx) {
			p.back(b)
		} else if b.resync {
			c.server.events.synchronise(s)
		}
	}
	return form(`<tev:PullMessagesResponse><tev:CurrentTime>%s</tev:CurrentTime><tev:TerminationTime>%s</tev:TerminationTime>%s</tev:PullMessagesResponse>`,
		now, until, each(b.all(), func(n metadata.Notification) markup { return markup(n.AppendXML(nil)) })), nil
}

// unableToGet is the fault of a pull that had to make room for another, or whose
// subscription is over.
func unableToGet() *fault {
	return &fault{status: http.StatusBadRequest, codes: "wsnt:UnableToGetMessagesFault", reason: "another PullMessages came for this subscription, or it is over"}
}

func (c *call) synchroniseEvents() (markup, error) {
	s, err := c.subscription()
	if err != nil {
		return "", err
	}
	c.server.events.synchronise(s)
	return `<tev:SetSynchronizationPointResponse/>`, nil
}

func (c *call) renew() (markup, error) {
	s, err := c.subscription()
	if err != nil {
		return "", err
	}
	now := time.Now()
	life, err := c.life("TerminationTime", now)
	if err != nil {
		return "", err
	}
	until := s.renew(now, life)
	return form(`<wsnt:RenewResponse><wsnt:TerminationTime>%s</wsnt:TerminationTime><wsnt:CurrentTime>%s</wsnt:CurrentTime></wsnt:RenewResponse>`, until, now), nil
}

func (c *call) unsubscribe() (markup, error) {
	s, err := c.subscription()
	if err != nil {
		return "", err
	}
	c.server.events.unsubscribe(s)
	return `<wsnt:UnsubscribeResponse/>`, nil
}

// children are those of an element that may not be there.
func children(e *soap.Element) []*soap.Element {
	if e == nil {
		return nil
	}
	return e.Children
}
