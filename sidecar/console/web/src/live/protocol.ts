// The messages of GET /api/v1/cameras/{id}/live, checked before anything uses
// them. Whatever comes over the wire is bounded here: a message that is too
// long, too deep or not what it says is refused, never half-read.

/** Point is a place in the picture: [x, y], each 0..1, origin top left. */
export type Point = readonly [number, number]

/** Box is [left, top, right, bottom], 0..1 of the picture. */
export type Box = readonly [number, number, number, number]

/** Rule is one function of a camera: a line that counts or a zone. */
export interface Rule {
  id: string
  kind: string
  line: Point[] // two or more; empty unless kind is "line"
  polygon: Point[] // corners; empty unless the kind has an area
}

/** Hello opens a stream, and comes again when codec, size or epoch change. */
export interface Hello {
  type: 'hello'
  camera: { id: string; name: string; rules: Rule[] }
  codec: string // RFC 6381 codec string for Annex B, "mjpeg", or "" while not known
  clock: number // ticks of the RTP time per second
  epoch: string
  width: number // pixels, 0 while not known
  height: number
  holdMs: number // how long a picture waits for its scene at first, ms
  masked: boolean // the camera's own pictures are not sent
  rendition: '' | 'converted' | 'blurred' // what is sent in the place of the camera's own pictures
  busy: boolean // there are no pictures until others need theirs no more
  resumed: boolean // what follows goes on after the picture that the page named
}

/** Thing is one tracked object of a scene. */
export interface Thing {
  id: string
  cls: string
  conf: number // 0..1
  box: Box
}

/** Scene is what one analysed frame showed. */
export interface Scene {
  epoch: string
  pts: number // RTP time unwrapped to 64 bits; exact, since it stays below 2^53
  capture: number // UTC, ms since 1970; NaN where it is not known
  things: Thing[]
  zones: { id: string; counts: { cls: string; n: number }[] }[]
  looked?: Box[] // the parts of the picture that were looked at; absent: all of it
}

/** Row is one number of the totals. */
export interface Row {
  rule: string
  kind: 'flow' | 'presence' | 'entries' | 'exits' | 'visits'
  cls: string
  dir: 'in' | 'out' | ''
  n: number
}

/** Totals are the counts since the analysis began. */
export interface Totals {
  type: 'totals'
  since: string // RFC 3339
  rows: Row[]
}

/** Stats are the rates and latencies of the last second. Null: not known. */
export interface Stats {
  type: 'stats'
  fps: Record<'camera' | 'processed' | 'skipped' | 'detection', number | null>
  latency: Record<'decode' | 'wait' | 'infer' | 'total', number | null> // ms
  model: string
  state: string
  cause: string
  hint: string
}

/** Unit is one compressed picture. */
export interface Unit {
  key: boolean // decoding can begin here
  pts: number
  capture: number // UTC, ms since 1970
  data: Uint8Array // Annex B, or a JPEG; a view into the message
}

/** Message is everything that comes as text. */
export type Message = Hello | { type: 'scene'; scene: Scene } | Totals | Stats

const maxText = 1 << 20
const maxUnit = 16 << 20
const maxThings = 1000
const maxRules = 200
const maxPoints = 500
const maxRows = 5000
const headerLength = 20

/**
 * parseUnit reads a binary message: kind (1), flags (bit 0: key), two zero
 * bytes, PTS int64 BE, capture time µs int64 BE, payload. It gives null for
 * what is not an access unit.
 */
export function parseUnit(message: ArrayBuffer): Unit | null {
  if (message.byteLength <= headerLength || message.byteLength > maxUnit) return null
  const view = new DataView(message)
  if (view.getUint8(0) !== 1) return null
  const pts = Number(view.getBigInt64(4))
  const capture = Number(view.getBigInt64(12)) / 1000
  if (!Number.isSafeInteger(pts)) return null
  return { key: (view.getUint8(1) & 1) === 1, pts, capture, data: new Uint8Array(message, headerLength) }
}

/** parseText reads a text message. It gives null for what is not understood. */
export function parseText(text: string): Message | null {
  if (text.length > maxText) return null
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return null
  }
  const m = record(value)
  switch (m['type']) {
    case 'hello':
      return hello(m)
    case 'scene': {
      const s = scene(record(m['scene']))
      return s && { type: 'scene', scene: s }
    }
    case 'totals':
      return { type: 'totals', since: string(m['since']), rows: list(m['rows'], maxRows).flatMap(row) }
    case 'stats':
      return stats(m)
  }
  return null
}

