// Where things have gone in the last minutes.

import { foot } from './joiner'
import type { Point, Thing } from './protocol'

const halfLifeMs = 60_000
const longestStep = 0.2 // of the picture's width: further in one step is another object, or a lost one
const longestGapMs = 2000
const least = 4 // passes that make full colour, where nothing has been busier

/**
 * Heat adds up ways: every object leaves as much in each cell that it passes,
 * however slowly it goes, and nothing while it stands still. Half is forgotten
 * each minute.
 */
export class Heat {
  readonly columns = 96
  readonly rows: number
  readonly cells: Float32Array
  #feet = new Map<string, Point>()
  #at: number | null = null // media time of the scene before, ms

  /** A heat map of pictures so wide by high goes on with the ways of the one before. */
  constructor(aspect: number, before: Heat | null = null) {
    this.rows = Math.min(this.columns, Math.max(1, Math.round(this.columns / aspect)))
    this.cells = new Float32Array(this.columns * this.rows)
    if (before?.rows === this.rows) this.cells.set(before.cells)
  }

  /** add takes the objects of the next scene; media is its media time, ms. */
  add(things: Thing[], media: number): void {
    const passed = this.#at === null ? Infinity : media - this.#at
    if (passed <= 0) return
    this.#at = media
    const kept = 0.5 ** (passed / halfLifeMs)
    if (passed < Infinity) for (let i = 0; i < this.cells.length; i++) this.cells[i]! *= kept
    const before = this.#feet
    this.#feet = new Map(things.map((t) => [t.id, foot(t)]))
    if (passed > longestGapMs) return
    for (const [id, to] of this.#feet) {
      const from = before.get(id)
      if (from) this.#way(from, to)
    }
  }

  // A way leaves its length, in cells, spread evenly over it.
  #way(from: Point, to: Point): void {
    const dx = (to[0] - from[0]) * this.columns
    const dy = (to[1] - from[1]) * this.rows
    const length = Math.hypot(dx, dy)
    if (length > longestStep * this.columns) return
    const steps = Math.max(1, Math.ceil(length))
    for (let i = 0; i < steps; i++) {
      const part = (i + 0.5) / steps
      this.#drop(from[0] * this.columns + dx * part, from[1] * this.rows + dy * part, length / steps)
    }
  }

  // On nine cells, most on the middle one.
  #drop(x: number, y: number, amount: number): void {
    for (let j = -1; j <= 1; j++) {
      for (let i = -1; i <= 1; i++) {
        const column = Math.floor(x) + i
        const row = Math.floor(y) + j
        if (column < 0 || row < 0 || column >= this.columns || row >= this.rows) continue
        this.cells[row * this.columns + column]! += (amount * (2 - Math.abs(i)) * (2 - Math.abs(j))) / 16
      }
    }
  }

  /** colours are the cells as RGBA, clear where nothing went. */
  colours(): Uint8ClampedArray<ArrayBuffer> {
    const out = new Uint8ClampedArray(this.cells.length * 4)
    const most = this.cells.reduce((a, b) => Math.max(a, b), least)
    this.cells.forEach((v, i) => out.set(colour(Math.sqrt(v / most)), i * 4))
    return out
  }
}

// From clear violet over orange to light yellow: brighter is more, in any kind of colour vision.
const ramp = [[60, 15, 110, 0], [125, 30, 110, 120], [220, 75, 60, 165], [250, 165, 40, 190], [252, 250, 160, 210]] as const

function colour(level: number): number[] {
  const at = Math.min(0.999, Math.max(0, level)) * (ramp.length - 1)
  const i = Math.floor(at)
  return ramp[i]!.map((v, k) => v + (ramp[i + 1]![k]! - v) * (at - i))
}
