package track

import "time"

// The tracker's constants. Lengths are parts of the object's own box ("sizes"),
// times are seconds of media time, so they mean the same near and far and at
// every frame rate.
const (
	// Motion.
	centreNoise  = 0.06  // standard deviation of a detected centre, sizes
	sizeNoise    = 0.12  // of a detected width and height, sizes
	resolution   = 0.001 // what a detector's grid resolves at best, picture sides
	acceleration = 2.0   // root of the spectral density of acceleration, sizes/s^1.5
	growth       = 0.5   // the same for width and height
	growthTime   = 0.5   // time constant with which growth dies away, s
	firstSpeed   = 5.0   // standard deviation of the velocity of what was just born, sizes/s
	firstGrowth  = 0.3   // the same for width and height
	stillDoubt   = 4.0
	stillAgility = 0.1  // share of acceleration left to what stands
	outlier      = 3.0  // standard deviations from which an observation weighs less
	smallest     = 1e-4 // width and height of a box at least, picture sides

	// Association.
	leastHigh      = 0.15 // similarity from which a certain detection may belong to a track
	leastLow       = 0.35 // the same for a doubtful one
	leastTentative = 0.25 // the same for a track that is not confirmed
	leastRecovered = 0.35 // the same where the last observation stands for the prediction
	bufferSigmas   = 1.0  // boxes are widened by so many standard deviations of the prediction
	bufferLeast    = 0.05 // and by at least so many sizes
	bufferMost     = 1.0  // and at most
	recoverBuffer  = 0.5  // widening of a last observation, sizes
	waitPenalty    = 0.1  // loss of similarity per second without observation
	lowFor         = 500 * time.Millisecond

	highFrom      = 0.4
	tentativeFrom = 0.2
	bornFrom      = 0.3
	confirmTime   = 0.19
	proofNeeded   = 1.2
	covered       = 0.6
	// Birth, twins and rest.
	duplicate                   = 0.7 // IoU with a confirmed track from which a newcomer is the same object
	tentativeFor                = 500 * time.Millisecond
	twinOverlap                 = 0.7 // IoU from which two tracks may be one object
	twinTime                    = 500 * time.Millisecond
	twinHits                    = 3    // observations of each while they overlap
	rejoinSimilar               = 0.35 // similarity from which a newcomer is the return of a lost track
	rejoinBuffer                = 0.5
	stopRadius                  = 0.15 // who stays within it for stopTime has stopped, sizes
	startRadius                 = 0.3  // who leaves it moves again, sizes
	patience      time.Duration = 2    // times longer than others, what stands may be hidden
	stopTime                    = 1500 * time.Millisecond
	replaySteps                 = 8 // most virtual observations between a loss and a recovery
	classMargin                 = 1.25
	relatedClass                = 0.9 // similarity kept between car, bus and truck, or bicycle and motorcycle
)
