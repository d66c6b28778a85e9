package track

import "time"

// The tracker's constants. Lengths are parts of the object's own box ("sizes"),
// times are media time, so they mean the same near and far and at every frame
// rate.

// Motion.
const (
	centreNoise  = 0.06  // standard deviation of a detected centre, sizes
	sizeNoise    = 0.12  // of a detected width and height, sizes
	resolution   = 0.001 // what a detector's grid resolves at best, picture sides
	acceleration = 1.0   // root of the spectral density of acceleration, sizes/s^1.5
	growth       = 0.5   // the same for width and height
	growthTime   = 0.5   // time constant with which growth dies away, s
	firstSpeed   = 5.0   // standard deviation of the velocity of what was just born, sizes/s
	firstGrowth  = 0.3   // the same for width and height
	outlier      = 3.0   // standard deviations from which an observation weighs less
	smallest     = 1e-4  // least width and height of a box, picture sides
	replaySteps  = 8     // most virtual observations between a loss and a recovery
)

// Rest.
const (
	stopRadius   = 0.15 // who stays within it for stopTime has stopped, sizes
	startRadius  = 0.3  // who leaves it moves again, sizes
	stopTime     = 1500 * time.Millisecond
	stillAgility = 0.1 // share of acceleration and growth left to what stands
	stillSpeed   = 0.2 // standard deviation of its velocity, sizes/s
	stillDoubt   = 4.0 // how much more than usual the noise of its detections varies
	patience     = 2   // how many times longer than others it may be hidden
)

// Association.
const (
	certain        = 2.0                    // above all scores
	tentativeFrom  = 0.5                    // share of Options.High from which a detection may continue a tentative track
	covered        = 0.5                    // share of a doubtful box on certain ones from which it is a part of them
	leastHigh      = 0.15                   // similarity from which a certain detection may belong to a track
	leastLow       = 0.35                   // the same for a doubtful one
	leastTentative = 0.25                   // the same for a track without identity
	leastStill     = 0.35                   // the same for a track that stands: it does not leap
	bufferSigmas   = 1.0                    // boxes are widened by so many standard deviations of the prediction,
	bufferLeast    = 0.05                   // by so many sizes at least,
	bufferMost     = 1.0                    // and at most
	waitPenalty    = 0.1                    // loss of similarity for each second without observation
	relatedClass   = 0.9                    // similarity kept between car, bus and truck, or bicycle and motorcycle
	doubtLead      = 0.35                   // how much more than a certain detection a doubtful one is alike for which a track waits
	leastAround    = 0.5                    // the same for one that lies around several people, and seems to be of them all
	aroundPart     = 0.7                    // part of a person's box from which it lies within another
	aroundLarger   = 1.3                    // how many times larger the other one is then at least
	aroundSame     = 0.75                   // IoU from which it is that person's own
	lowFor         = 700 * time.Millisecond // how long after its last observation a doubtful detection may continue what does not walk or ride
)

// Pace, in heights of the box per second.
const (
	runs        = 2.2 // nobody on foot is faster for long
	ridesSurely = 3.2 // from here on it is certain that somebody rides
	rideWeight  = 3.0 // evidence of a stretch at that pace, by that of the detections in it
	paceTime    = 700 * time.Millisecond
)

// Identity.
const (
	bornFrom      = 0.75                   // share of Options.High from which a detection begins a track
	leastProof    = 1.1                    // scores of all observations of a track that is confirmed, summed
	leastAfoot    = 0.75                   // the same for who walks or rides: they are small, and seldom seen surely
	giant         = 0.25                   // part of the picture from which an object's mean score must be that of a certain one
	leastLife     = 190 * time.Millisecond // its age: as many frames a second as there are, a ghost of a moment is none
	tentativeFor  = 500 * time.Millisecond // how long a track without identity may be hidden
	classMargin   = 1.25                   // lead of a class that takes over from another
	riderHint     = 0.15                   // share of a two-wheeler in what seems a person, or the other way, from which it may be a rider
	duplicate     = 0.7                    // IoU with a confirmed track from which a newcomer is the same object
	nestedPart    = 0.8                    // part of the smaller of two boxes from which it lies in the larger
	nestedLeast   = 0.1                    // part of the larger that it is then at least
	behindPart    = 0.9                    // part of what is in a vehicle's box from which that would hide it,
	behindBy      = 0.25                   // if it stands so much of the box's height higher
	nestedFor     = 500 * time.Millisecond // how long the other one may be hidden
	nestedMost    = 0.6                    // part of a track's observations in another one from which it is that one
	rejoinSimilar = 0.35                   // similarity from which a newcomer is the return of a lost track
	rejoinBuffer  = 0.5                    // widening for that, sizes
	twinOverlap   = 0.7                    // IoU from which two tracks may be one object
	twinTime      = 500 * time.Millisecond
	twinHits      = 3   // observations of each while they overlap
	twinSure      = 0.5 // part of the observations since then from which two people who are both seen surely are two
)
