// The numbers beside the picture.

import { classOrder } from './colours'
import type { Point, Row, Rule, Scene, Thing } from './protocol'

/** LineCount is what crossed a line, by direction. */
export interface LineCount {
  id: string
  in: number
  out: number
  classes: { cls: string; in: number; out: number }[]
  angle: number | null // direction of "in" on the screen, degrees clockwise from upwards
}

/** ZoneCount is who is in a zone now, came in, and stayed long enough to count as a visit. */
export interface ZoneCount {
  id: string
  now: number
  entries: number
  exits: number
  visits: number
  classes: { cls: string; now: number; entries: number; visits: number }[]
}

/** ClassNow is how many objects of a class the picture shows. */
export interface ClassNow {
  cls: string
  n: number
}

/**
 * lineCounts gives every line its counts, in the order of the camera's rules; a
 * line that nothing has crossed yet has zeros. aspect is width by height of the
 * picture: the arrow is drawn as it is seen.
 */
export function lineCounts(rules: Rule[], rows: Row[], aspect: number): LineCount[] {
  const lines = rules.filter((r) => r.line.length > 1)
  return lines.map((rule) => {
    const own = rows.filter((r) => r.rule === rule.id && r.kind === 'flow')
    const sum = (dir: string, cls?: string) =>
      total(own.filter((r) => r.dir === dir && (cls === undefined || r.cls === cls)))
    const classes = names(own.map((r) => r.cls))
    return {
      id: rule.id,
      in: sum('in'),
      out: sum('out'),
      classes: classes.map((cls) => ({ cls, in: sum('in', cls), out: sum('out', cls) })),
      angle: inward(rule, aspect),
    }
  })
}

/** zoneCounts gives every zone its counts; presence is that of the newest scene. */
export function zoneCounts(rules: Rule[], rows: Row[], scene: Scene | null): ZoneCount[] {
  const zones = rules.filter((r) => r.polygon.length > 2)
  return zones.map((rule) => {
    const own = rows.filter((r) => r.rule === rule.id)
    const inside = scene?.zones.find((z) => z.id === rule.id)?.counts ?? []
    const sum = (kind: string, cls?: string) =>
      total(own.filter((r) => r.kind === kind && (cls === undefined || r.cls === cls)))
    const now = (cls: string) => inside.find((c) => c.cls === cls)?.n ?? 0
    const classes = names([...own.map((r) => r.cls), ...inside.map((c) => c.cls)])
    return {
      id: rule.id,
      now: inside.reduce((s, c) => s + c.n, 0),
      entries: sum('entries'),
      exits: sum('exits'),
      visits: sum('visits'),
      classes: classes.map((cls) => ({
        cls,
        now: now(cls),
        entries: sum('entries', cls),
        visits: sum('visits', cls),
      })),
    }
  })
}

/** classesNow counts objects by their class. */
export function classesNow(things: readonly Thing[]): ClassNow[] {
  return names(things.map((t) => t.cls)).map((cls) => ({
    cls,
    n: things.filter((t) => t.cls === cls).length,
  }))
}

/** longestPiece gives the ends of the piece of a line that has room for its arrow. */
export function longestPiece(line: readonly Point[], aspect: number): [Point, Point] | null {
  let best: [Point, Point] | null = null
  let longest = 0
  for (let k = 1; k < line.length; k++) {
    const [a, b] = [line[k - 1]!, line[k]!]
    const length = Math.hypot((b[0] - a[0]) * aspect, b[1] - a[1])
    if (length > longest) [best, longest] = [[a, b], length]
  }
  return best
}

// The way "in" is to the right hand of who walks along the line.
function inward(rule: Rule, aspect: number): number | null {
  const piece = longestPiece(rule.line, aspect)
  if (!piece) return null
  const [a, b] = piece
  const dx = (b[0] - a[0]) * aspect
  const dy = b[1] - a[1]
  const degrees = (Math.atan2(-dy, -dx) * 180) / Math.PI // of the vector (-dy, dx), from upwards
  return Math.round((degrees + 360) % 360)
}

function total(rows: Row[]): number {
  return rows.reduce((sum, r) => sum + r.n, 0)
}

function names(all: string[]): string[] {
  return [...new Set(all)].filter((c) => c !== '').sort(classOrder)
}
