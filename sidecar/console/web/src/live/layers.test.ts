import { expect, test } from 'vitest'
import { readLayers } from './layers'

test.each([
  [null, 'boxes tracks rules'],
  ['{"boxes":false,"heat":true}', 'tracks rules heat'],
  ['{"boxes":0,"blur":"yes","rules":false}', 'boxes tracks'],
  ['[true]', 'boxes tracks rules'],
  ['{"boxes"', 'boxes tracks rules'],
])('%s is read as %s', (text, want) => {
  const on = Object.entries(readLayers(text)).filter(([, v]) => v)
  expect(on.map(([name]) => name).join(' ')).toBe(want)
})
