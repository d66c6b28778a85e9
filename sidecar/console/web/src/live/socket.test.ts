import { expect, test } from 'vitest'
import { backoff } from './socket'

test('attempts come less and less often, never all at once', () => {
  const waits = [0, 1, 2, 3, 4, 5, 6, 100].map((n) => backoff(n, 0.5))
  expect(waits).toEqual([500, 1000, 2000, 4000, 8000, 15000, 15000, 15000])
  expect(backoff(3, 0)).toBe(3000)
  expect(backoff(3, 1)).toBe(5000)
})
