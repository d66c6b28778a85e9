import { expect, test } from 'vitest'
import { asAudit, type Strip } from './audit'
import { answerOf, arrow, asTally, count, keyOf, newTally, seen, takeBack, unsure } from './tally'

const strip = (id: string): Strip => ({ id, name: 'l', line: [[0.5, 0], [0.5, 1]], groups: ['people', 'vehicles'], begin: 1, end: 12 })
const [a, b, c] = [strip('a'), strip('b'), strip('c')]

test('every strip is answered once: tallied, with nobody, or unsure', () => {
  let t = newTally('x')
  t = count(count(count(t, a, 'in/people'), a, 'in/people'), a, 'out/vehicles')
  t = takeBack(t, a)
  t = unsure(count(t, c, 'in/people'), c)
  expect(seen(t, a, 'in/people')).toBe(2)
  expect(answerOf(t, [a, b, c])).toEqual({ audit: 'x', strips: { a: { 'in/people': 2 }, b: {} }, unsure: { c: 'nobody can tell' } })
  expect(answerOf(count(t, c, 'out/people'), [c])).toEqual({ audit: 'x', strips: { c: { 'out/people': 1 } } })
  expect(takeBack(newTally('x'), a).past['a']).toEqual([])
})

test.each([['q', 'in/people'], ['w', 'in/vehicles'], ['e', null], ['a', 'out/people'], ['s', 'out/vehicles'], ['d', null], ['Enter', null]] as const)(
  'the key %s counts %s', (letter, want) => expect(keyOf(letter, a)).toBe(want))

test('a tally that was kept goes on with the same recording only', () => {
  const kept = JSON.stringify({ ...newTally('x'), at: 2 })
  expect(asTally(kept, 'x', [a, b, c]).at).toBe(2)
  expect(asTally(kept, 'y', [a, b, c])).toEqual(newTally('y'))
  expect(asTally(kept, 'x', [a])).toEqual(newTally('x'))
  for (const bad of [null, '', '{', '7', 'null', '{"audit":"x"}']) expect(asTally(bad, 'x', [a])).toEqual(newTally('x'))
})

test('the arrow points to the right hand of who walks along the line', () => {
  const down = arrow([[0.5, 0], [0.5, 1]], 180, 180) // walking down the picture, the right hand is left
  expect(down).toMatchObject({ x: 90 - 29, y: 90 })
  expect(down.path.startsWith('M90 0L90 180M90 90L70 90')).toBe(true)
})

test('an audit as the API tells it, and what makes no sense', () => {
  const got = asAudit({
    state: 'recorded', id: 'x', ends: '2026-11-30T06:00:00Z', width: 960, height: 540, strips: [{ ...a }],
    results: [{ id: 'w', who: 'budi', at: '2026-11-23T06:00:00Z', outdated: true,
      lines: [{ rule: 'l', estimates: [{ dir: 'in', seen: 23, counted: 117, true: 121, bias: { value: -0.03, low: -0.1, high: 0.06 } }, { group: 'people', too_few: true }] }] }],
  })
  expect(got.strips).toEqual([a])
  expect(got.results[0]?.estimates.map((e) => [e.rule, e.of, e.seen, e.truth, e.bias.low, e.tooFew])).toEqual([['l', 'in', 23, 121, -0.1, false], ['l', 'people', 0, 0, 0, true]])
  for (const bad of [null, 7, [], { strips: 3, results: [4], lines: 'x' }]) expect(asAudit(bad)).toMatchObject({ state: 'none', strips: [], lines: [] })
})
