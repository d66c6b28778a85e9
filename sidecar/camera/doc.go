// Package camera speaks for the catalogue with its ONVIF cameras: it finds the stream
// of each, asks for key frames, and passes their own events on. What it knows of ONVIF
// is package onvif's; what it gives are the sidecar's sources and events.
package camera
