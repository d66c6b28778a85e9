// Package publish gives scenes, events and counts to whoever wants them: Redis
// streams (docs/streams.md) and files of JSON lines.
//
// Scenes are for drawing and may be lost: Scene never blocks, and counts what it
// drops. Facts (events, counts, audit) are never lost: Facts returns when they
// stand on the disk, and they leave it some seconds after Redis acknowledged
// them. A fact may come twice, with the same id; readers dedupe by it.
package publish
