// Package device is an ONVIF device: it is found by WS-Discovery, tells of its video
// sources, streams and analytics, and gives events through pull points (ONVIF Profiles M,
// S and T, as far as they apply to a device that passes on other cameras' streams). It
// plays no video itself: it names the RTSP server beside it.
//
// A [Server] is one device with all cameras, or one device for each camera, every one at
// a port of its own. Each port answers HTTP and HTTPS. Nothing but what ONVIF calls
// PRE_AUTH (Core 5.9.4.3) is answered without credentials: WS-Security's UsernameToken or
// HTTP digest (SHA-256, MD5).
//
// Sections are those of the ONVIF specifications 24.12. What clients send is bounded and
// taken for hostile until it is parsed.
package device
