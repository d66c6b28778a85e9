package device

import (
	"strings"

	"pantau/onvif/soap"
)

// access is who may call an operation (Core 5.9.4.3).
type access int

const (
	read   access = iota // any account
	open                 // PRE_AUTH: everybody
	change               // administrators
)

// operation is one of a service's.
type operation struct {
	access    access
	answer    func(*call) (markup, error)
	addressed bool   // the answer says its action (WS-Addressing)
	port      string // of the action
}

// action is the WS-Addressing action of the answer.
func (o operation) action(name string) string {
	return o.port + "/" + name + "Response"
}

// service is one of the device's services.
type service struct {
	space      string
	path       string
	major      int // version
	minor      int
	operations map[string]operation
}

// services is the whole list: to add an operation, write it and add its line to the
// table of its service.
func services() []service {
	return []service{
		{deviceSpace, "/onvif/device_service", 24, 12, deviceOperations()},
		{mediaSpace, "/onvif/media_service", 24, 12, mediaOperations()},
		{media2Space, "/onvif/media2_service", 24, 12, media2Operations()},
		{eventSpace, "/onvif/event_service", 24, 12, eventOperations()},
		{analyticsSpace, "/onvif/analytics_service", 24, 12, analyticsOperations()},
	}
}

// lookup finds the operation of a request: by its namespace, or by the path where the
// client has not declared one that is known.
func (s *Server) lookup(in *soap.Element, path string) (operation, bool) {
	space := strings.TrimRight(in.Space, "/")
	if space == "http://docs.oasis-open.org/wsn/bw-2" || space == "http://docs.oasis-open.org/wsn/b-2" {
		space = eventSpace // Renew and Unsubscribe are WS-BaseNotification's
	}
	var byPath map[string]operation
	for _, v := range s.services {
		if v.space == space {
			op, ok := v.operations[in.Name]
			return op, ok
		}
		if v.path == path || v.space == eventSpace && strings.HasPrefix(path, subscriptionPath) {
			byPath = v.operations
		}
	}
	op, ok := byPath[in.Name]
	return op, ok
}
