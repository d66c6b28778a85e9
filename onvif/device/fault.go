package device

import (
	"fmt"
	"net/http"
	"strings"

	"pantau/onvif/soap"
)

// fault is a SOAP fault that is answered.
type fault struct {
	status   int    // of HTTP
	receiver bool   // it is the device's; otherwise the sender's
	codes    string // subcodes of namespace ter or wsnt, from the general to the special, with a space between
	reason   string
	detail   markup
	stale    bool // it is not the password that is refused
}

// Error is codes and reason.
func (f *fault) Error() string { return f.codes + ": " + f.reason }

// The faults of Core 5.11.2.
func invalid(code, format string, args ...any) *fault {
	return &fault{status: http.StatusBadRequest, codes: "ter:InvalidArgVal " + code, reason: fmt.Sprintf(format, args...)}
}

func conflict(code, format string, args ...any) *fault {
	return &fault{status: http.StatusInternalServerError, receiver: true, codes: "ter:Action " + code, reason: fmt.Sprintf(format, args...)}
}

func notSupported(format string, args ...any) *fault {
	return &fault{status: http.StatusInternalServerError, receiver: true, codes: "ter:ActionNotSupported", reason: fmt.Sprintf(format, args...)}
}

func notAuthorized(status int, reason string) *fault {
	return &fault{status: status, codes: "ter:NotAuthorized", reason: reason}
}

func malformed(reason string) *fault {
	return &fault{status: http.StatusBadRequest, codes: "ter:WellFormed", reason: reason}
}

func failed() *fault {
	return &fault{status: http.StatusInternalServerError, receiver: true, codes: "ter:Action", reason: "something went wrong on the device; its log says what"}
}

// form is the fault in the words of a version of SOAP.
func (f *fault) form(space string) markup {
	side := "Sender"
	if f.receiver {
		side = "Receiver"
	}
	codes := strings.Fields(f.codes)
	if space == soap.Space11 {
		detail := markup("")
		if f.detail != "" {
			detail = "<detail>" + f.detail + "</detail>"
		}
		return form(`<s:Fault><faultcode>%s</faultcode><faultstring>%s</faultstring>%s</s:Fault>`, codes[len(codes)-1], f.reason, detail)
	}
	sub := markup("")
	for i := len(codes) - 1; i >= 0; i-- {
		sub = form(`<s:Subcode><s:Value>%s</s:Value>%s</s:Subcode>`, codes[i], sub)
	}
	detail := markup("")
	if f.detail != "" {
		detail = "<s:Detail>" + f.detail + "</s:Detail>"
	}
	return form(`<s:Fault><s:Code><s:Value>s:%s</s:Value>%s</s:Code><s:Reason><s:Text xml:lang="en">%s</s:Text></s:Reason>%s</s:Fault>`, side, sub, f.reason, detail)
}
