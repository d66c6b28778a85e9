import { expect, test } from 'vitest'
import { Heat } from './heat'
import type { Thing } from './protocol'

function thing(id: string, x: number, y: number): Thing {
  return { id, cls: 'car', conf: 1, box: [x - 0.01, y - 0.1, x + 0.01, y] }
}

const sum = (h: Heat) => h.cells.reduce((a, b) => a + b, 0)

/** drive lets a car cross the picture from left to right in so many scenes, ten a second. */
function drive(h: Heat, scenes: number, from = 0): void {
  for (let i = 0; i <= scenes; i++) h.add([thing('a', 0.1 + (0.8 * i) / scenes, 0.5)], from + i * 100)
}

test('what passes leaves as much, however slowly', () => {
  const [quick, slow] = [new Heat(16 / 9), new Heat(16 / 9)]
  drive(quick, 10)
  drive(slow, 40)
  expect(sum(quick)).toBeCloseTo(0.8 * 96, -1)
  expect(sum(slow) / sum(quick)).toBeCloseTo(1, 1)
})

test('what stands leaves nothing, nor what jumps, nor what comes back after a gap', () => {
  const h = new Heat(16 / 9)
  for (let i = 0; i < 100; i++) h.add([thing('a', 0.5, 0.5)], i * 100)
  h.add([thing('a', 0.9, 0.5)], 10_000)
  h.add([thing('a', 0.85, 0.5)], 13_000)
  h.add([thing('a', 0.8, 0.5)], 12_000) // time that runs backwards
  expect(sum(h)).toBe(0)
})

test('half is forgotten in a minute', () => {
  const h = new Heat(4 / 3)
  drive(h, 20)
  const before = sum(h)
  for (let i = 1; i <= 60; i++) h.add([], 2000 + i * 1000)
  expect(sum(h) / before).toBeCloseTo(0.5, 2)
})

test('a new session of the same camera goes on, another size begins anew', () => {
  const h = new Heat(16 / 9)
  drive(h, 10)
  expect(sum(new Heat(16 / 9, h))).toBe(sum(h))
  expect(sum(new Heat(4 / 3, h))).toBe(0)
})

test('the colours are clear where nothing went', () => {
  const h = new Heat(16 / 9)
  const clear = h.colours()
  expect(clear.length).toBe(h.columns * h.rows * 4)
  expect(clear.every((v, i) => i % 4 !== 3 || v === 0)).toBe(true)
  drive(h, 10)
  expect(Math.max(...h.colours().filter((_, i) => i % 4 === 3))).toBeGreaterThan(150)
})

test('objects at the edge of the picture, and very flat pictures, do no harm', () => {
  const h = new Heat(500)
  h.add([{ ...thing('a', 0, 0), box: [0, 0, 0.01, 1] }], 0)
  h.add([{ ...thing('a', 0, 0), box: [0.1, 0, 0.11, 1] }], 100)
  expect(h.rows).toBe(1)
  expect(Number.isFinite(sum(h))).toBe(true)
})
