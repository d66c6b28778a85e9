// Package taptest is a camera made of a file: an RTSP server that plays a clip as
// a camera would, in real time and without end, with digest authentication,
// sender reports and an RTP clock that goes on over the loop. It can be told to
// misbehave while it runs.
//
// It is the camera of all tests, and of the demo.
package taptest
