// What is blurred where the viewer wants nobody to be recognised.

import type { Box, Thing } from './protocol'

const keptMs = 1000 // after an object was last seen: a detector blinks
const margin = 0.12 // of the box's size, on each side

/** Veil remembers for a moment where people and vehicles were. */
export class Veil {
  #seen = new Map<string, { box: Box; at: number }>()

  /** cover gives what to blur in a picture of this media time, ms, with these things. */
  cover(things: Thing[], media: number): Box[] {
    for (const t of things) this.#seen.set(t.id, { box: hidden(t), at: media })
    for (const [id, s] of this.#seen) if (Math.abs(media - s.at) > keptMs) this.#seen.delete(id)
    return [...this.#seen.values()].map((s) => s.box)
  }
}

// Of a car, a bus or a lorry the lower part, where the plates are; of all else,
// riders too, everything.
function hidden(t: Thing): Box {
  const [l, top, r, b] = t.box
  const plates = t.cls === 'car' || t.cls === 'bus' || t.cls === 'truck'
  const from = plates ? top + (b - top) * 0.45 : top
  const [dx, dy] = [(r - l) * margin, (b - from) * margin]
  return [Math.max(0, l - dx), Math.max(0, from - dy), Math.min(1, r + dx), Math.min(1, b + dy)]
}
