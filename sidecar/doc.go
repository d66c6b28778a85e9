// Package sidecar is the vocabulary of Pantau: the words that every stage speaks.
//
// It imports the standard library and nothing else, and it does no work: stages
// (tap, decode, inference, track, analyse, publish) import it and not each other;
// package pipeline joins them.
//
// Coordinates are 0..1 of the picture, origin top left, x to the right, y down.
// Times of capture are UTC. Media time is the RTP time, unwrapped to 64 bits.
package sidecar
