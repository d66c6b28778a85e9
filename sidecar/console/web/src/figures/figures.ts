// What GET /api/v1/cameras/{id}/figures answers, checked before anything uses it.

/** Figures are what is known of a camera now. */
export interface Figures {
  since: number // of the rows, ms since 1970; NaN: nothing is counted
  rows: FigureRow[]
  minute: Minute | null // the newest that has ended
  hour: { minutes: number; uptime: number; flags: string[] }
  states: State[]
}

/** FigureRow is one number of a function since the analysis began. Null: it has none. */
export interface FigureRow {
  rule: string
  kind: string
  cls: string
  from: string
  to: string
  n: number
  median: number | null
  p85: number | null
  err: number | null
}

/** Minute is the newest minute: how far it can be trusted, and why. */
export interface Minute {
  from: number // ms since 1970
  uptime: number // part of it that was really analysed, 0..1
  quality: string // good, low, none
  flags: string[]
  audits: Audit[]
}

/** Audit is the error of a rule's numbers of one kind, of a flow in one direction, as a person measured it. */
export interface Audit {
  rule: string
  kind: string // flow, entries, exits, presence, heads, occupancy
  dir: string // of a flow
  at: number // ms since 1970
  bias: number // (counted - true) / true
  low: number
  high: number
  n: number // crossings that the person saw
}

/** State is what holds now of one function. */
export interface State {
  rule: string
  crowd: { to: number; count: number | null; density: number | null } | null
  congestion: Congestion | null
  parked: Parked[]
  stays: { n: number; median: number; longest: number } | null
}

/** Congestion is the event by which a stretch of road has come to its level of service. */
export interface Congestion {
  to: string // A to F
  delay: number | null // seconds that each vehicle loses
  flow: number // passenger car units an hour
  queueMetres: number | null
  kmh: number | null
  freeKmh: number | null
}

/** Parked is a vehicle that is parked now. */
export interface Parked {
  bay: string // empty at a kerb
  cls: string
  arrived: number // ms since 1970
  found: boolean // it had come before
}

const maxRows = 5000
const maxStates = 200
const maxParked = 2000

/** asFigures reads the answer. What is missing or makes no sense is left out. */
export function asFigures(value: unknown): Figures {
  const f = record(value)
  const hour = record(f['hour'])
  return {
    since: time(f['since']),
    rows: list(f['rows'], maxRows).map(row),
    minute: f['minute'] == null ? null : minute(record(f['minute'])),
    hour: { minutes: number(hour['minutes']) ?? 0, uptime: number(hour['uptime']) ?? 0, flags: texts(hour['flags']) },
    states: list(f['states'], maxStates).map(state),
  }
}

function row(value: unknown): FigureRow {
  const r = record(value)
  return {
    rule: text(r['rule']), kind: text(r['kind']), cls: text(r['cls']), from: text(r['from']), to: text(r['to']),
    n: number(r['n']) ?? 0, median: number(r['median']), p85: number(r['p85']), err: number(r['err']),
  }
}

function minute(m: Fields): Minute {
  return {
    from: time(m['from']),
    uptime: number(m['uptime']) ?? 0,
    quality: text(m['quality']),
    flags: texts(m['flags']),
    audits: list(m['audit'], maxStates).map((value) => {
      const a = record(value)
      return {
        rule: text(a['rule']), kind: text(a['kind']) || 'flow', dir: text(a['dir']), at: time(a['at']), n: number(a['n']) ?? 0,
        bias: number(a['bias']) ?? 0, low: number(a['low']) ?? 0, high: number(a['high']) ?? 0,
      }
    }),
  }
}

function state(value: unknown): State {
  const s = record(value)
  const crowd = record(s['crowd'])
  const stays = record(s['stays'])
  return {
    rule: text(s['rule']),
    crowd: s['crowd'] == null ? null : { to: number(crowd['to']) ?? 0, count: number(crowd['count']), density: positive(crowd['density_per_m2']) },
    congestion: s['congestion'] == null ? null : congestion(record(s['congestion'])),
    parked: list(s['parked'], maxParked).map((v) => {
      const p = record(v)
      return { bay: text(p['bay']), cls: text(p['cls']), arrived: time(p['arrived']), found: p['found'] === true }
    }),
    stays: s['stays'] == null ? null : { n: number(stays['n']) ?? 0, median: number(stays['median']) ?? 0, longest: number(stays['longest']) ?? 0 },
  }
}

function congestion(c: Fields): Congestion {
  return {
    to: text(c['to']).slice(0, 1), delay: positive(c['delay_s']), flow: number(c['flow_pcu_h']) ?? 0,
    queueMetres: positive(c['queue_m']), kmh: positive(c['kmh']), freeKmh: positive(c['free_kmh']),
  }
}

type Fields = Record<string, unknown>

function record(v: unknown): Fields {
  return typeof v === 'object' && v !== null && !Array.isArray(v) ? (v as Fields) : {}
}

function list(v: unknown, most: number): unknown[] {
  return Array.isArray(v) ? v.slice(0, most) : []
}

function text(v: unknown): string {
  return typeof v === 'string' ? v.slice(0, 300) : ''
}

function texts(v: unknown): string[] {
  return list(v, 50).map(text).filter((t) => t !== '')
}

function number(v: unknown): number | null {
  return typeof v === 'number' && Number.isFinite(v) ? v : null
}

function positive(v: unknown): number | null {
  const n = number(v)
  return n !== null && n > 0 ? n : null
}

function time(v: unknown): number {
  return Date.parse(text(v))
}
