// Package street simulates streets whose truth is exactly known: people and
// vehicles on the ground, a camera that looks at them, and a detector that is as
// wrong as real ones are. Tests of tracking and counting ask it for thousands of
// scenes; the same seed is always the same street.
//
// # The ground
//
// A road is straight, with its own coordinates: s metres along it and d metres to
// the left of who looks along it. Vehicles follow whoever is before them by the
// Intelligent Driver Model (Treiber, Hennecke, Helbing 2000); two-wheelers pass
// between standing cars. People walk in groups, give way, rest, and turn back.
//
// # The picture
//
// A pinhole camera on a mast looks down on the road. The box of an object is that
// of its cuboid; how much of it is visible is what no nearer object covers.
//
// # The truth
//
// A crossing is where the anchor (bottom) of the true, whole box goes through the
// segment. It is exact; only what hesitates on the line or is hidden around it is
// marked, since nobody could say there what a count should be.
//
// # The detector
//
// Each object has an evidence: what it is worth by size and visibility, an offset
// of its own, noise that lasts, and noise of the moment. The score is its logistic;
// below 0.1 nothing is found. So misses come in bursts and after falling scores, as
// they do on real clips. Recall is set by shifting the evidence; the other numbers
// were read from real clips with the same ruler as from the simulation
// (docs/accuracy-in-simulation.md).
package street
