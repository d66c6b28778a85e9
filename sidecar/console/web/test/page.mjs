// The built page in a real Chromium: sign-in, set-up, the live page in both
// languages, both themes and on a small screen, and what it says when something
// is wrong. axe looks at every one of them.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { gzipSync } from 'node:zlib'
import { readdir } from 'node:fs/promises'
import { listen, open } from './browser.mjs'
import { box, encode } from './pattern.mjs'
import { camera, sceneMessage, serve, unitMessage } from './stand.mjs'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const trouble = { state: 'retrying', cause: 'connection refused', hint: 'Check that the camera is on' }
const functions = [
  { id: 'path', kind: 'line', line: [[0.45, 0.2], [0.45, 1]] },
  { id: 'yard', kind: 'zone', polygon: [[0.5, 0.3], [0.9, 0.3], [0.9, 0.9]] },
]
const clips = { h264: await encode(100), mjpeg: await encode(50, 'mjpeg') }

/** stream sends a camera's view until the viewer leaves; o says how it misbehaves. */
function stream(connection, o = {}) {
  const codec = o.codec ?? 'avc1.42C01F'
  const units = clips[codec] ?? clips.h264
  const send = (m) => connection.send(typeof m === 'string' || Buffer.isBuffer(m) ? m : JSON.stringify(m))
  const hello = (epoch) => send({ type: 'hello', camera: { id: 'demo', name: 'Demo street', functions }, codec, clock: 90000, epoch,
    width: 640, height: 360, hold_ms: 200, masked: o.masked === true, ...o.hello })
  const stats = { type: 'stats', fps: { camera: 25, processed: 25, skipped: 0, detection: 8 }, dropped: {}, model: 'street@1',
    latency_ms: { decode: 3, wait: 5, infer: 40, total: 60 }, state: 'running', ...o.status }
  hello('e0')
  send({ type: 'totals', since: '2026-11-23T05:00:00Z', rows: o.rows ?? [
    { rule: 'path', kind: 'flow', cls: 'person', dir: 'in', n: 1234 }, { rule: 'path', kind: 'flow', cls: 'person', dir: 'out', n: 97 },
    { rule: 'yard', kind: 'entries', cls: 'person', n: 12 }, { rule: 'yard', kind: 'visits', cls: 'person', n: 3 }] })
  let n = 0
  const started = Date.now()
  const timer = setInterval(() => {
    while (n * 40 < Date.now() - started) {
      if (n % 25 === 0) send(stats)
      if (o.silent) { n++; continue }
      const epoch = `e${Math.floor(n / (o.session ?? Infinity))}`
      if (o.session && n > 0 && n % o.session === 0) hello(epoch)
      const pts = 2 ** 33 + (n % (o.session ?? Infinity)) * 3600
      if (!o.masked || o.hello?.rendition) send(unitMessage(units[n % units.length], pts, Date.now() * 1000))
      if (o.junk) { send('{"type":'); send(Buffer.from([1, 2, 3])) }
      if (!o.sceneless) send(sceneMessage({ epoch, pts, ts: new Date().toISOString(), zones: [{ id: 'yard', counts: { person: 1 } }],
        objects: [{ id: `${n}`, cls: 'person', conf: 0.9, box: box(n) }, { id: 'x', cls: 'car', conf: 0.8, box: [0.7, 0.4, 0.8, 0.5] }] }))
      n++
    }
  }, 10)
  void connection.closed.then(() => clearInterval(timer))
}

const state = {
  user: null, setup: true,
  cameras: [camera('demo', 'Demo street'), camera('north', 'Simpang Lima north', trouble)],
  live: (connection) => stream(connection),
}

/** busy are the counts of a street after a long day: the longest words with long numbers. */
const busy = ['person', 'bicycle', 'motorcycle', 'car', 'bus', 'truck'].flatMap((cls, i) => [
  { rule: 'path', kind: 'flow', cls, dir: 'in', n: 20_345 - i * 1000 }, { rule: 'path', kind: 'flow', cls, dir: 'out', n: 12_345 },
  { rule: 'yard', kind: 'entries', cls, n: 2345 }, { rule: 'yard', kind: 'visits', cls, n: 1234 }, { rule: 'yard', kind: 'exits', cls, n: 2300 }])

