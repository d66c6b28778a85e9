// What the detector was ever sure of. Pictures that are drawn by the server follow the
// same rule (overlays/draw/sure.go).

import type { Thing } from './protocol'

const surely = 0.5 // score of one detection; cones and tripods that look like people stay below it
const mostIds = 5000

/** Sure remembers, of one session, which objects were once seen surely: who was stays so. */
export class Sure {
  #ids = new Set<string>()

  /** see takes the objects of a scene. */
  see(things: Thing[]): void {
    for (const t of things) if (t.conf >= surely) this.#ids.add(t.id)
    for (const old of this.#ids) {
      if (this.#ids.size <= mostIds) break
      this.#ids.delete(old)
    }
  }

  has(id: string): boolean {
    return this.#ids.has(id)
  }
}
