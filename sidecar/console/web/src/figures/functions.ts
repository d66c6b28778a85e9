// What the panels beside the picture show, of each kind of function.

import { classOrder } from '../live/colours'
import type { Scene } from '../live/protocol'
import type { Audit, Congestion, FigureRow, Figures, Parked, State } from './figures'

/** Fn is what the panels need of a camera's function. */
export interface Fn {
  id: string
  kind: string
  lines: string[] // of turns
  bays: string[] // names
  capacity: number // 0: not said
  levels: number[] // of a crowd
  forbidden: boolean
  window: number // over which a road is judged, seconds
}

/** unknown stands for the line of a turn that was not seen to be crossed. */
export const unknown = 'unknown'

/** Matrix is a junction: how many came in over each line and went out over each. */
export interface Matrix {
  to: string[]
  rows: { from: string; n: number[]; sum: number }[]
  sums: number[] // by to
  total: number
  seen: number // part of them whose both ends were seen, 0..1; NaN: nobody went through
}

/** turnClasses are the classes that went through a junction, in the usual order. */
export function turnClasses(fn: Fn, rows: FigureRow[]): string[] {
  const all = rows.filter((r) => r.rule === fn.id && r.kind === 'turn' && r.n > 0).map((r) => r.cls)
  return [...new Set(all)].sort(classOrder)
}

/** matrix counts the ways through a junction, of one class or, with '', of all. Lines that nobody used have zeros. */
export function matrix(fn: Fn, rows: FigureRow[], cls: string): Matrix {
  const own = rows.filter((r) => r.rule === fn.id && r.kind === 'turn' && (cls === '' || r.cls === cls))
  const ends = [...fn.lines, unknown]
  const n = (from: string, to: string) => sum(own.filter((r) => r.from === from && r.to === to).map((r) => r.n))
  const counted = ends.map((from) => {
    const cells = ends.map((to) => n(from, to))
    return { from, n: cells, sum: sum(cells) }
  })
  const total = sum(counted.map((r) => r.sum))
  const seen = sum(counted.filter((r) => r.from !== unknown).flatMap((r) => r.n.slice(0, -1)))
  return { to: ends, rows: counted, sums: ends.map((_, i) => sum(counted.map((r) => r.n[i]!))), total, seen: seen / total }
}

/** Parking is a parking function now. */
export interface Parking {
  id: string
  forbidden: boolean
  capacity: number // 0: not said
  occupied: number
  free: number // of the capacity
  bays: { name: string; parked: Parked | null }[]
  kerb: Parked[] // where there are no bays, by arrival
  arrivals: number
  departures: number
  turnover: number | null // vehicles that each place has had
  stays: State['stays']
}

/** parking puts a parking function's figures together. */
export function parking(fn: Fn, f: Figures): Parking {
  const state = stateOf(f, fn.id)
  const parked = state?.parked ?? []
  const capacity = fn.bays.length || fn.capacity
  const n = (kind: string) => sum(f.rows.filter((r) => r.rule === fn.id && r.kind === kind).map((r) => r.n))
  const departures = n('departures')
  return {
    id: fn.id, forbidden: fn.forbidden, capacity, occupied: parked.length, free: Math.max(0, capacity - parked.length),
    bays: fn.bays.map((name) => ({ name, parked: parked.find((p) => p.bay === name) ?? null })),
    kerb: fn.bays.length > 0 ? [] : parked,
    arrivals: n('arrivals'), departures, turnover: capacity > 0 ? departures / capacity : null,
    stays: state?.stays ?? null,
  }
}

/** speeds gives the classes that were measured, the most frequent first. */
export function speeds(fn: Fn, rows: FigureRow[]): FigureRow[] {
  return rows.filter((r) => r.rule === fn.id && r.kind === 'speed' && r.n > 0).sort((a, b) => b.n - a.n || classOrder(a.cls, b.cls))
}

/** Road is a stretch of road now. */
export interface Road {
  id: string
  level: string // A to F; empty: it has not been watched for long enough
  queue: number // vehicles that stand or creep now
  change: Congestion | null // what was measured when the level changed
}

/** road is free until an event says otherwise, once it was watched for its window; now is in ms since 1970. */
export function road(fn: Fn, f: Figures, scene: Scene | null, now: number): Road {
  const change = stateOf(f, fn.id)?.congestion ?? null
  const watched = now - f.since >= fn.window * 1000
  return { id: fn.id, level: change?.to || (watched ? 'A' : ''), queue: inside(fn, scene), change }
}

/** Crowd is a crowd now. */
export interface Crowd {
  id: string
  dense: boolean // denser, or smaller in the picture, than it can count
  heads: number
  level: number // 0: below the first
  from: number // heads from which on it is of its level
  next: number | null // heads from which on it is of the next
  density: number | null // people per m²
}

/** crowd counts the heads of the newest scene; its level is that of the newest event. */
export function crowd(fn: Fn, f: Figures, scene: Scene | null): Crowd {
  const told = stateOf(f, fn.id)?.crowd ?? null
  const level = Math.max(0, told?.to ?? 0)
  const heads = inside(fn, scene)
  const area = told?.density && told.count ? told.count / told.density : null // m², which the event gives by these two
  return {
    id: fn.id, dense: told?.to === -1, heads, level, from: level > 0 ? (fn.levels[level - 1] ?? 0) : 0,
    next: fn.levels[level] ?? null, density: area === null ? null : heads / area,
  }
}

/** auditOf is the measured error of a line in one direction. */
export function auditOf(f: Figures | null, rule: string, dir: string): Audit | null {
  return f?.minute?.audits.find((a) => a.rule === rule && a.dir === dir) ?? null
}

/** auditOfKind is the measured error of a rule's numbers of one kind. */
export function auditOfKind(f: Figures | null, rule: string, kind: string): Audit | null {
  return f?.minute?.audits.find((a) => a.rule === rule && a.kind === kind) ?? null
}

/**
 * trueRange gives between which numbers the truth lies, if n were counted and the
 * audit's interval of the error holds. An interval that has no end gives null.
 */
export function trueRange(n: number, a: Audit): [number, number] | null {
  if (a.low <= -1 || a.high <= -1) return null
  return [Math.round(n / (1 + a.high)), Math.round(n / (1 + a.low))]
}

function inside(fn: Fn, scene: Scene | null): number {
  return sum(scene?.zones.find((z) => z.id === fn.id)?.counts.map((c) => c.n) ?? [])
}

function stateOf(f: Figures, rule: string): State | undefined {
  return f.states.find((s) => s.rule === rule)
}

function sum(all: number[]): number {
  return all.reduce((s, n) => s + n, 0)
}
