// Package whep gives the cameras on over WebRTC, to players and pages of others that
// speak WHEP (draft-ietf-wish-whep): one POST of an SDP offer (RFC 8866, RFC 9429), one
// answer, and the camera's own H.264 pictures in RTP (RFC 6184), nothing coded anew.
//
// A viewer that opens a data channel (RFC 8831) of the name "scenes" gets one JSON
// message for each scene, with the RTP time that the scene's picture has in this
// session, so that a page knows by the metadata of a frame which boxes are its own.
// Pictures are held back by a constant delay, so that a scene is never later than its
// picture.
//
// Everything goes through one port, over UDP or, where that is blocked, TCP (RFC 6544).
// The server is an ICE-lite agent (RFC 8445 clause 2.5): it names the addresses it was
// given, asks no STUN server, resolves no names, and sends nothing to an address that
// has not shown first that it knows the session's password.
package whep
