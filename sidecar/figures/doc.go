// Package figures keeps what is known of each camera now, beside the sums: its newest
// minute, how well the last hour was observed, and the states of its functions, which
// hold until an event says otherwise. It follows what is published, and is pure: no
// clock, no input and output, no goroutine.
package figures
