import { expect, test } from 'vitest'
import type { Scene } from '../live/protocol'
import { asFigures, type Audit, type Figures } from './figures'
import { auditOf, crowd, matrix, parking, road, speeds, trueRange, turnClasses, unknown, type Fn } from './functions'

const fn = (change: Partial<Fn>): Fn => ({ id: 'f', kind: '', lines: [], bays: [], capacity: 0, levels: [], forbidden: false, window: 120, ...change })
const turn = (cls: string, from: string, to: string, n: number) => ({ rule: 'f', kind: 'turn', cls, from, to, n })
const figures = (value: object): Figures => asFigures({ since: '2026-11-23T05:00:00Z', rows: [], hour: {}, states: [], ...value })
const scene = (n: number): Scene => ({ epoch: 'e', pts: 0, capture: 0, things: [], zones: [{ id: 'f', counts: [{ cls: 'car', n }] }] })

test('a turn matrix has all lines and what was not seen, by class and in all', () => {
  const f = figures({ rows: [turn('car', 'north', 'east', 3), turn('bus', 'north', 'east', 1), turn('car', unknown, 'east', 2), turn('car', 'east', 'east', 0),
    { ...turn('car', 'north', 'east', 50), rule: 'other' }] })
  const junction = fn({ lines: ['north', 'east'] })
  expect(turnClasses(junction, f.rows)).toEqual(['car', 'bus'])
  const all = matrix(junction, f.rows, '')
  expect(all.rows.map((r) => [r.from, ...r.n, r.sum])).toEqual([['north', 0, 4, 0, 4], ['east', 0, 0, 0, 0], [unknown, 0, 2, 0, 2]])
  expect([all.sums, all.total, all.seen]).toEqual([[0, 6, 0], 6, 4 / 6])
  expect(matrix(junction, f.rows, 'bus').total).toBe(1)
  expect(matrix(junction, [], '').seen).toBeNaN()
})

test('bays are free or taken; places over departures are the turnover', () => {
  const f = figures({
    rows: [{ rule: 'f', kind: 'arrivals', cls: 'car', n: 5 }, { rule: 'f', kind: 'departures', cls: 'car', n: 3 }, { rule: 'f', kind: 'departures', cls: 'bus', n: 1 }],
    states: [{ rule: 'f', parked: [{ bay: 'A2', cls: 'car', arrived: '2026-11-23T05:00:00Z' }], stays: { n: 4, median: 61.5, longest: 900 } }],
  })
  const p = parking(fn({ bays: ['A1', 'A2'] }), f)
  expect(p).toMatchObject({ capacity: 2, occupied: 1, free: 1, arrivals: 5, departures: 4, turnover: 2, kerb: [], stays: { n: 4, median: 61.5 } })
  expect(p.bays.map((b) => [b.name, b.parked?.cls ?? ''])).toEqual([['A1', ''], ['A2', 'car']])
})

test('a kerb lists its vehicles; more than its capacity leave nothing free', () => {
  const one = { cls: 'car', arrived: '2026-11-23T05:00:00Z', found: true }
  expect(parking(fn({ capacity: 1 }), figures({ states: [{ rule: 'f', parked: [one, one] }] }))).toMatchObject({ occupied: 2, free: 0, bays: [], turnover: 0 })
  expect(parking(fn({ forbidden: true }), figures({}))).toMatchObject({ capacity: 0, turnover: null, forbidden: true, stays: null })
})

test('speeds, the most frequent class first', () => {
  const row = (cls: string, n: number) => ({ rule: 'f', kind: 'speed', cls, n, median: 41.2, p85: 52, err: 3.1 })
  const f = figures({ rows: [row('bus', 2), row('car', 9), row('truck', 0)] })
  expect(speeds(fn({}), f.rows).map((r) => [r.cls, r.n, r.median, r.p85, r.err])).toEqual([['car', 9, 41.2, 52, 3.1], ['bus', 2, 41.2, 52, 3.1]])
})

test('a road is free until an event says otherwise', () => {
  const begun = Date.parse('2026-11-23T05:00:00Z')
  expect(road(fn({}), figures({}), scene(2), begun + 121_000)).toEqual({ id: 'f', level: 'A', queue: 2, change: null })
  expect(road(fn({}), figures({}), scene(2), begun + 119_000).level).toBe('')
  expect(road(fn({}), figures({}), scene(2), NaN).level).toBe('')
  const jam = { rule: 'f', congestion: { to: 'E', delay_s: 61, flow_pcu_h: 840, queue_m: 0 } }
  expect(road(fn({}), figures({ states: [jam] }), null, begun)).toMatchObject({ level: 'E', queue: 0, change: { delay: 61, flow: 840, queueMetres: null } })
})

test('a crowd has a level, a density where the ground is known, or cannot be counted', () => {
  const square = fn({ levels: [50, 200] })
  expect(crowd(square, figures({}), scene(20))).toEqual({ id: 'f', dense: false, heads: 20, level: 0, from: 0, next: 50, density: null })
  const told = (crowd: object) => figures({ states: [{ rule: 'f', crowd }] })
  expect(crowd(square, told({ to: 2, count: 250, density_per_m2: 0.5 }), scene(300))).toMatchObject({ level: 2, from: 200, next: null, density: 0.6 })
  expect(crowd(square, told({ to: -1 }), scene(300))).toMatchObject({ dense: true, level: 0 })
})

test('the truth lies within the measured error', () => {
  const a: Audit = { rule: 'l', kind: 'flow', dir: 'in', at: 0, bias: -0.031, low: -0.118, high: 0.064, n: 38 }
  expect(trueRange(117, a)).toEqual([110, 133])
  expect(trueRange(0, a)).toEqual([0, 0])
  expect(trueRange(10, { ...a, low: -1 })).toBeNull()
  const f = figures({ minute: { quality: 'low', flags: ['rain', 7], uptime: 0.9, audit: [{ rule: 'l', dir: 'in', bias: 0.1 }] } })
  expect(auditOf(f, 'l', 'in')?.bias).toBe(0.1)
  expect(auditOf(f, 'l', 'out')).toBeNull()
  expect(f.minute?.flags).toEqual(['rain'])
})

test.each([null, 7, 'x', [], { rows: 7, minute: [], hour: null, states: [null, 3] }])('an answer that makes no sense is empty: %j', (value) => {
  const f = asFigures(value)
  expect(f.rows).toEqual([])
  expect(f.hour).toEqual({ minutes: 0, uptime: 0, flags: [] })
  expect(f.states.every((s) => s.rule === '' && s.parked.length === 0)).toBe(true)
})
