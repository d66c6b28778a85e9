import { expect, test } from 'vitest'
import { Playout, longestHold } from './playout'
import { random } from './testing'

test('the first picture is shown after the hold that the server advises', () => {
  const p = new Playout(400)
  p.arrived(5000, 100)
  expect(p.due(5000)).toBe(500)
})

test('a group of pictures that comes at once is newest at its end', () => {
  const p = new Playout(400)
  for (let n = 0; n < 50; n++) p.arrived(n * 40, 100)
  expect(p.due(49 * 40)).toBe(500)
})

test('media time never jumps once it runs, though the camera clock drifts', () => {
  const p = new Playout(200)
  const next = random(5)
  let before = 0
  for (let n = 0; n < 5000; n++) {
    const media = n * 40
    const now = 1000 + n * 40 * 1.0002 + next() * 30
    p.arrived(media, now)
    p.need(media, now + 60)
    const offset = p.due(0)
    if (n > 50) expect(Math.abs(offset - before)).toBeLessThanOrEqual(0.08 * 80)
    before = offset
  }
})

test('the hold is bounded whatever is asked', () => {
  const p = new Playout(400)
  p.arrived(0, 0)
  p.need(-1e9, 5000)
  expect(p.hold(5000)).toBe(longestHold)
  p.need(1e9, 5001)
  expect(p.hold(16_000)).toBeGreaterThan(0)
})

test('what comes at once after a lost connection does not change the hold', () => {
  const play = (resumed: boolean) => {
    const p = new Playout(200)
    for (let n = 0; n < 100; n++) {
      p.arrived(n * 40, n * 40)
      p.need(n * 40, n * 40 + 100)
    }
    if (resumed) p.resumed(5000) // 25 pictures, a second late
    for (let n = 100; n < 125; n++) {
      p.arrived(n * 40, 5000)
      p.need(n * 40, 5000)
    }
    return p.hold(5100)
  }
  expect(play(true)).toBe(130)
  expect(play(false)).toBe(1030)
})

test('what is due now is the other side of when it is due', () => {
  const p = new Playout(200)
  expect(p.showing(0)).toBeNaN()
  p.arrived(5000, 100)
  expect(p.showing(p.due(5000))).toBe(5000)
  p.least = 500
  expect(p.hold(10_000)).toBe(500)
})
