import { describe, expect, test } from 'vitest'
import { parseText, parseUnit } from './protocol'
import { random } from './testing'

function unit(change: (v: DataView) => void = () => {}, length = 24): ArrayBuffer {
  const b = new ArrayBuffer(length)
  const v = new DataView(b)
  v.setUint8(0, 1)
  v.setUint8(1, 1)
  v.setBigInt64(4, 4294967296n + 3600n)
  v.setBigInt64(12, 1_795_000_000_123_456n)
  change(v)
  return b
}

const sceneText = JSON.stringify({
  type: 'scene',
  scene: {
    cam: 'demo', seq: 1, epoch: 'k3f9', ts: '2026-11-23T05:41:07.240000Z', ts_source: 'rtcp_sr', rtp: 3600,
    pts: 4294970896, pts_us: 1, clock: 90000, w: 768, h: 576, model: 'm', rules: 'r1',
    objects: [{ id: '7', cls: 'person', conf: 0.9, box: [0.1, 0.2, 0.3, 0.4], state: 'moving', age: 3, zones: ['z'] }],
    zones: [{ id: 'z', counts: { person: 1 } }],
  },
})
const helloText = JSON.stringify({
  type: 'hello', codec: 'avc1.64001F', clock: 90000, epoch: 'k3f9', width: 768, height: 576, hold_ms: 400, masked: false,
  camera: { id: 'demo', name: 'Demo', functions: [{ id: 'l', kind: 'line', line: [[0, 0.5], [1, 0.5]] }] },
})

describe('what was looked at', () => {
  const looked = (value: unknown) => {
    const m = JSON.parse(sceneText) as { scene: Record<string, unknown> }
    m.scene['looked'] = value
    const parsed = parseText(JSON.stringify(m))
    return parsed?.type === 'scene' ? parsed.scene.looked : 'no scene'
  }
  test.each([
    ['two parts', [[0, 0.2, 1, 0.5], [0.1, 0.6, 0.4, 1]], [[0, 0.2, 1, 0.5], [0.1, 0.6, 0.4, 1]]],
    ['absent', undefined, undefined],
    ['no boxes', [[0, 1], 'x', [0.5, 0, 0.5, 1]], undefined],
    ['beyond the picture', [[-1, 0, 2, 1]], [[0, 0, 1, 1]]],
  ])('%s', (_, value, want) => expect(looked(value)).toEqual(want))
})

describe('access units', () => {
  test('time above 32 bits is exact', () => {
    expect(parseUnit(unit())).toMatchObject({ key: true, pts: 4294970896, capture: 1_795_000_000_123.456 })
    expect(parseUnit(unit())?.data.length).toBe(4)
    expect(parseUnit(unit((v) => v.setBigInt64(4, -5n)))?.pts).toBe(-5)
  })

  test.each([
    ['empty', new ArrayBuffer(0)],
    ['header only', unit(undefined, 20)],
    ['another kind', unit((v) => v.setUint8(0, 2))],
    ['a time that no number holds', unit((v) => v.setBigInt64(4, 2n ** 60n))],
    ['too large', unit(undefined, (16 << 20) + 1)],
  ])('refuses: %s', (_, message) => {
    expect(parseUnit(message)).toBeNull()
  })
})

describe('texts', () => {
  test('a scene', () => {
    expect(parseText(sceneText)).toEqual({
      type: 'scene',
      scene: {
        epoch: 'k3f9', pts: 4294970896, capture: Date.UTC(2026, 10, 23, 5, 41, 7, 240),
        things: [{ id: '7', cls: 'person', conf: 0.9, box: [0.1, 0.2, 0.3, 0.4] }],
        zones: [{ id: 'z', counts: [{ cls: 'person', n: 1 }] }],
      },
    })
  })

  test('a hello, also before the first picture', () => {
    expect(parseText(helloText)).toMatchObject({ codec: 'avc1.64001F', camera: { rules: [{ id: 'l', line: [[0, 0.5], [1, 0.5]] }] } })
    expect(parseText(helloText)).toMatchObject({ rendition: '', busy: false })
    for (const rendition of ['converted', 'blurred']) {
      expect(parseText(JSON.stringify({ type: 'hello', camera: { id: 'a' }, clock: 90000, rendition, busy: true }))).toMatchObject({ rendition, busy: true })
    }
    expect(parseText('{"type":"hello","camera":{"id":"a"},"clock":90000,"rendition":"other","busy":1}')).toMatchObject({ rendition: '', busy: false })
    expect(parseText('{"type":"hello","camera":{"id":"a"},"codec":"","clock":0}')).toMatchObject({ clock: 90000, camera: { name: 'a' } })
  })

  test('totals and stats', () => {
    expect(parseText('{"type":"totals","since":"x","rows":[{"rule":"l","kind":"flow","cls":"car","dir":"in","n":3},{"kind":"?"}]}'))
      .toEqual({ type: 'totals', since: 'x', rows: [{ rule: 'l', kind: 'flow', cls: 'car', dir: 'in', n: 3 }] })
    expect(parseText('{"type":"stats","fps":{"camera":25},"latency_ms":{"total":58.2},"dropped":{"a":2,"b":3},"state":"running"}'))
      .toMatchObject({ fps: { camera: 25, detection: null }, latency: { total: 58.2, decode: null }, state: 'running' })
  })

  test.each(['', '{', 'null', '[]', '7', '{"type":"other"}', '{"type":"scene"}', '{"type":"scene","scene":{"pts":1.5}}',
    '{"type":"hello","clock":-1}', `"${'x'.repeat(1 << 20)}"`])('refuses %#', (text) => {
    expect(parseText(text)).toBeNull()
  })

  test('what is absurd is bounded', () => {
    const objects = Array.from({ length: 5000 }, () => ({ id: 'x'.repeat(9999), box: [-3, 0, 1e300, 1] }))
    const m = parseText(JSON.stringify({ type: 'scene', scene: { pts: 1, objects: objects.slice(0, 60) } }))
    if (m?.type !== 'scene') throw new Error('no scene')
    expect(m.scene.things[0]).toEqual({ id: 'x'.repeat(300), cls: '', conf: 0, box: [0, 0, 1, 1] })
    const short = parseText(JSON.stringify({ type: 'scene', scene: { pts: 1, objects: objects.map(() => ({ box: [0, 0, 1, 1] })) } }))
    expect(short?.type === 'scene' && short.scene.things.length).toBe(1000)
  })

  test.each([[[0.3, 0.2, 0.1, 0.4]], [[0, 0, 1]], ['box'], [[null, 0, 1, 1]]])('leaves out the box %j', (box) => {
    const m = parseText(JSON.stringify({ type: 'scene', scene: { pts: 1, objects: [{ id: '1', box }] } }))
    expect(m?.type === 'scene' && m.scene.things).toEqual([])
  })

  test('broken messages never throw', () => {
    const next = random(1)
    for (const text of [sceneText, helloText]) {
      for (let i = 0; i < 5000; i++) {
        const at = Math.floor(next() * text.length)
        const cut = Math.floor(next() * 12)
        const junk = ['', '0', '"', '[', '}', '-1', 'null', '1e999', '\u0000'][Math.floor(next() * 9)]!
        parseText(text.slice(0, at) + junk + text.slice(at + cut))
      }
    }
  })
})

test('a hello says whether it goes on after the picture that the page has', () => {
  const of = (value: unknown) => parseText(JSON.stringify({ ...(JSON.parse(helloText) as object), resumed: value }))
  expect(of(true)).toMatchObject({ resumed: true })
  for (const other of [undefined, false, 1, 'true']) expect(of(other)).toMatchObject({ resumed: false })
})
