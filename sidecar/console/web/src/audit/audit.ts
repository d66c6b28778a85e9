// What the API tells of a camera's audit, checked before anything uses it.

/** AuditState is how far an audit is, and what earlier ones have found. */
export interface AuditState {
  state: string // none, waiting, recording, recorded, failed
  id: string
  until: number // ms since 1970; NaN: not known yet
  ends: number // when the pictures are deleted; NaN: there are none
  cause: string
  lines: { rule: string; crossings: number; busy: number; quiet: number; moments: boolean }[] // moments: who was there, and no windows
  width: number
  height: number
  strips: Strip[]
  results: AuditResult[] // the newest first
}

/** Strip is a short film that a person tallies, or a picture of a random moment. */
export interface Strip {
  id: string
  name: string // of the line
  still?: true // it is a picture
  polygon?: [number, number][] // of a zone, a crowd or a kerb
  bays?: { name: string; polygon: [number, number][] }[] // of a car park
  line: [number, number][] // 0..1 of the picture
  groups: string[] // people, two-wheelers, vehicles
  begin: number // seconds of the film from which on crossings count
  end: number
}

/** AuditResult is a tallied audit. */
export interface AuditResult {
  id: string
  who: string
  at: number // ms since 1970
  from: number
  outdated: boolean // it is published no more
  estimates: Estimate[]
}

/** Estimate is how right a rule's counts of one direction, or of one group, are. */
export interface Estimate {
  rule: string
  of: string // in, out, entries, exits, presence, heads, occupancy, or a group
  level: boolean // counted and truth are means: of who is there
  seen: number // by the person
  counted: number // by Pantau, in all of the recorded time
  truth: number // estimated
  bias: { value: number; low: number; high: number }
  tooFew: boolean // the numbers mean nothing yet
}

const most = 5000

/** asAudit reads the answer. What is missing or makes no sense is left out. */
export function asAudit(value: unknown): AuditState {
  const a = record(value)
  return {
    state: text(a['state']) || 'none', id: text(a['id']), until: time(a['until']), ends: time(a['ends']), cause: text(a['cause']),
    lines: list(a['lines']).map((v) => {
      const l = record(v)
      return { rule: text(l['rule']), crossings: number(l['crossings']), busy: number(l['busy']), quiet: number(l['quiet']), moments: l['moments'] === true }
    }),
    width: number(a['width']) || 16, height: number(a['height']) || 9,
    strips: list(a['strips']).map(strip), results: list(a['results']).map(asResult),
  }
}

function strip(value: unknown): Strip {
  const s = record(value)
  return {
    id: text(s['id']), name: text(s['name']), groups: list(s['groups']).map(text), begin: number(s['begin']), end: number(s['end']),
    line: points(s['line']), ...(s['still'] === true && { still: true }), ...(Array.isArray(s['polygon']) && { polygon: points(s['polygon']) }),
    ...(s['bays'] != null && { bays: Object.entries(record(s['bays'])).slice(0, most).map(([name, p]) => ({ name, polygon: points(p) })) }),
  }
}

function points(value: unknown): [number, number][] {
  return list(value).map((p) => {
    const [x, y] = list(p)
    return [number(x), number(y)]
  })
}

/** asResult reads one tallied audit. */
export function asResult(value: unknown): AuditResult {
  const r = record(value)
  return {
    id: text(r['id']), who: text(r['who']), at: time(r['at']), from: time(r['from']), outdated: r['outdated'] === true,
    estimates: list(r['lines']).flatMap((v) => {
      const line = record(v)
      const level = line['moments'] === true
      const n = level ? Math.max(1, list(line['windows']).reduce((sum: number, m) => sum + number(m), 0)) : 1
      return list(line['estimates']).map((one) => {
        const e = record(one)
        const bias = record(e['bias'])
        return {
          rule: text(line['rule']), of: rowOf(text(line['kind']), text(e['dir'])) || text(e['group']), level,
          seen: number(e['seen']), counted: number(e['counted']) / n, truth: number(e['true']) / n,
          bias: { value: number(bias['value']), low: number(bias['low']), high: number(bias['high']) }, tooFew: e['too_few'] === true,
        }
      })
    }),
  }
}

/** rowOf is what a direction of a function of some kind is counted as. */
function rowOf(kind: string, dir: string): string {
  if (dir === 'now' || dir === 'bay') return { zone: 'presence', crowd: 'heads', parking: 'occupancy' }[kind] ?? dir
  return (kind === 'zone' && { in: 'entries', out: 'exits' }[dir]) || dir
}

type Fields = Record<string, unknown>

function record(v: unknown): Fields {
  return typeof v === 'object' && v !== null && !Array.isArray(v) ? (v as Fields) : {}
}

function list(v: unknown): unknown[] {
  return Array.isArray(v) ? v.slice(0, most) : []
}

function text(v: unknown): string {
  return typeof v === 'string' ? v.slice(0, 300) : ''
}

function number(v: unknown): number {
  return typeof v === 'number' && Number.isFinite(v) ? v : 0
}

function time(v: unknown): number {
  return Date.parse(text(v))
}