function hello(m: Fields): Hello | null {
  const camera = record(m['camera'])
  const clock = number(m['clock']) || 90_000 // 0 while no picture has come
  if (clock < 1 || clock > 1e6) return null
  return {
    type: 'hello',
    camera: {
      id: string(camera['id']),
      name: string(camera['name']) || string(camera['id']),
      rules: list(camera['functions'], maxRules).map(rule),
    },
    codec: string(m['codec']),
    clock,
    epoch: string(m['epoch']),
    width: size(m['width']),
    height: size(m['height']),
    holdMs: clamp(number(m['hold_ms']) ?? 400, 0, 2000),
    masked: m['masked'] === true,
    rendition: m['rendition'] === 'converted' || m['rendition'] === 'blurred' ? m['rendition'] : '',
    busy: m['busy'] === true,
    resumed: m['resumed'] === true,
  }
}

function rule(value: unknown): Rule {
  const f = record(value)
  const line = list(f['line'], maxPoints).flatMap(point)
  return {
    id: string(f['id']),
    kind: string(f['kind']),
    line: line.length > 1 ? line : [],
    polygon: list(f['polygon'], maxPoints).flatMap(point),
  }
}

function scene(s: Fields): Scene | null {
  const pts = s['pts']
  if (typeof pts !== 'number' || !Number.isSafeInteger(pts)) return null
  const looked = list(s['looked'], maxRules).flatMap(box)
  return {
    epoch: string(s['epoch']),
    pts,
    capture: Date.parse(string(s['ts'])),
    things: list(s['objects'], maxThings).flatMap(thing),
    zones: list(s['zones'], maxRules).map((value) => {
      const z = record(value)
      const counts = Object.entries(record(z['counts'])).slice(0, 100)
      return { id: string(z['id']), counts: counts.map(([cls, n]) => ({ cls: string(cls), n: natural(n) })) }
    }),
    ...(looked.length > 0 ? { looked } : {}),
  }
}

function thing(value: unknown): Thing[] {
  const o = record(value)
  return box(o['box']).map((b) => ({ id: string(o['id']), cls: string(o['cls']), conf: unit(number(o['conf']) ?? 0), box: b }))
}

/** box reads [left, top, right, bottom]; nothing where that is no box. */
function box(value: unknown): Box[] {
  const [l, t, r, d] = list(value, 4).map(number)
  if (l == null || t == null || r == null || d == null) return []
  const b = [unit(l), unit(t), unit(r), unit(d)] as const
  return b[2] <= b[0] || b[3] <= b[1] ? [] : [b]
}

function row(value: unknown): Row[] {
  const r = record(value)
  const kind = r['kind']
  if (kind !== 'flow' && kind !== 'presence' && kind !== 'entries' && kind !== 'exits' && kind !== 'visits') return []
  const dir = r['dir'] === 'in' || r['dir'] === 'out' ? r['dir'] : ''
  return [{ rule: string(r['rule']), kind, cls: string(r['cls']), dir, n: natural(r['n']) }]
}

function stats(m: Fields): Stats {
  const fps = record(m['fps'])
  const ms = record(m['latency_ms'])
  return {
    type: 'stats',
    fps: {
      camera: level(fps['camera']),
      processed: level(fps['processed']),
      skipped: level(fps['skipped']),
      detection: level(fps['detection']),
    },
    latency: {
      decode: level(ms['decode']),
      wait: level(ms['wait']),
      infer: level(ms['infer']),
      total: level(ms['total']),
    },
    model: string(m['model']),
    state: string(m['state']),
    cause: string(m['cause']),
    hint: string(m['hint']),
  }
}

type Fields = Record<string, unknown>

function record(v: unknown): Fields {
  return typeof v === 'object' && v !== null && !Array.isArray(v) ? (v as Fields) : {}
}

function list(v: unknown, most: number): unknown[] {
  return Array.isArray(v) ? v.slice(0, most) : []
}

function string(v: unknown): string {
  return typeof v === 'string' ? v.slice(0, 300) : ''
}

function number(v: unknown): number | null {
  return typeof v === 'number' && Number.isFinite(v) ? v : null
}

function natural(v: unknown): number {
  return Math.max(0, Math.trunc(number(v) ?? 0))
}

function level(v: unknown): number | null {
  const n = number(v)
  return n === null || n < 0 ? null : n
}

function size(v: unknown): number {
  return Math.min(natural(v), 16384)
}

function point(v: unknown): Point[] {
  const [x, y] = list(v, 2).map(number)
  return x == null || y == null ? [] : [[unit(x), unit(y)]]
}

function unit(v: number): number {
  return clamp(v, 0, 1)
}

function clamp(v: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, v))
}
