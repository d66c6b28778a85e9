import { expect, test } from 'vitest'
import { asAudit, type Strip } from './audit'
import { answerOf, arrow, asTally, count, keyOf, newTally, outline, put, seen, takeBack, toggle, unsure } from './tally'

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

const square: [number, number][] = [[0.1, 0.2], [0.5, 0.2], [0.5, 0.6]]

test('who is there is a number, and a bay is taken or not', () => {
  const still: Strip = { ...strip('l@3'), still: true, line: [], polygon: square }
  let t = put(put(newTally('x'), still, 'now/people', 3), still, 'now/vehicles', 2)
  t = put(t, still, 'now/people', 41)
  expect(answerOf(t, [still]).strips).toEqual({ 'l@3': { 'now/people': 41, 'now/vehicles': 2 } })
  for (const bad of [Number.NaN, -3, 0]) expect(seen(put(t, still, 'now/people', bad), still, 'now/people')).toBe(0)
  expect(seen(put(t, still, 'now/people', 1e9), still, 'now/people')).toBe(9999)
  t = toggle(toggle(toggle(newTally('x'), still, 'bay/A01'), still, 'bay/A02'), still, 'bay/A02')
  expect(answerOf(t, [still]).strips).toEqual({ 'l@3': { 'bay/A01': 1 } })
  expect(unsure(t, still).past['l@3']).toEqual([])
  expect(outline(square, 100, 50)).toBe('M10 10L50 10L50 30Z')
})

test('pictures, bays and means as the API tells them', () => {
  const got = asAudit({
    state: 'recorded', id: 'x', lines: [{ rule: 'lot', crossings: 90, busy: 40, quiet: 5, moments: true }],
    strips: [{ id: 'z@1', name: 'z', still: true, polygon: square, groups: ['people'] }, { id: 'lot@2', name: 'lot', still: true, bays: { A01: square, A02: square } }],
    results: [{ lines: [
      { rule: 'z', kind: 'zone', windows: [3, 7], estimates: [{ dir: 'in', counted: 20, true: 21 }, { dir: 'out', counted: 4, true: 5 }] },
      { rule: 'z', kind: 'zone', moments: true, windows: [60, 40], estimates: [{ dir: 'now', seen: 12, counted: 250, true: 300 }, { group: 'people', counted: 100 }] },
      { rule: 'lot', kind: 'parking', moments: true, windows: [0, 100], estimates: [{ dir: 'bay', counted: 150, true: 150 }] },
      { rule: 'r', kind: 'crowd', moments: true, estimates: [{ dir: 'now' }] }] }],
  })
  expect(got.lines[0]?.moments).toBe(true)
  expect(got.strips[0]).toMatchObject({ still: true, polygon: square, groups: ['people'] })
  expect(got.strips[1]?.bays).toEqual([{ name: 'A01', polygon: square }, { name: 'A02', polygon: square }])
  expect(got.results[0]?.estimates.map((e) => [e.rule, e.of, e.level, e.counted, e.truth])).toEqual([
    ['z', 'entries', false, 20, 21], ['z', 'exits', false, 4, 5], ['z', 'presence', true, 2.5, 3], ['z', 'people', true, 1, 0],
    ['lot', 'occupancy', true, 1.5, 1.5], ['r', 'heads', true, 0, 0]])
})
