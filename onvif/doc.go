// Package onvif finds ONVIF devices and asks them what they are and where their
// streams lie: WS-Discovery over multicast, unicast and by hand ([Discover]), and a
// client of the device and media services ([Dial]) that gets on with what real
// devices do. It depends on nothing of the program around it.
//
// Sections are those of the ONVIF Core Specification 23.12, unless another is named.
// Whatever comes from a device is untrusted: it is bounded, printable, and never
// decides which host is called or gets credentials.
package onvif
