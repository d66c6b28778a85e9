import { expect, test, vi } from 'vitest'
import { cameras, login, problem, unreachable } from './api'

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
  answer(200, '[{"id":"a","name":"","status":{"state":"retrying","cause":"timeout","hint":"look"}},7]')
  expect(await cameras()).toEqual({ ok: true, value: [
    { id: 'a', name: 'a', state: 'retrying', cause: 'timeout', hint: 'look' },
  ] })
})

test('answers that are no JSON, and no answers', async () => {
  answer(502, '<html>')
  expect(await login('a', 'b')).toEqual({ ok: false, status: 502, detail: '' })
  vi.stubGlobal('fetch', () => Promise.reject(new TypeError('network')))
  expect(await login('a', 'b')).toEqual({ ok: false, status: unreachable, detail: '' })
})
