import { expect, test } from 'vitest'
import { en } from './en'
import { id } from './id'
import { firstLanguage } from './words.svelte'

test.each([
  ['en', ['id-ID'], 'en'],
  [null, ['id-ID', 'en'], 'id'],
  [null, ['fr', 'en-GB', 'id'], 'en'],
  [null, ['fr'], 'en'],
  ['xx', ['in'], 'id'],
  [null, [], 'en'],
] as const)('chosen %s, wanted %j: %s', (chosen, wanted, want) => {
  expect(firstLanguage(chosen, wanted)).toBe(want)
})

test('no word is empty, and both languages hold the same keys', () => {
  for (const words of [en, id]) for (const [key, w] of Object.entries(words)) expect(typeof w === 'string' ? w : (w as (...x: string[]) => string)('x', 'x', 'x', 'x', 'x'), key).not.toBe('')
  expect(Object.keys(id)).toEqual(Object.keys(en))
})
