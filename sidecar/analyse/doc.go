// Package analyse makes facts of scenes: events as they happen, and counts by
// the minute. It is pure: one goroutine, no clock, no input and output; time is
// the time of the frames, and the same scenes always give the same facts.
//
// # The line
//
// Let A and B be the ends of a line and P the anchor of a box. With y pointing
// down, as in the picture,
//
//	side(P) = (B−A) × (P−A) = (Bx−Ax)(Py−Ay) − (By−Ay)(Px−Ax)
//
// is greater than zero on the right hand of who stands at A and looks to B, and
// less than zero on the left hand. The sign does not depend on the shape of the
// picture, and neither does side(P) as a part of the range that it has over the
// object's own box, which is how nearness to a line is measured here.
//
//	   left hand          The path of an object is the chain of straight steps
//	A ───────────► B      between its observations. A step over the endless line
//	   right hand         cuts the segment or passes beside it: u of
//	                      A + u(B−A), the place of the cut, says which.
//
// An object is settled on a side when two observations in a row stand beyond a
// band around the line. When it settles on the other side, and its path since
// then has cut the segment once more in that direction than in the other, it has
// crossed, and it did so in the frame of the last such cut, however long it stood
// on the line afterwards. What flickers never settles; what jumps needs no
// observation near the line; and in and out alternate for one object, since it
// is counted in a direction only if it was not counted in that direction before.
//
// # One object, several tracks
//
// A tracker loses an object and finds it under another identity, or has two
// identities for one object. Both end in a Join: what is known of one track is
// told on by the other. It happens when the tracker merges them, and when a track
// is born where a lost one must be by now. Facts that were told twice by then are
// corrected.
package analyse
