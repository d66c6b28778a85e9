import { expect, test } from 'vitest'
import { classesNow, lineCounts, zoneCounts } from './counts'
import { classOrder, colourOf } from './colours'
import type { Row, Rule, Scene } from './protocol'

const line = (a: [number, number], b: [number, number]): Rule => ({ id: 'l', kind: 'line', line: [a, b], polygon: [] })
const zone: Rule = { id: 'z', kind: 'zone', line: [], polygon: [[0, 0], [1, 0], [1, 1]] }
const row = (rule: string, kind: Row['kind'], cls: string, n: number, dir: Row['dir'] = ''): Row => ({ rule, kind, cls, dir, n })

const scene: Scene = {
  epoch: 'e', pts: 0, capture: 0,
  things: ['car', 'person', 'person', 'dog'].map((cls, i) => ({ id: `${i}`, cls, conf: 1, box: [0, 0, 1, 1] })),
  zones: [{ id: 'z', counts: [{ cls: 'person', n: 2 }, { cls: 'car', n: 1 }] }],
}

test('a line has both directions, in all and by class, in the usual order', () => {
  const rows = [row('l', 'flow', 'truck', 1, 'in'), row('l', 'flow', 'person', 4, 'in'), row('l', 'flow', 'person', 2, 'out'),
    row('other', 'flow', 'person', 9, 'in')]
  expect(lineCounts([line([0, 0.5], [1, 0.5]), zone], rows, 1)).toEqual([{
    id: 'l', in: 5, out: 2, angle: 180,
    classes: [{ cls: 'person', in: 4, out: 2 }, { cls: 'truck', in: 1, out: 0 }],
  }])
})

test('a line that nothing has crossed has zeros', () => {
  expect(lineCounts([line([0, 0], [1, 1])], [], 1)).toMatchObject([{ in: 0, out: 0, classes: [] }])
})

test.each([
  [[0, 0.5], [1, 0.5], 180], // looking right: the right hand is below
  [[1, 0.5], [0, 0.5], 0],
  [[0.5, 0], [0.5, 1], 270], // looking down: the right hand is at the left
  [[0.5, 1], [0.5, 0], 90],
] as const)('"in" of a line from %j to %j points to %d°', (a, b, want) => {
  expect(lineCounts([line([...a], [...b])], [], 16 / 9)[0]?.angle).toBe(want)
})

test('presence, entries and visits of a zone are three numbers', () => {
  const rows = [row('z', 'entries', 'person', 12), row('z', 'visits', 'person', 3), row('z', 'exits', 'person', 9), row('z', 'presence', 'person', 0)]
  expect(zoneCounts([zone], rows, scene)).toEqual([{
    id: 'z', now: 3, entries: 12, exits: 9, visits: 3,
    classes: [{ cls: 'person', now: 2, entries: 12, visits: 3 }, { cls: 'car', now: 1, entries: 0, visits: 0 }],
  }])
  expect(zoneCounts([zone], [], null)).toMatchObject([{ now: 0, entries: 0 }])
})

test('what the picture shows, other classes last', () => {
  expect(classesNow(scene.things)).toEqual([{ cls: 'person', n: 2 }, { cls: 'car', n: 1 }, { cls: 'dog', n: 1 }])
  expect(classesNow([])).toEqual([])
})

test('classes have colours of their own', () => {
  const usual = ['person', 'bicycle', 'motorcycle', 'car', 'bus', 'truck']
  expect(new Set(usual.map(colourOf)).size).toBe(6)
  expect(['zebra', ...usual].sort(classOrder).at(-1)).toBe('zebra')
})

test('the arrow of a bent line stands at its longest piece as it is seen', () => {
  const bent: Rule = { id: 'l', kind: 'line', line: [[0.1, 0.9], [0.2, 0.5], [0.8, 0.5], [0.8, 0.05]], polygon: [] }
  expect(lineCounts([bent], [], 1)[0]?.angle).toBe(180)
  expect(lineCounts([bent], [], 1 / 4)[0]?.angle).toBe(90)
})
