import { expect, test } from 'vitest'
import { plain, split } from './nal'
import { Clock } from './tape'

test('decoding times rise, and are the presentation times where nothing is reordered', () => {
  const run = (pts: number[]) => {
    const clock = new Clock()
    return pts.map((p) => clock.dts(p))
  }
  expect(run([90, 93, 99, 102])).toEqual([90, 93, 99, 102])
  const reordered = run([10, 16, 12, 14, 22, 18, 20, 28])
  reordered.slice(1).forEach((d, i) => expect(d).toBeGreaterThan(reordered[i]!))
  expect(run([5, 5, 5])).toEqual([5, 6, 7])
})

test('NAL units are found by three- and four-byte start codes', () => {
  const data = Uint8Array.from([0, 0, 0, 1, 0x67, 1, 0, 0, 1, 0x68, 2, 0, 0, 0, 1, 0x65, 0, 3, 0, 0, 1])
  expect(split(data).map((n) => [...n])).toEqual([[0x67, 1], [0x68, 2], [0x65, 0, 3]])
  expect(split(Uint8Array.from([1, 2, 3]))).toEqual([])
  expect(split(new Uint8Array(0))).toEqual([])
})

test('emulation prevention bytes are taken out', () => {
  expect([...plain(Uint8Array.from([1, 0, 0, 3, 1, 0, 0, 3, 0, 9]), 6)]).toEqual([1, 0, 0, 1, 0, 0])
})
