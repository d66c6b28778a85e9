// A server that speaks the console's API, for the tests of the page: it serves
// the built page with the headers that the console sets, and lets the test say
// what goes over the live view's WebSocket.

import { access, readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { extname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import { accept } from './websocket.mjs'

const dist = fileURLToPath(new URL('../dist/', import.meta.url))
const types = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' }
const policy =
  "default-src 'self'; img-src 'self' data:; media-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

/**
 * serve starts the server. state is what it tells, and may be changed while it
 * runs: { user, setup, cameras, figures, confirm(), audit, film, result, config, live(connection, id, after, codec) }. It gives { url, close }.
 */
export async function serve(state) {
  await access(join(dist, 'index.html')).catch(() => {
    throw new Error('the page is not built; run: npm run build')
  })
  const server = createServer((request, response) => {
    void answer(state, request, response)
  })
  const sockets = new Set()
  server.on('connection', (s) => {
    sockets.add(s)
    s.on('close', () => sockets.delete(s))
  })
  server.on('upgrade', (request, socket) => {
    const { pathname, searchParams } = new URL(request.url, 'http://x')
    const id = /^\/api\/v1\/cameras\/([^/]+)\/live$/.exec(pathname)?.[1]
    if (id && state.user && state.live) state.live(accept(request, socket), decodeURIComponent(id), searchParams.get('after'), searchParams.get('codec'))
    else socket.destroy()
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    async close() {
      for (const s of sockets) s.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function answer(state, request, response) {
  const body = await text(request)
  const json = (status, value) => {
    response.writeHead(status, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' })
    response.end(value === undefined ? '' : JSON.stringify(value))
  }
  switch (`${request.method} ${request.url}`) {
    case 'GET /api/v1/setup':
      return json(200, { needed: state.setup === true })
    case 'POST /api/v1/setup':
      if (JSON.parse(body).token !== 'first') return json(401, { detail: 'the first-run token is wrong' })
      state.setup = false
      state.user = { name: JSON.parse(body).name, role: 'admin' }
      return json(201, state.user)
    case 'POST /api/v1/login':
      if (JSON.parse(body).password !== 'right') return json(401, { detail: 'name or password is wrong' })
      state.user = { name: JSON.parse(body).name, role: 'operator' }
      return json(200, state.user)
    case 'POST /api/v1/logout':
      state.user = null
      return json(204)
    case 'GET /api/v1/me':
      return state.user ? json(200, state.user) : json(401, { detail: 'sign in first' })
    case 'GET /api/v1/status':
      return state.user ? json(200, { ready: true, config: state.config }) : json(401, { detail: 'sign in first' })
    case 'GET /api/v1/cameras':
      return state.user ? json(200, state.cameras) : json(401, { detail: 'sign in first' })
  }
  const pixel = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg==', 'base64')
  if (/^\/api\/v1\/cameras\/[^/]+\/(view\/reference\.png|snapshot\.jpg\?.*)$/.test(request.url)) {
    response.writeHead(state.user ? 200 : 401, { 'Content-Type': 'image/png' })
    return response.end(pixel)
  }
  if (request.method === 'POST' && /\/view\/confirm$/.test(request.url)) {
    const refused = state.confirm?.()
    return refused ? json(409, { detail: refused }) : json(204)
  }
  if (/\/audit(\/|$)/.test(request.url)) return state.user ? audited(state, request, response, body, json) : json(401, { detail: 'sign in first' })
  const about = /^\/api\/v1\/cameras\/[^/]+\/(\w+)$/.exec(request.url)?.[1]
  if (about === 'figures') return state.user ? json(200, state.figures ?? { rows: [], states: [], hour: {} }) : json(401, { detail: 'sign in first' })
  return file(request, response)
}

/** audited answers for the audit of a camera: state.audit, which is recorded as soon as it is asked for a second time. */
function audited(state, request, response, body, json) {
  const audit = (state.audit ??= { state: 'none', lines: [], strips: [], results: [] })
  const path = /\/audit(.*)$/.exec(request.url)[1]
  if (path.startsWith('/strips/') && decodeURIComponent(path).includes('@')) {
    response.writeHead(200, { 'Content-Type': 'image/svg+xml' })
    return response.end('<svg xmlns="http://www.w3.org/2000/svg" width="640" height="360"><rect width="640" height="360" fill="gray"/></svg>')
  }
  if (path.startsWith('/strips/')) {
    response.writeHead(200, { 'Content-Type': 'video/mp4' })
    return response.end(state.film)
  }
  if (path === '/tally') {
    state.tally = JSON.parse(body)
    Object.assign(audit, { state: 'none', strips: [], results: [{ ...state.result, id: state.tally.audit }] })
    return json(200, audit.results[0])
  }
  if (request.method === 'POST') Object.assign(audit, { state: 'recording', id: 'x', lines: [{ rule: 'path', crossings: 3, busy: 2, quiet: 4 }] })
  if (request.method === 'DELETE') Object.assign(audit, { state: 'none', strips: [] })
  json(request.method === 'POST' ? 201 : request.method === 'DELETE' ? 204 : 200, request.method === 'DELETE' ? undefined : audit)
}

async function file(request, response) {
  const path = normalize(new URL(request.url, 'http://x').pathname)
  const name = extname(path) === '' ? 'index.html' : path
  try {
    const content = await readFile(join(dist, name))
    response.writeHead(200, { 'Content-Type': types[extname(name)] ?? 'application/octet-stream', 'Content-Security-Policy': policy })
    response.end(content)
  } catch {
    response.writeHead(404).end()
  }
}

async function text(request) {
  let body = ''
  for await (const chunk of request) body += chunk
  return body
}

/** unitMessage is an access unit as the live view sends it. */
export function unitMessage(unit, pts, captureUs) {
  const header = Buffer.alloc(20)
  header[0] = 1
  header[1] = unit.key ? 1 : 0
  header.writeBigInt64BE(BigInt(pts), 4)
  header.writeBigInt64BE(BigInt(captureUs), 12)
  return Buffer.concat([header, unit.data])
}

/** sceneMessage is a scene as the live view sends it. */
export function sceneMessage(scene) {
  return JSON.stringify({ type: 'scene', scene: { w: 640, h: 360, clock: 90000, objects: [], zones: [], ...scene } })
}

/** camera is an entry of the list. */
export function camera(id, name, status = { state: 'running' }, functions = []) {
  return { id, name, functions, status: { fps: {}, latency_ms: {}, dropped: {}, model: '', ...status } }
}
