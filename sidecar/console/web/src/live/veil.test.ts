import { expect, test } from 'vitest'
import type { Box, Thing } from './protocol'
import { Veil } from './veil'

const thing = (id: string, cls: string, box: Box): Thing => ({ id, cls, conf: 1, box })
const covers = (outer: Box, inner: Box) => outer[0] <= inner[0] && outer[1] <= inner[1] && outer[2] >= inner[2] && outer[3] >= inner[3]

test('people and riders are covered whole, cars where their plates are', () => {
  const box: Box = [0.4, 0.2, 0.6, 0.8]
  for (const cls of ['person', 'motorcycle', 'bicycle', 'unheard of']) {
    expect(covers(new Veil().cover([thing('1', cls, box)], 0)[0]!, box), cls).toBe(true)
  }
  for (const cls of ['car', 'bus', 'truck']) {
    const cover = new Veil().cover([thing('1', cls, box)], 0)[0]!
    expect(covers(cover, [0.4, 0.5, 0.6, 0.8]), cls).toBe(true)
    expect(cover[1], cls).toBeGreaterThan(0.3)
  }
})

test('who is not seen for a moment stays covered, a second long', () => {
  const veil = new Veil()
  veil.cover([thing('1', 'person', [0.1, 0.1, 0.2, 0.4])], 5000)
  expect(veil.cover([], 5900).length).toBe(1)
  expect(veil.cover([], 6100).length).toBe(0)
})

test('a cover stays in the picture', () => {
  expect(new Veil().cover([thing('1', 'person', [0, 0, 1, 1])], 0)).toEqual([[0, 0, 1, 1]])
})
