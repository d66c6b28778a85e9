// What is surely something. Zones count by this rule (sidecar/analyse/object.go), and pictures
// that are drawn by the server follow it (overlays/draw/sure.go); the page knows only what came
// since it was opened.

import type { Thing } from './protocol'

const surely = 0.5 // mean score; cones, stones and tripods that look like people stay below it
const wavering = 0.05 // how far below that it may fall again, so that nothing flickers
const mostIds = 5000

interface Looks {
  x: number // its centre at first
  y: number
  moved: boolean
  sure: boolean
  n: number
  conf: number // the sum
}

/** Sure remembers, of one session, what has moved by its own size, or is seen surely: who moved stays so. */
export class Sure {
  #ids = new Map<string, Looks>()

  /** see takes the objects of a scene. */
  see(things: Thing[]): void {
    for (const t of things) {
      const [left, top, right, bottom] = t.box
      const [x, y] = [(left + right) / 2, (top + bottom) / 2]
      const k = this.#ids.get(t.id) ?? { x, y, moved: false, sure: false, n: 0, conf: 0 }
      k.n++
      k.conf += t.conf
      k.moved ||= Math.hypot((x - k.x) / (right - left), (y - k.y) / (bottom - top)) > 1
      k.sure = k.conf >= (k.sure ? surely - wavering : surely) * k.n
      this.#ids.set(t.id, k)
    }
    for (const old of this.#ids.keys()) {
      if (this.#ids.size <= mostIds) break
      this.#ids.delete(old)
    }
  }

  has(id: string): boolean {
    const k = this.#ids.get(id)
    return k !== undefined && (k.moved || k.sure)
  }
}
