// Boxes for the frames that were not analysed themselves.

import type { Box, Scene, Thing } from './protocol'

/**
 * between gives the objects at part 0..1 of the way from one scene to the next.
 * An object that both scenes know moves on a straight line. One that only a
 * single scene knows stands still, and is shown in the part of the way that is
 * near to that scene: the half of it, or less.
 */
export function between(from: Scene, to: Scene, part: number, near = 0.5): Thing[] {
  const next = new Map(to.things.map((t) => [t.id, t]))
  const out: Thing[] = []
  for (const t of from.things) {
    const u = next.get(t.id)
    if (u) {
      next.delete(t.id)
      out.push({ ...(part < 0.5 ? t : u), box: mix(t.box, u.box, part) })
    } else if (part < near) out.push(t)
  }
  if (part >= 1 - near) out.push(...next.values())
  return out
}

function mix(a: Box, b: Box, part: number): Box {
  const at = (i: 0 | 1 | 2 | 3) => a[i] + (b[i] - a[i]) * part
  return [at(0), at(1), at(2), at(3)]
}
