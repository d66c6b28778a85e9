// The calls of the HTTP API that the page makes. Cookies carry the session.

import { asAudit, asResult, type AuditResult, type AuditState } from './audit/audit'
import type { Answer as Tallied } from './audit/tally'
import { asFigures, type Figures } from './figures/figures'
import type { Fn } from './figures/functions'

/** Answer is what a call gave: its value, or why there is none. */
export type Answer<T> = { ok: true; value: T } | { ok: false; status: number; detail: string }

/** Me is who is signed in. */
export interface Me {
  name: string
  role: string
}

/** operates says whether somebody may change what is counted, and see who passes. */
export function operates(user: Me): boolean {
  return user.role !== 'viewer'
}

/** CameraEntry is one camera of the list. */
export interface CameraEntry {
  id: string
  name: string
  state: string
  cause: string
  hint: string
  functions: Fn[]
  looking: Looking | null
}

/** Looking is what of a camera's picture is looked at, what that costs, and why. */
export interface Looking {
  parts: { box: number[]; width: number; height: number }[] // none: the whole picture
  scale: number // how much larger objects are in the input than with the whole picture
  cost: number // pixels of input, of those of the whole picture
  megapixels: number // of input for a frame
  why: string // in English
}

/** unreachable is the status of a call that got no answer. */
export const unreachable = 0

/** me asks who is signed in; status 401 says nobody. */
export async function me(): Promise<Answer<Me>> {
  return map(await call('GET', '/api/v1/me'), asMe)
}

/** setupNeeded asks whether the first administrator is still to be created. */
export async function setupNeeded(): Promise<Answer<boolean>> {
  return map(await call('GET', '/api/v1/setup'), (v) => fields(v)['needed'] === true)
}

/** login begins a session. */
export async function login(name: string, password: string): Promise<Answer<unknown>> {
  return call('POST', '/api/v1/login', { name, password })
}

/** setup creates the administrator with the first-run token, and begins a session. */
export async function setup(token: string, name: string, password: string): Promise<Answer<unknown>> {
  return call('POST', '/api/v1/setup', { token, name, password })
}

/** logout ends the session. */
export async function logout(): Promise<Answer<unknown>> {
  return call('POST', '/api/v1/logout')
}

/** cameras lists the cameras that the user may watch. */
export async function cameras(): Promise<Answer<CameraEntry[]>> {
  return map(await call('GET', '/api/v1/cameras'), asCameras)
}

/** configTrouble asks what is wrong with the configuration file as it is now: its first line, or nothing. */
export async function configTrouble(): Promise<Answer<string>> {
  return map(await call('GET', '/api/v1/status'), (v) => text(fields(v)['config']).trim().split('\n')[0]?.trim() ?? '')
}

/** figures asks what is known of a camera now. */
export async function figures(id: string): Promise<Answer<Figures>> {
  return map(await call('GET', `/api/v1/cameras/${encodeURIComponent(id)}/figures`), asFigures)
}

/** audit asks how far the audit of a camera is. */
export async function audit(id: string): Promise<Answer<AuditState>> {
  return map(await call('GET', auditAddress(id)), asAudit)
}

/** beginAudit has a camera audited; seconds is how long it records, 0 until there are crossings enough. */
export async function beginAudit(id: string, seconds: number): Promise<Answer<AuditState>> {
  return map(await call('POST', auditAddress(id), { for_s: seconds }), asAudit)
}

/** cancelAudit gives a recording up, and deletes its pictures. */
export async function cancelAudit(id: string): Promise<Answer<unknown>> {
  return call('DELETE', auditAddress(id))
}

/** tellTally gives what a person has seen. */
export async function tellTally(id: string, tally: Tallied): Promise<Answer<AuditResult>> {
  return map(await call('POST', `${auditAddress(id)}/tally`, tally), asResult)
}

/** stripAddress is the film of a strip. */
export function stripAddress(id: string, strip: string): string {
  return `${auditAddress(id)}/strips/${encodeURIComponent(strip)}`
}

function auditAddress(id: string): string {
  return `/api/v1/cameras/${encodeURIComponent(id)}/audit`
}

/** confirmView takes what a camera shows now as the scene that its rules hold on. */
export async function confirmView(id: string): Promise<Answer<unknown>> {
  return call('POST', `/api/v1/cameras/${encodeURIComponent(id)}/view/confirm`)
}

