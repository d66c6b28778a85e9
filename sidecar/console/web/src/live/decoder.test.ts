import { expect, test } from 'vitest'
import { Queue } from './decoder'
import type { Unit } from './protocol'

function unit(n: number, key = n % 10 === 0, bytes = 10): Unit {
  return { key, pts: n, capture: 0, data: new Uint8Array(bytes) }
}

const never = () => false

test('it begins at a key frame', () => {
  const q = new Queue()
  for (let n = 7; n < 12; n++) q.push(unit(n))
  expect(q.shift(never)?.pts).toBe(10)
  expect(q.lost).toBe(3)
})

test('pictures before an overdue key frame are left out', () => {
  const q = new Queue()
  for (let n = 0; n < 35; n++) q.push(unit(n))
  expect(q.shift((pts) => pts <= 25)?.pts).toBe(20)
  expect(q.shift((pts) => pts <= 25)?.pts).toBe(21)
})

test('it is bounded, by number and by bytes', () => {
  const many = new Queue()
  for (let n = 0; n < 5000; n++) many.push(unit(n, n === 0))
  expect(many.length).toBeLessThanOrEqual(900)
  const large = new Queue()
  for (let n = 0; n < 60; n++) large.push(unit(n, true, 4 << 20))
  expect(large.length).toBeLessThanOrEqual(13)
})

test('after broken data it goes on at the next key frame', () => {
  const q = new Queue()
  for (let n = 1; n < 15; n++) q.push(unit(n, n === 1 || n === 10))
  q.shift(never)
  q.resume()
  expect(q.shift(never)?.pts).toBe(10)
  q.resume()
  q.push(unit(15))
  expect(q.length).toBe(0)
  q.push(unit(20))
  expect(q.shift(never)?.pts).toBe(20)
})
