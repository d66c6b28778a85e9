// A person's tally: what was counted on each strip so far. It is plain data, so that
// it outlives a page that is loaded anew.

import type { Strip } from './audit'

/** Tally is what a person has seen up to now. */
export interface Tally {
  audit: string // id of the recording
  at: number // the strip that is shown; as many as there are strips: all were seen
  past: Record<string, string[]> // by strip: the crossings in their order, such as in/people
  unsure: Record<string, boolean> // strips of which nobody can tell
}

/** letters are the keys of the directions, one for each of a line's groups. */
export const letters: Record<'in' | 'out', readonly string[]> = { in: ['q', 'w', 'e'], out: ['a', 's', 'd'] }

/** newTally has seen nothing. */
export function newTally(audit: string): Tally {
  return { audit, at: 0, past: {}, unsure: {} }
}

/** asTally goes on with a tally that was kept, if it is of the same recording. */
export function asTally(kept: string | null, audit: string, strips: Strip[]): Tally {
  try {
    const t = JSON.parse(kept ?? '') as Tally
    if (t.audit === audit && t.at >= 0 && t.at <= strips.length && typeof t.past === 'object' && typeof t.unsure === 'object') return t
  } catch {
    // There is none.
  }
  return newTally(audit)
}

/** keyOf gives the direction and group of a letter on a strip, such as in/people. */
export function keyOf(letter: string, strip: Strip): string | null {
  for (const dir of ['in', 'out'] as const) {
    const group = strip.groups[letters[dir].indexOf(letter)]
    if (group !== undefined) return `${dir}/${group}`
  }
  return null
}

/** count adds a crossing to a strip. */
export function count(t: Tally, strip: Strip, key: string): Tally {
  return { ...t, past: { ...t.past, [strip.id]: [...(t.past[strip.id] ?? []), key] }, unsure: { ...t.unsure, [strip.id]: false } }
}

/** takeBack takes the newest crossing of a strip back. */
export function takeBack(t: Tally, strip: Strip): Tally {
  return { ...t, past: { ...t.past, [strip.id]: (t.past[strip.id] ?? []).slice(0, -1) } }
}

/** unsure says that nobody can tell, and goes on. */
export function unsure(t: Tally, strip: Strip): Tally {
  return { ...t, at: t.at + 1, past: { ...t.past, [strip.id]: [] }, unsure: { ...t.unsure, [strip.id]: true } }
}

/** put says how many of a key there are on a strip; what is no number is none. */
export function put(t: Tally, strip: Strip, key: string, n: number): Tally {
  const others = (t.past[strip.id] ?? []).filter((k) => k !== key)
  const these = Array<string>(Math.min(9999, Math.max(0, Math.floor(n) || 0))).fill(key)
  return { ...t, past: { ...t.past, [strip.id]: [...others, ...these] }, unsure: { ...t.unsure, [strip.id]: false } }
}

/** toggle says that a bay is taken, or is not. */
export function toggle(t: Tally, strip: Strip, key: string): Tally {
  return put(t, strip, key, seen(t, strip, key) > 0 ? 0 : 1)
}

/** seen is how many crossings of a key a strip has. */
export function seen(t: Tally, strip: Strip, key: string): number {
  return (t.past[strip.id] ?? []).filter((k) => k === key).length
}

/** Answer is what the API wants to hear. */
export interface Answer {
  audit: string
  strips: Record<string, Record<string, number>>
  unsure?: Record<string, string>
}

/** answerOf has every strip once: tallied, or unsure. */
export function answerOf(t: Tally, strips: Strip[]): Answer {
  const a: Answer = { audit: t.audit, strips: {} }
  for (const s of strips) {
    if (t.unsure[s.id]) (a.unsure ??= {})[s.id] = 'nobody can tell'
    else a.strips[s.id] = Object.fromEntries([...new Set(t.past[s.id] ?? [])].map((key) => [key, seen(t, s, key)]))
  }
  return a
}

/** outline gives a polygon as a path of SVG in pixels. */
export function outline(polygon: [number, number][], width: number, height: number): string {
  return `M${polygon.map(([x, y]) => `${Math.round(x * width)} ${Math.round(y * height)}`).join('L')}Z`
}

/** arrow gives the line with an arrow to its "in", as a path of SVG in pixels, and where "in" is written. */
export function arrow(line: [number, number][], width: number, height: number): { path: string; x: number; y: number } {
  const p = line.map(([x, y]) => [x * width, y * height] as const)
  const i = Math.floor((p.length - 1) / 2)
  const [a, b] = [p[i] ?? ([0, 0] as const), p[i + 1] ?? ([0, 0] as const)]
  const d = Math.hypot(b[0] - a[0], b[1] - a[1]) || 1
  const [ux, uy] = [(b[0] - a[0]) / d, (b[1] - a[1]) / d]
  const size = height / 18
  // Along the line, and to the right hand of who walks along it.
  const at = (along: number, across: number) =>
    [(a[0] + b[0]) / 2 + along * ux - across * uy, (a[1] + b[1]) / 2 + along * uy + across * ux] as const
  const stroke = (points: (readonly [number, number])[]) => `M${points.map((q) => q.map((v) => Math.round(v * 10) / 10).join(' ')).join('L')}`
  const path = stroke(p) + stroke([at(0, 0), at(0, 2 * size)]) + stroke([at(-size / 2, 1.4 * size), at(0, 2 * size), at(size / 2, 1.4 * size)])
  const [x, y] = at(0, 2.9 * size)
  return { path, x, y }
}
