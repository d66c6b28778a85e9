// Package tap takes the video of a camera, or of a clip, and hands on access
// units: complete compressed pictures with their place in time.
//
// A Tap speaks RTSP 1.0 (RFC 2326) over TCP, UDP or TLS, understands H.264
// (RFC 6184), H.265 (RFC 7798) and JPEG (RFC 2435), and reads for ever: it comes
// back by itself after whatever a camera or a network does to it. Every session
// is an epoch of its own.
//
// It never waits for whoever takes the units. A slow consumer drops them; a slow
// consumer must not be felt by the camera.
package tap
