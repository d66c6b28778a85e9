// Package analyse makes facts of scenes: events as they happen, and counts by
// the minute. It is pure: one goroutine, no clock, no input and output; time is
// the time of the frames, and the same scenes always give the same facts.
//
// # The line
//
// A line has two points, or more if it is bent. Let A and B be the ends of one of
// its pieces and P the anchor of a box. With y pointing down, as in the picture,
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
//	   right hand         cuts the piece or passes beside it: it cuts if A and B
//	                      are on different hands of the step too.
//
// The side of a bent line is that of the piece which is nearest, in sizes of the
// box. Where a corner is nearest, the object is outside of the bend: on the left
// hand of a line that turns right there.
//
//	      left hand
//	A ─────────┐ ·  ·     · nearest to the corner
//	           │   ·
//	right hand │          Beyond the ends of the line their pieces go on endlessly:
//	           ▼ B        who walks around an end changes sides without a cut.
//
// Cuts are counted over all pieces, with their signs: a step over both pieces of a
// corner cuts in and out, which is nothing. An anchor on a piece, and a corner on a
// step, are ties; they are broken as if all anchors lay a trace further right and
// down, so that cuts add up along every path.
//
// An object is settled on a side when two observations in a row stand beyond a
// band around the line. When it settles on the other side, and its path since
// then has cut the line once more in that direction than in the other, it has
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
//
// # The junction
//
// Turns are made of the crossings of a junction's lines, of which "in" is into it.
// The crossings of one object, in the order of their cuts, are paired: each way out
// belongs to the way in before it. A way in without one, of what vanishes in the
// junction or comes in again, goes to nobody knows where, and a way out without one
// comes from there. So the turns from a line are as many as its crossings inwards,
// and those to it as many as its crossings outwards, when nobody is left inside.
// Whenever the crossings of an object change, by a correction or a Join, it is paired
// anew: what was told and does not hold any more is withdrawn, and what is new is
// told. Where an object came from is told when it is decided whether it is the
// return of another.
//
// # The zone
//
// An object is inside when its anchor is in the polygon; that changes after two
// observations further from the border than the band, or after two seconds on
// the other side. Presence is who is inside now, also if hidden for a moment.
// Entries and exits are changes of that: what appears inside has entered, and
// what vanishes inside has left when it was last seen, so that entries less exits
// are always the presence. Visits are stays that have reached the function's dwell.
//
// # The place
//
// Parking is a state of the place, and tracks are only what is seen in it. A place
// is free; somebody comes to stand in it; after the function's dwell it is
// occupied, since the frame from which on the boxes were alike. It stays so while
// other objects hide it, however long, and for some time without a detection: a
// short one if its vehicle was seen somewhere else, or another came to stand there
// meanwhile, a long one otherwise. Then it is free since the last frame in which
// something was seen standing. Bays are places that are given; at a kerb they are
// where vehicles stand.
//
// # The gap
//
// While the picture is not what the rules were drawn on, scenes are not looked at,
// and that is no fact: who was followed is forgotten and has not left, places stay
// as they were. Afterwards it is as in a first scene. See suspend.go.
//
// # The minute
//
// A count belongs to the minute of its frame's capture time. Uptime is the part of
// the minute between analysed frames that followed each other closely (see
// patience). Quality is good, or low with flags that say why: "gaps" (uptime under
// 0.9), "slow" (less than 45 % of the expected frames where it was up), "clock"
// (capture times that leapt and were not followed), and what the scenes' views say
// (night, rain, low_detail; moved and the like where the rules were suspended); it
// is none, and there are no rows, where nothing was analysed. A minute is given some
// seconds after its end, final unless something in it may still come out either way,
// and given again with a higher Rev when it changes, every ten seconds at most, for
// ten minutes.
// Where a run begins and ends, intervals are shorter: see ledger.
//
// # The restart
//
// Memory writes down what an analyser knows, and Recall makes another one of it, in
// another process. To that the time between is a gap between two epochs, as when a
// camera was away: the minute goes on with less uptime, places stay as they were for
// up to ten minutes, who stood still is found again where it stood within 30 s, and
// all others are given up where they were seen last.
package analyse
