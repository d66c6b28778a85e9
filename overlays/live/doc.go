// Package live brings the picture and its boxes to browsers: one WebSocket
// (RFC 6455) per viewer carries the camera's own access units and the scenes,
// both with the same unwrapped RTP time, so that the page can draw a frame
// together with exactly its own boxes.
//
// The Hub never holds up who feeds it: each viewer has a bounded queue of its
// own, and a slow viewer loses its own pictures up to the next key frame.
package live
