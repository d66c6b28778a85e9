// Are the boxes those of the picture under them? The built page shows a clip
// whose pictures carry their number; the scene of picture n has one box at the
// place of n. In the very task that drew, the canvas is read back: the number in
// the picture, and the place where a box is drawn, must belong together. The RTP
// time crosses the end of 32 bits on the way.

import { open, listen } from './browser.mjs'
import { box, encode, read, slots } from './pattern.mjs'
import { camera, sceneMessage, serve, unitMessage } from './stand.mjs'

const clipLength = 500
const tick = 3600 // 90 kHz at 25 pictures a second
const firstPts = 2 ** 32 - 150 * tick - 77

const cases = [
  { name: 'scenes at once', late: () => 0, every: 1, want: 300 },
  { name: 'scenes 150 ms late', late: () => 150, every: 1, want: 300 },
  { name: 'every third frame analysed, scenes 60 to 240 ms late', late: (n) => 60 + ((n * 7919) % 181), every: 3, want: 100 },
]

/** play sends the clip in real time, with its scenes, until the viewer leaves. */
function play(connection, units, run) {
  const started = performance.now()
  connection.send(JSON.stringify({
    type: 'hello', camera: { id: 'exact', name: 'Exact', functions: [] }, codec: 'avc1.42C01F', clock: 90000,
    epoch: 'e1', width: 640, height: 360, hold_ms: 400, masked: false,
  }))
  let n = 0
  const timers = new Set()
  const later = (ms, f) => {
    const t = setTimeout(() => { timers.delete(t); f() }, ms)
    timers.add(t)
  }
  const pump = () => {
    while (n < units.length && n * 40 <= performance.now() - started) {
      const number = n++
      const pts = firstPts + number * tick
      connection.send(unitMessage(units[number], pts, Date.now() * 1000))
      if (number % run.every !== 0) continue
      later(run.late(number), () => connection.send(sceneMessage({
        epoch: 'e1', pts, seq: number, objects: [{ id: String(number), cls: 'person', conf: 0.9, box: box(number) }],
      })))
    }
    if (n < units.length) later(5, pump)
  }
  pump()
  void connection.closed.then(() => timers.forEach((t) => clearTimeout(t)))
}

/** watch runs in the page: it collects what was drawn, most at once first. */
function watch(readSource) {
  const readCanvas = new Function(`return ${readSource}`)()
  globalThis.drawn = []
  addEventListener('pantau:draw', (e) => {
    const { kind, pts, scene } = e.detail
    globalThis.drawn.push({ ...readCanvas(e.target), kind, pts, scene: scene ? Number(scene.things[0]?.id) : -1 })
  }, true)
}

/** judge says what is wrong with one drawn picture; '' for nothing. */
function judge(d, run) {
  if (d.number < 0) return 'the number cannot be read'
  if (d.pts !== firstPts + d.number * tick) return `picture ${d.number} under the time of ${(d.pts - firstPts) / tick}`
  if (d.number % run.every !== 0) return d.kind === 'own' ? 'a frame that was not analysed has boxes of its own' : ''
  if (d.kind !== 'own') return `picture ${d.number} drawn as "${d.kind}"`
  if (d.scene !== d.number) return `picture ${d.number} with the scene of ${d.scene}`
  return d.slot === d.number % slots ? '' : `picture ${d.number}: box at place ${d.slot}`
}

async function check(page, base, state, units, run) {
  state.live = (connection) => play(connection, units, run)
  await page.goto(base)
  await page.waitForFunction((n) => globalThis.drawn?.length >= n, run.want * run.every, { timeout: 60_000 })
  const drawn = (await page.evaluate(() => globalThis.drawn)).slice(0, run.want * run.every)
  const analysed = drawn.filter((d) => d.number < 0 || d.number % run.every === 0)
  const faults = drawn.map((d) => judge(d, run)).filter((s) => s !== '')
  const between = drawn.filter((d) => d.kind === 'between').length
  const gaps = drawn.filter((d, i) => i > 0 && d.number !== drawn[i - 1].number + 1).length
  const crossed = drawn[0].pts < 2 ** 32 && drawn.at(-1).pts >= 2 ** 32
  if (!crossed) faults.push('the end of 32 bits was not crossed')
  console.log(`${run.name}: ${analysed.length - faults.length}/${analysed.length} drawn with their own boxes` +
    (run.every > 1 ? `, ${between} others between two scenes` : '') + `, ${gaps} gaps`)
  for (const f of faults.slice(0, 5)) console.error('  ' + f)
  await page.goto('about:blank')
  return faults.length === 0
}

const units = await encode(clipLength)
const state = { user: { name: 'test', role: 'operator' }, cameras: [camera('exact', 'Exact')] }
const server = await serve(state)
const browser = await open()
let good = true
try {
  const page = await browser.context.newPage()
  const errors = listen(page)
  await page.addInitScript(watch, read.toString())
  for (const run of cases) good = (await check(page, server.url, state, units, run)) && good
  const own = errors.filter((e) => !e.includes('willReadFrequently')) // advice to the test, which reads back
  for (const e of own) console.error(e)
  good &&= own.length === 0
} finally {
  await browser.close()
  await server.close()
}
process.exitCode = good ? 0 : 1
