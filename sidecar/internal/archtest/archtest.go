// Package archtest holds the rules of docs/architecture.md as Go tests: who may
// import whom, where cgo lives, that every package says what it is for.
package archtest