/** all is a function of every kind, with what is known of each of them. */
const all = [
  { id: 'simpang', kind: 'turns', lines: ['north', 'east', 'south', 'west'] },
  { id: 'lot', kind: 'parking', bays: { A01: [], A02: [], A03: [] } },
  { id: 'kerb', kind: 'parking', polygon: [], capacity: 16 },
  { id: 'pace', kind: 'speed' }, { id: 'jam', kind: 'congestion' }, { id: 'rally', kind: 'crowd', levels: [50, 200] },
]
const known = {
  rows: [
    { rule: 'simpang', kind: 'turn', cls: 'motorcycle', from: 'north', to: 'south', n: 12_345 }, { rule: 'simpang', kind: 'turn', cls: 'car', from: 'east', to: 'unknown', n: 7 },
    { rule: 'lot', kind: 'arrivals', cls: 'car', n: 21 }, { rule: 'lot', kind: 'departures', cls: 'car', n: 20 },
    { rule: 'pace', kind: 'speed', cls: 'motorcycle', n: 1234, median: 38.2, p85: 47.9, err: 2.4 }],
  minute: { from: '2026-11-23T05:00:00Z', uptime: 0.874, quality: 'low', flags: ['gaps', 'slow', 'night', 'low_detail'],
    audit: [{ rule: 'path', dir: 'in', at: '2026-11-20T04:15:07Z', bias: -0.031, low: -0.118, high: 0.064, n: 38 }] },
  hour: { minutes: 60, uptime: 0.998, flags: [] },
  states: [
    { rule: 'lot', parked: [{ bay: 'A02', cls: 'motorcycle', arrived: '2026-11-23T05:00:00Z', found: true }], stays: { n: 20, median: 5400, longest: 86_000 } },
    { rule: 'jam', congestion: { to: 'F', delay_s: 95, flow_pcu_h: 1890, kmh: 4.1, queue_m: 38 } }, { rule: 'rally', crowd: { to: -1 } }],
}

/** film is two seconds of MP4, as a strip is. */
function film() {
  return new Promise((resolve, reject) => {
    const made = spawn('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', 'testsrc=s=640x360:r=10:d=2', '-c:v', 'libx264', '-pix_fmt', 'yuv420p',
      '-movflags', 'frag_keyframe+empty_moov', '-f', 'mp4', '-'])
    const parts = []
    made.stdout.on('data', (d) => parts.push(d))
    made.on('error', reject)
    made.on('close', (code) => (code === 0 ? resolve(Buffer.concat(parts)) : reject(new Error(`ffmpeg ended with ${code}`))))
  })
}

/** collisions are the texts beside the picture that lie over each other or stick out of their card. */
function collisions(page) {
  return page.evaluate(() => {
    const found = []
    for (const card of document.querySelectorAll('.health section, aside section, .refused')) {
      const edge = card.getBoundingClientRect()
      const texts = []
      const walker = document.createTreeWalker(card, NodeFilter.SHOW_TEXT)
      for (let node = walker.nextNode(); node; node = walker.nextNode()) {
        if (node.data.trim() === '' || node.parentElement.closest('.unseen')) continue
        const range = document.createRange()
        range.selectNodeContents(node)
        for (const r of range.getClientRects()) if (r.width > 1) texts.push({ r, text: node.data.trim() })
      }
      for (const [i, { r, text }] of texts.entries()) {
        if (r.left < edge.left || r.right > edge.right) found.push(`${text} sticks out`)
        for (const b of texts.slice(i + 1)) {
          const x = Math.min(r.right, b.r.right) - Math.max(r.left, b.r.left)
          const y = Math.min(r.bottom, b.r.bottom) - Math.max(r.top, b.r.top)
          if (x > 1 && y > r.height / 3) found.push(`${text} over ${b.text}`)
        }
      }
    }
    return found
  })
}

/** pass runs one check and says so. */
async function pass(name, check) {
  await check()
  console.log(`ok  ${name}`)
}

