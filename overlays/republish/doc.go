// Package republish gives the cameras on over RTSP (RFC 2326), for a VMS that is to
// show the boxes without a plugin:
//
//	/<camera>         the camera's own packets, and an ONVIF metadata track
//	                  (vnd.onvif.metadata, ONVIF Streaming Specification 5.1.2.1)
//	/<camera>/video   the camera's own packets alone
//	/<camera>/overlay pictures with their boxes and masks in them, coded anew (H.264)
//
// The packets of the first two are those of the camera: payload, sequence numbers, RTP time. Only the
// SSRC is each session's own (RFC 3550 clause 8). They are held back by a constant
// delay, so that a scene is never later than its picture. A document's UtcTime and the
// sender reports of both tracks come from one time line, so that a reader who maps
// RTP time to UTC finds exactly the picture of each scene (ONVIF Analytics 5.2.1).
//
// A session ends when the camera's does: with a new epoch the RTP clock, the codec and
// the parameter sets may all be others.
package republish