/** referenceAddress is the picture of the edges that a camera's rules hold on. */
export function referenceAddress(id: string): string {
  return `/api/v1/cameras/${encodeURIComponent(id)}/view/reference.png`
}

/** pictureAddress is a camera's next picture; at, ms, makes it another than the one before. */
export function pictureAddress(id: string, at: number): string {
  return `/api/v1/cameras/${encodeURIComponent(id)}/snapshot.jpg?boxes=0&at=${at}`
}

/** liveAddress is the WebSocket of a camera. */
export function liveAddress(id: string): string {
  const base = location.origin.replace(/^http/, 'ws')
  return `${base}/api/v1/cameras/${encodeURIComponent(id)}/live`
}

async function call(method: string, path: string, body?: unknown): Promise<Answer<unknown>> {
  const init: RequestInit = { method, headers: { Accept: 'application/json' }, signal: AbortSignal.timeout(10_000) }
  if (body !== undefined) {
    init.body = JSON.stringify(body)
    init.headers = { Accept: 'application/json', 'Content-Type': 'application/json' }
  }
  try {
    const r = await fetch(path, init)
    const text = await r.text()
    const value: unknown = text === '' ? null : parse(text)
    if (r.ok) return { ok: true, value }
    return { ok: false, status: r.status, detail: problem(value) }
  } catch {
    return { ok: false, status: unreachable, detail: '' }
  }
}

function map<T>(a: Answer<unknown>, as: (v: unknown) => T): Answer<T> {
  return a.ok ? { ok: true, value: as(a.value) } : a
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

/** problem reads the sentence of an RFC 9457 answer, and the bad fields that it names. */
export function problem(value: unknown): string {
  const p = fields(value)
  const errors = Array.isArray(p['errors']) ? p['errors'].map(badField) : []
  return [...errors, text(p['detail']), text(p['title'])].find((s) => s !== '') ?? ''
}

function badField(error: unknown): string {
  const e = fields(error)
  const field = text(e['location']).replace(/^body\.?/, '')
  return [field, text(e['message'])].filter(Boolean).join(' ')
}

function asMe(value: unknown): Me {
  const m = fields(value)
  return { name: text(m['name']), role: text(m['role']) }
}

function asCameras(value: unknown): CameraEntry[] {
  const list = Array.isArray(value) ? value : fields(value)['cameras']
  if (!Array.isArray(list)) return []
  return list.flatMap((v) => {
    const c = fields(v)
    const status = fields(c['status'])
    const id = text(c['id'])
    if (id === '') return []
    return [{
      id,
      name: text(c['name']) || id,
      state: text(status['state']),
      cause: text(status['cause']),
      hint: text(status['hint']),
      functions: items(c['functions']).map(asFunction),
      looking: asLooking(status['looking']),
    }]
  })
}

function asFunction(value: unknown): Fn {
  const f = fields(value)
  const natural = (v: unknown): number => (typeof v === 'number' && v > 0 ? v : 0)
  return {
    id: text(f['id']), kind: text(f['kind']), lines: items(f['lines']).map(text), bays: Object.keys(fields(f['bays'])).sort((a, b) => a.localeCompare(b, 'en', { numeric: true })),
    capacity: natural(f['capacity']), levels: items(f['levels']).map(natural), forbidden: f['forbidden'] === true, window: (natural(f['window']) || 120e9) / 1e9,
  }
}

function asLooking(value: unknown): Looking | null {
  const l = fields(value)
  const number = (v: unknown): number => (typeof v === 'number' && Number.isFinite(v) ? v : 0)
  if (text(l['why']) === '') return null
  return {
    parts: items(l['crops']).map((v) => {
      const c = fields(v)
      return { box: items(c['region']).map(number), width: number(c['width']), height: number(c['height']) }
    }),
    scale: number(l['scale']), cost: number(l['cost']), megapixels: number(l['megapixels']), why: text(l['why']),
  }
}

/** fixed are the parts as the configuration takes them, so that they stay as they are. */
export function fixed(parts: Looking['parts']): string {
  return `analyse: {parts: [${parts.map((p) => `[${p.box.map((v) => v.toFixed(3)).join(', ')}]`).join(', ')}]}`
}

function items(v: unknown): unknown[] {
  return Array.isArray(v) ? v : []
}

function fields(v: unknown): Record<string, unknown> {
  return typeof v === 'object' && v !== null ? (v as Record<string, unknown>) : {}
}

function text(v: unknown): string {
  return typeof v === 'string' ? v : ''
}