async function accessible(page) {
  await page.evaluate(axe)
  const { violations } = await page.evaluate(() => globalThis.axe.run())
  assert.deepEqual(violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html).join(' ')}`), [])
}

async function drawing(page, n = 5) {
  await page.evaluate(() => (globalThis.draws = []))
  await page.waitForFunction((least) => globalThis.draws.length >= least, n)
  return page.evaluate(() => globalThis.draws)
}

/** orange waits until the picture shows a person's box, or none. */
async function orange(page, want) {
  await page.waitForFunction((wanted) => {
    const canvas = document.querySelector('canvas')
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height)
    let seen = 0
    for (let i = 0; i < data.length; i += 4) if (data[i] - data[i + 2] > 150) seen++
    return seen > 50 === wanted
  }, want)
}

/** sharpness is the greatest step between pixels that are near each other, in the pattern's row of blocks. */
function sharpness(page) {
  return page.evaluate(() => {
    const canvas = document.querySelector('canvas')
    const { data } = canvas.getContext('2d').getImageData(0, Math.round(canvas.height / 9), canvas.width, 1)
    let most = 0
    for (let x = 4; x < canvas.width; x++) most = Math.max(most, Math.abs(data[4 * x] - data[4 * (x - 4)]))
    return most
  })
}

async function live(page, o, url) {
  state.live = (connection) => stream(connection, o)
  await page.goto(url)
}

const server = await serve(state)
const browser = await open()
const errors = []
try {
  const page = await browser.context.newPage()
  page.setDefaultTimeout(20_000)
  errors.push(...(await checks(page)))
} finally {
  await browser.close()
  await server.close()
}

async function checks(page) {
  const seen = listen(page)
  await page.addInitScript(() => {
    globalThis.draws = []
    addEventListener('pantau:draw', (e) => globalThis.draws.push(e.detail), true)
  })
  const status = page.getByRole('status')

  await pass('set-up: a wrong token is told, the right one signs in', async () => {
    await page.goto(server.url)
    await page.getByRole('heading', { name: 'Create the administrator' }).waitFor()
    await accessible(page)
    await page.getByLabel('Token').fill('wrong')
    await page.getByLabel('Name').fill('admin')
    await page.getByLabel('New password').fill('long enough')
    await page.getByRole('button', { name: 'Create and sign in' }).click()
    await page.getByText('the first-run token is wrong').waitFor()
    await page.getByLabel('Token').fill('first')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Demo street' }).waitFor()
  })

  await pass('a used sign-in link is told in both languages, and forgotten after signing in', async () => {
    state.user = null
    await page.goto(`${server.url}?link=expired`)
    await page.getByText('This sign-in link was used already').waitFor()
    await accessible(page)
    await page.getByRole('button', { name: 'Bahasa Indonesia' }).click()
    await page.getByText('Tautan masuk ini sudah dipakai').waitFor()
    await page.getByRole('button', { name: 'English' }).click()
    assert.equal(page.url(), server.url)
    await page.getByLabel('Name').fill('admin')
    await page.getByLabel('Password').fill('right')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Demo street' }).waitFor()
  })

  await pass('signing out and in, by keyboard', async () => {
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByLabel('Name').fill('eka')
    await page.getByLabel('Password').fill('not right')
    await page.keyboard.press('Enter')
    await page.getByText('Name or password is not right.').waitFor()
    await accessible(page)
    await page.getByLabel('Password').fill('right')
    await page.keyboard.press('Enter')
    await page.getByText('eka').waitFor()
  })

  await pass('the live page: picture, counts, rates, and nothing for axe to find', async () => {
    await drawing(page)
    await page.getByText('1,234').first().waitFor()
    await page.getByText('street@1').waitFor()
    await accessible(page)
    await page.emulateMedia({ colorScheme: 'dark' })
    await accessible(page)
    await page.setViewportSize({ width: 390, height: 800 })
    await accessible(page)
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390)
    await page.setViewportSize({ width: 1440, height: 900 })
  })

  await pass('the numbers of screen readers are those of the page', async () => {
    await page.getByRole('row', { name: 'Line path: in 1,234' }).waitFor({ state: 'attached' })
    await page.getByRole('row', { name: 'In the picture now: car 1' }).waitFor({ state: 'attached' })
  })

  await pass('Indonesian, and it is remembered', async () => {
    await page.getByRole('button', { name: 'Bahasa Indonesia' }).click()
    await page.getByText('1.234').first().waitFor()
    assert.equal(await page.evaluate(() => document.documentElement.lang), 'id')
    await page.reload()
    await page.getByRole('button', { name: 'Keluar' }).waitFor()
    await accessible(page)
    await page.getByRole('button', { name: 'English' }).click()
  })

  await pass('long counts and a refused configuration: no text lies over another, whatever the width', async () => {
    state.config = 'pantau.yaml:7:5: no such key "fsp"; did you mean fps?\n    fsp: 10\n    ^'
    await live(page, { rows: busy, status: { fps: { camera: 125.4, processed: 125.4, skipped: 100.8, detection: 24.6 } } }, server.url)
    for (const language of ['Bahasa Indonesia', 'English']) {
      await page.getByRole('button', { name: language }).click()
      await page.getByText(language === 'English' ? 'A change of the configuration file was refused' : 'Perubahan berkas konfigurasi ditolak').waitFor()
      await page.getByText('did you mean fps?').waitFor()
      await page.getByText(language === 'English' ? '107,070' : '107.070').first().waitFor()
      for (const [width, height] of [[1280, 800], [1600, 1000], [390, 844], [360, 740], [1024, 768], [820, 1180], [1440, 900], [1920, 1080]]) {
        await page.setViewportSize({ width, height })
        assert.deepEqual(await collisions(page), [], `${width} wide, ${language}`)
        assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), width)
        for (const colorScheme of process.env.SHOTS && language === 'English' ? ['dark', 'light'] : []) {
          await page.emulateMedia({ colorScheme })
          await page.screenshot({ path: `${process.env.SHOTS}/${width}-${colorScheme}.png` })
        }
      }
    }
    await accessible(page)
    await page.setViewportSize({ width: 1440, height: 900 })
    state.config = undefined
    await page.getByText('did you mean fps?').waitFor({ state: 'detached' })
  })

  await pass('a panel for every kind of function, in both languages, with what it is not sure of', async () => {
    state.cameras[0].functions = [...functions, ...all]
    state.figures = known
    await live(page, {}, server.url)
    await page.getByText('likely 1,160–1,399').waitFor()
    await page.getByText('too few frames were analysed').waitFor()
    const junction = page.getByRole('region', { name: 'Junction simpang' })
    await junction.getByText('12,345').first().waitFor()
    await junction.getByRole('button', { name: 'car' }).click()
    await junction.getByText('12,345').first().waitFor({ state: 'detached' })
    await page.getByRole('region', { name: 'Parking lot' }).getByText('motorcycle').waitFor()
    await page.getByRole('region', { name: 'Traffic jam' }).getByText('jammed').waitFor()
    await page.getByText('Denser than can be counted').waitFor()
    for (const language of ['Bahasa Indonesia', 'English']) {
      await page.getByRole('button', { name: language }).click()
      await junction.or(page.getByRole('region', { name: 'Simpang simpang' })).waitFor()
      for (const [width, height] of [[1440, 900], [1024, 768], [390, 844]]) {
        await page.setViewportSize({ width, height })
        assert.deepEqual(await collisions(page), [], `${width} wide, ${language}`)
        assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), width)
        if (process.env.SHOTS) await page.screenshot({ path: `${process.env.SHOTS}/panels-${width}-${language.slice(0, 2)}.png`, fullPage: true })
      }
    }
    await accessible(page)
    await page.setViewportSize({ width: 1440, height: 900 })
    state.cameras[0].functions = []
    state.figures = undefined
  })

  await pass('layers are switched by keyboard, and remembered', async () => {
    await live(page, {}, server.url)
    await drawing(page)
    const boxes = page.getByRole('button', { name: 'Boxes', exact: true })
    await orange(page, true)
    await boxes.focus()
    await page.keyboard.press('Space')
    assert.equal(await boxes.getAttribute('aria-pressed'), 'false')
    await orange(page, false)
    await page.reload()
    await drawing(page)
    assert.equal(await boxes.getAttribute('aria-pressed'), 'false')
    await boxes.click()
    await orange(page, true)
    await page.getByRole('button', { name: 'Heat map' }).click()
    await accessible(page)
    await page.getByRole('button', { name: 'Heat map' }).click()
  })

  await pass('the privacy blur leaves nothing sharp while it is not known where people are', async () => {
    await live(page, { sceneless: true }, server.url)
    await drawing(page)
    assert.ok((await sharpness(page)) > 150, 'the pattern is sharp')
    await page.getByRole('button', { name: 'Privacy blur' }).click()
    await drawing(page, 2)
    const blurred = await sharpness(page)
    assert.ok(blurred < 80, `an edge of ${blurred} is left`)
    await page.getByRole('button', { name: 'Privacy blur' }).click()
  })

  await pass('what of the picture is looked at, its cost, and how it is fixed', async () => {
    state.cameras[0].status.looking = { crops: [{ region: [0, 0.267, 1, 0.58], width: 1088, height: 192 }], scale: 1.7, cost: 0.85, megapixels: 0.21, why: '18 objects were seen' }
    await live(page, {}, server.url)
    const panel = page.getByRole('region', { name: 'What is looked at' })
    await panel.getByText('1.7× as closely as the whole · 85% of its cost · 0.21 megapixels').waitFor()
    await panel.getByText('Why, and how to keep it so').click()
    await panel.getByText('analyse: {parts: [[0.000, 0.267, 1.000, 0.580]]}').waitFor()
    await accessible(page)
    state.cameras[0].status.looking = undefined
  })

  await pass('a moved camera: why, both views, and a person who confirms the new one', async () => {
    let asked = 0
    state.confirm = () => (asked++ === 0 ? 'the camera is running, and not moved or covered' : undefined)
    await live(page, { status: { state: 'moved', cause: 'the picture has moved: 4.1 % of its width to the left', hint: 'turn it back' } }, server.url)
    const panel = page.getByRole('region', { name: 'The camera shows another view' })
    await panel.getByText('4.1 % of its width to the left').waitFor()
    assert.equal(await panel.getByRole('img').count(), 2)
    await accessible(page)
    await panel.getByRole('button', { name: 'They lie right: go on counting' }).click()
    await panel.getByRole('alert').getByText('not moved or covered').waitFor()
    await panel.getByRole('button', { name: 'They lie right: go on counting' }).click()
    await panel.getByRole('alert').waitFor({ state: 'detached' })
    assert.equal(asked, 2)
    await page.getByRole('button', { name: 'Bahasa Indonesia' }).click()
    await page.getByRole('button', { name: 'Sudah benar: lanjutkan menghitung' }).waitFor()
    await page.getByRole('button', { name: 'English' }).click()
  })

  await pass('an audit: ordered, tallied by keyboard over a reload, and its error told', async () => {
    state.cameras[0].functions = functions
    state.film = await film()
    state.result = { who: 'eka', at: '2026-11-23T06:00:00Z', from: '2026-11-23T05:00:00Z', outdated: false, lines: [{ rule: 'path', estimates: [
      { dir: 'in', seen: 23, counted: 117, true: 121, bias: { value: -0.031, low: -0.118, high: 0.064 } }, { dir: 'out', seen: 2, counted: 9, true: 9, too_few: true }] }] }
    await live(page, {}, server.url)
    await page.getByRole('button', { name: 'Audit', exact: true }).click()
    await page.getByLabel('Record for').selectOption({ label: '15 min' })
    await accessible(page)
    await page.getByRole('button', { name: 'Start recording' }).click()
    await page.getByText('path: 3 crossings; 2 windows with and 4 without').waitFor()
    await accessible(page)
    const strip = { name: 'path', line: [[0.45, 0.2], [0.45, 1]], groups: ['people', 'vehicles'], begin: 0.2, end: 1.5 }
    Object.assign(state.audit, { state: 'recorded', ends: '2026-11-30T06:00:00Z', width: 640, height: 360, strips: ['p-1', 'p-2', 'p-3'].map((id) => ({ id, ...strip })) })
    await page.getByRole('button', { name: 'Begin to tally' }).click()
    await page.getByText('Strip 1 of 3').waitFor()
    await page.waitForFunction(() => document.querySelector('video').currentTime > 0)
    await accessible(page)
    await page.evaluate(() => document.activeElement?.blur())
    for (const key of ['q', 'q', 's', 'z', 's', 'Enter']) await page.keyboard.press(key)
    await page.getByText('Strip 2 of 3').waitFor()
    await page.reload()
    await page.getByRole('button', { name: 'Go on tallying' }).click()
    await page.getByText('Strip 2 of 3').waitFor()
    await page.evaluate(() => document.activeElement?.blur())
    for (const key of ['Enter', 'x']) await page.keyboard.press(key)
    await page.getByRole('button', { name: 'Give the tally' }).click()
    await page.getByRole('row', { name: 'path · in 23 117 121 -3.1% -11.8% … +6.4%' }).waitFor()
    await page.getByRole('row', { name: /path · out .* too few/ }).waitFor()
    assert.deepEqual(state.tally, { audit: 'x', strips: { 'p-1': { 'in/people': 2, 'out/vehicles': 1 }, 'p-2': {} }, unsure: { 'p-3': 'nobody can tell' } })
    await accessible(page)
    await page.setViewportSize({ width: 390, height: 844 })
    await page.getByRole('button', { name: 'Bahasa Indonesia' }).click()
    await page.getByText('terlalu sedikit').waitFor()
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390)
    await page.getByRole('button', { name: 'English' }).click()
    await page.setViewportSize({ width: 1440, height: 900 })
    await page.getByRole('button', { name: 'Back to the picture' }).click()
    await drawing(page)
    state.cameras[0].functions = []
  })

  await pass('pictures of an audit: numbers typed, bays clicked, and means told', async () => {
    const corner = (x, y) => [[x, y], [x + 0.2, y], [x + 0.2, y + 0.2], [x, y + 0.2]]
    state.cameras[0].functions = [{ id: 'lot', kind: 'parking', bays: { A1: corner(0.1, 0.1), A2: corner(0.5, 0.1) } }]
    state.result = { who: 'eka', at: '2026-11-23T06:00:00Z', from: '2026-11-23T05:00:00Z', outdated: false, lines: [{ rule: 'lot', kind: 'parking', moments: true, windows: [20, 80],
      estimates: [{ dir: 'bay', seen: 23, counted: 140, true: 150, bias: { value: -0.067, low: -0.118, high: 0.064 } }] }] }
    state.audit = { state: 'recorded', id: 'y', ends: '2026-11-30T06:00:00Z', width: 640, height: 360, lines: [], results: [], strips: [
      { id: 'square@4', name: 'square', still: true, polygon: corner(0.2, 0.3), groups: ['people', 'vehicles'] },
      { id: 'lot@7', name: 'lot', still: true, bays: { A1: corner(0.1, 0.1), A2: corner(0.5, 0.1) } }] }
    await live(page, {}, server.url)
    await page.getByRole('button', { name: 'Audit', exact: true }).click()
    await page.getByText('A picture: count who is inside').waitFor()
    await page.getByRole('button', { name: 'Begin to tally' }).click()
    await page.getByText('Picture 1 of 2 · square').waitFor()
    await page.waitForFunction(() => document.querySelector('.stage img').naturalWidth === 640)
    await accessible(page)
    await page.getByLabel('people').fill('7')
    await page.keyboard.press('Enter')
    await page.getByText('Picture 2 of 2 · lot').waitFor()
    await accessible(page)
    await page.getByRole('button', { name: 'A1: free' }).click()
    const box = await page.locator('.stage svg').boundingBox()
    await page.mouse.click(box.x + 0.6 * box.width, box.y + 0.2 * box.height)
    await page.getByRole('button', { name: 'A2: taken' }).waitFor()
    await page.getByRole('button', { name: 'A1: taken' }).click()
    await page.evaluate(() => document.activeElement?.blur())
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Give the tally' }).click()
    await page.getByRole('row', { name: /lot · occupied 23 ⌀ 1\.4 ⌀ 1\.5 -6\.7%/i }).waitFor()
    assert.deepEqual(state.tally, { audit: 'y', strips: { 'square@4': { 'now/people': 7 }, 'lot@7': { 'bay/A2': 1 } } })
    await accessible(page)
    await page.getByRole('button', { name: 'Back to the picture' }).click()
    await drawing(page)
    state.cameras[0].functions = []
  })

  await pass('another camera by keyboard; one that does not answer says why', async () => {
    state.live = (connection) => stream(connection, { silent: true, status: trouble })
    await page.getByRole('button', { name: /Simpang Lima north/ }).focus()
    await page.keyboard.press('Enter')
    await status.getByText('The camera does not answer.').waitFor()
    await status.getByText('Connection refused. Check that the camera is on').waitFor()
    await accessible(page)
  })

  await pass('a masked camera shows boxes only', async () => {
    await live(page, { masked: true }, server.url)
    await status.getByText('Masked camera').waitFor()
    assert.ok((await drawing(page)).every((d) => d.kind === 'own'))
  })

  await pass('a codec that this browser lacks is told, boxes go on', async () => {
    await live(page, { codec: 'hvc1.1.6.L93.B0' }, server.url)
    await status.getByText('cannot decode H.265').waitFor()
    await drawing(page)
    await accessible(page)
  })

  await pass('a codec that this browser lacks is asked for as H.264, and the page says that it is converted', async () => {
    const asked = []
    state.live = (connection, _, after, codec) => {
      asked.push(codec)
      stream(connection, codec ? { hello: { rendition: 'converted' } } : { codec: 'hvc1.1.6.L93.B0' })
    }
    await page.goto(server.url)
    await status.getByText('This browser cannot show the camera’s own pictures').waitFor()
    assert.ok((await drawing(page, 30)).slice(-20).every((d) => d.kind === 'own'))
    await orange(page, true)
    assert.deepEqual(asked, [null, 'avc1'])
    await accessible(page)
    await page.getByRole('button', { name: 'Bahasa Indonesia' }).click()
    await status.getByText('server mengubahnya').waitFor()
    await page.getByRole('button', { name: 'English' }).click()
  })

  await pass('a masked camera is asked for converted pictures', async () => {
    state.live = (connection, _, after, codec) => stream(connection, { masked: true, hello: codec ? { rendition: 'converted' } : {} })
    await page.goto(server.url)
    await status.getByText('Masked parts are blanked').waitFor()
    await drawing(page)
  })

  await pass('where the server has no room, it is told, boxes go on; then the picture comes', async () => {
    state.live = (connection) => stream(connection, { codec: '', masked: true, hello: { busy: true, rendition: 'converted', masked: false } })
    await page.goto(server.url)
    await status.getByText('as soon as there is room').waitFor()
    await drawing(page)
    await accessible(page)
  })

  await pass('a viewer has blurred pictures, and nothing that viewers may not do', async () => {
    state.user = { name: 'wall', role: 'viewer' }
    state.live = (connection) => stream(connection, { hello: { rendition: 'blurred' }, status: { state: 'moved' } })
    await page.goto(`${server.url}?camera=demo&audit`)
    await status.getByText('The server has blurred people and number plates').waitFor()
    await drawing(page)
    assert.equal(await page.getByRole('button', { name: 'Privacy blur' }).count(), 0)
    assert.equal(await page.getByRole('button', { name: 'Heat map' }).count(), 1)
    assert.equal(await page.getByRole('button', { name: /audit|takes? the view/i }).count(), 0)
    await accessible(page)
    state.user = { name: 'eka', role: 'operator' }
  })

  await pass('MJPEG', async () => {
    await live(page, { codec: 'mjpeg' }, server.url)
    assert.ok((await drawing(page, 20)).some((d) => d.kind === 'own'))
    assert.equal((await status.allInnerTexts()).join(''), '')
  })

  await pass('new sessions with the same times: no scene of the one before is drawn', async () => {
    await live(page, { session: 50 }, server.url)
    const draws = await drawing(page, 160)
    assert.ok(new Set(draws.map((d) => d.epoch)).size > 2)
    assert.ok(draws.every((d) => d.scene === null || d.scene.epoch === d.epoch))
  })

  await pass('messages that make no sense do no harm', async () => {
    await live(page, { junk: true }, server.url)
    await drawing(page, 30)
  })

  await pass('a lost connection is told, and made again', async () => {
    let n = 0
    state.live = (connection) => {
      stream(connection)
      if (n++ < 2) setTimeout(() => connection.close(), 1000)
    }
    await page.goto(server.url)
    await status.getByText('Connection lost.').waitFor()
    await page.waitForFunction(() => globalThis.draws.length > 80)
    assert.equal((await status.allInnerTexts()).join(''), '')
  })

  await pass('the session ends: the page asks to sign in', async () => {
    state.user = null
    await page.getByRole('button', { name: 'Sign in' }).waitFor()
  })
  return seen.filter((e) => !/status of (401|409)|WebSocket connection|getImageData/.test(e))
}

await pass('less than 60 kB of script, compressed', async () => {
  const assets = new URL('../dist/assets/', import.meta.url)
  const scripts = (await readdir(assets)).filter((f) => f.endsWith('.js'))
  const size = scripts.reduce((sum, f) => sum + gzipSync(readFileSync(new URL(f, assets))).length, 0)
  assert.ok(size < 60_000, `${size} bytes`)
})
await pass('the console of the browser is silent', async () => assert.deepEqual(errors, []))
