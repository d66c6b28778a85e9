import { expect, test } from 'vitest'
import { between } from './between'
import type { Box, Scene } from './protocol'

function scene(things: Record<string, Box>): Scene {
  return {
    epoch: 'e', pts: 0, capture: 0, zones: [],
    things: Object.entries(things).map(([id, box]) => ({ id, cls: 'car', conf: 1, box })),
  }
}

const a = scene({ moves: [0, 0, 0.1, 0.1], goes: [0.5, 0.5, 0.6, 0.6] })
const b = scene({ moves: [0.4, 0.2, 0.5, 0.3], comes: [0.8, 0.8, 0.9, 0.9] })

test.each([
  [0, { moves: [0, 0, 0.1, 0.1], goes: [0.5, 0.5, 0.6, 0.6] }],
  [0.25, { moves: [0.1, 0.05, 0.2, 0.15], goes: [0.5, 0.5, 0.6, 0.6] }],
  [0.5, { moves: [0.2, 0.1, 0.3, 0.2], comes: [0.8, 0.8, 0.9, 0.9] }],
  [1, { moves: [0.4, 0.2, 0.5, 0.3], comes: [0.8, 0.8, 0.9, 0.9] }],
])('at %d of the way', (part, want) => {
  const got = Object.fromEntries(between(a, b, part).map((t) => [t.id, t.box.map((v) => Math.round(v * 1000) / 1000)]))
  expect(got).toEqual(want)
})

test('each object once, whatever the scenes hold', () => {
  const ids = between(a, a, 0.7).map((t) => t.id)
  expect(ids).toEqual(['moves', 'goes'])
})

test('who is known on one side only is shown near it', () => {
  const ids = (part: number) => between(a, b, part, 0.2).map((t) => t.id).join(' ')
  expect([0.1, 0.19, 0.3, 0.5, 0.7, 0.8, 1].map(ids)).toEqual([
    'moves goes', 'moves goes', 'moves', 'moves', 'moves', 'moves comes', 'moves comes'])
})
