import { expect, test, vi } from 'vitest'
import { cameras, configTrouble, fixed, login, problem, unreachable } from './api'

function answer(status: number, body: string): void {
  vi.stubGlobal('fetch', () => Promise.resolve(new Response(body, { status })))
}

test('a problem is told in its most exact words', () => {
  expect(problem({ title: 'Unauthorized', detail: 'sign in first' })).toBe('sign in first')
  expect(problem({ title: 'T', detail: 'validation failed', errors: [{ location: 'body.password', message: 'has 3 characters; use 10 to 256' }] }))
    .toBe('password has 3 characters; use 10 to 256')
  expect(problem(null)).toBe('')
})

test('cameras come with their state', async () => {
  answer(200, '[{"id":"a","name":"","functions":[{"id":"lot","kind":"parking","window":60000000000,"bays":{"A10":[],"A2":[]}}],' +
    '"status":{"state":"retrying","cause":"timeout","hint":"look"}},7]')
  expect(await cameras()).toEqual({ ok: true, value: [
    { id: 'a', name: 'a', state: 'retrying', cause: 'timeout', hint: 'look',
      functions: [{ id: 'lot', kind: 'parking', lines: [], bays: ['A2', 'A10'], capacity: 0, levels: [], forbidden: false, window: 60 }], looking: null },
  ] })
})

test('what is looked at, and how the configuration fixes it', async () => {
  answer(200, '[{"id":"a","status":{"looking":{"crops":[{"region":[0,0.267,1,0.58],"width":1088,"height":192}],"scale":1.7,"cost":0.85,"megapixels":0.21,"why":"18 objects were seen"}}}]')
  const got = await cameras()
  const looking = got.ok ? got.value[0]?.looking : null
  expect(looking).toEqual({ parts: [{ box: [0, 0.267, 1, 0.58], width: 1088, height: 192 }], scale: 1.7, cost: 0.85, megapixels: 0.21, why: '18 objects were seen' })
  expect(fixed(looking?.parts ?? [])).toBe('analyse: {parts: [[0.000, 0.267, 1.000, 0.580]]}')
})

test('what is wrong with the configuration is its first line', async () => {
  answer(200, '{"ready":true,"config":"\\npantau.yaml:7: no such key \\n  fsp: 10\\n  ^"}')
  expect(await configTrouble()).toEqual({ ok: true, value: 'pantau.yaml:7: no such key' })
  answer(200, '{"ready":true}')
  expect(await configTrouble()).toEqual({ ok: true, value: '' })
})

test('answers that are no JSON, and no answers', async () => {
  answer(502, '<html>')
  expect(await login('a', 'b')).toEqual({ ok: false, status: 502, detail: '' })
  vi.stubGlobal('fetch', () => Promise.reject(new TypeError('network')))
  expect(await login('a', 'b')).toEqual({ ok: false, status: unreachable, detail: '' })
})
