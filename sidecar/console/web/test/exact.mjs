// Are the boxes those of the picture under them? The built page shows a clip
// whose pictures carry their number; the scene of picture n has one box at the
// place of n. In the very task that drew, the canvas is read back: the number in
// the picture, and the place where a box is drawn, must belong together. The RTP
// time crosses the end of 32 bits on the way.
//
//   PICTURES=1000 node test/exact.mjs    plays the cases with delays and lost connections for longer
//   ONLY=firefox node test/exact.mjs     plays the cases whose name has this word

import { open, listen } from './browser.mjs'
import * as firefox from './firefox.mjs'
import { encode, encodeReordered, read, slots } from './pattern.mjs'
import { firstPts, source, tick } from './source.mjs'
import { camera, serve } from './stand.mjs'

const long = Number(process.env.PICTURES ?? 170)
const delayed = (n) => 20 + ((n * 7919) % 381)
const cases = [
  { name: 'scenes at once', late: () => 0, every: 1, want: 300 },
  { name: 'scenes 150 ms late', late: () => 150, every: 1, want: 300 },
  { name: 'every third frame analysed, scenes 60 to 240 ms late', late: (n) => 60 + ((n * 7919) % 181), every: 3, want: 100 },
  { name: 'scenes 20 to 400 ms late, two connections lost', late: delayed, ordered: true, every: 1, cuts: [100, 151], want: long },
  { name: 'B pictures, a connection lost', late: () => 100, every: 1, cuts: [120], want: 170, reordered: true },
  { name: 'firefox: scenes 20 to 400 ms late, a connection lost', late: delayed, ordered: true, every: 1, cuts: [120], want: long,
    browser: 'firefox' },
  { name: 'mse: scenes 20 to 400 ms late', late: delayed, ordered: true, every: 1, want: long, hide: true },
]

/** watch runs in the page: it collects what was drawn, most at once first. */
function watch(readSource) {
  const readCanvas = new Function(`return ${readSource}`)()
  globalThis.drawn = []
  addEventListener('pantau:draw', (e) => {
    const { kind, pts, scene } = e.detail
    globalThis.drawn.push({ ...readCanvas(e.target), kind, pts, scene: scene ? Number(scene.things[0]?.id) : -1 })
  }, true)
}

/** hide takes from a page what browsers before 2022 do not have, and pages over plain HTTP. */
function hide() {
  delete globalThis.VideoDecoder
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

/** near says the same where the browser does not tell exactly which picture it shows. */
function near(d) {
  if (d.number < 0) return 'the number cannot be read'
  const off = Math.abs(d.number - (d.pts - firstPts) / tick)
  return off <= 1 ? '' : `picture ${d.number} under the time of one that is ${off} away`
}

async function check(page, base, state, units, run) {
  const camera = source(run.reordered ? await encodeReordered(250) : units, run)
  state.live = (connection, _, after) => camera.join(connection, after)
  const want = run.want * run.every
  await page.goto(base)
  await page.waitForFunction((n) => globalThis.drawn?.length >= n, want, { timeout: 30_000 + want * 60 })
  const drawn = (await page.evaluate(() => globalThis.drawn)).slice(0, want)
  const told = await page.evaluate(() => document.querySelector('[data-note]')?.textContent ?? '')
  camera.stop()
  const analysed = drawn.filter((d) => d.number < 0 || d.number % run.every === 0)
  const faults = drawn.map((d) => judge(d, run)).filter((s) => s !== '')
  const between = drawn.filter((d) => d.kind === 'between').length
  const gaps = drawn.filter((d, i) => i > 0 && d.number !== drawn[i - 1].number + 1).length
  console.log(`${run.name}: ${analysed.length - faults.length}/${analysed.length} drawn with their own boxes` +
    (run.every > 1 ? `, ${between} others between two scenes` : '') + `, ${gaps} gaps`)
  const off = drawn.map(near).filter((s) => s !== '')
  const bad = !run.hide ? faults : off.length > drawn.length / 20 ? off : []
  const crossed = drawn[0].pts < 2 ** 32 && drawn.at(-1).pts >= 2 ** 32
  if (!crossed) bad.push('the end of 32 bits was not crossed')
  if (run.cuts && camera.resumed() < run.cuts.length) bad.push(`the page came back ${camera.resumed()} times with the picture it had, want ${run.cuts.length}`)
  if (run.hide !== /one frame off/.test(told)) bad.push(`the page says "${told}"`)
  for (const f of bad.slice(0, 5)) console.error('  ' + f)
  await page.goto('about:blank')
  return bad.length === 0
}

/** play runs cases in one browser. */
async function play(browser, base, state, units, runs) {
  let good = true
  for (const run of runs) {
    const page = await browser.context.newPage()
    const errors = listen(page)
    await page.addInitScript(watch, read.toString())
    if (run.hide) await page.addInitScript(hide)
    good = (await check(page, base, state, units, run)) && good
    const own = errors.filter((e) => !e.includes('willReadFrequently')) // advice to the test, which reads back
    const lost = own.filter((e) => !(run.cuts && e.includes('WebSocket')))
    for (const e of lost) console.error(e)
    good &&= lost.length === 0
    await page.close()
  }
  return good
}

const runs = cases.map((c) => ({ hide: false, ...c })).filter((c) => c.name.includes(process.env.ONLY ?? ''))
const units = await encode(Math.max(500, 2 * long))
const state = { user: { name: 'test', role: 'operator' }, cameras: [camera('exact', 'Exact')] }
const server = await serve(state)
let good = true
try {
  for (const [name, start] of [['chromium', open], ['firefox', firefox.open]]) {
    const its = runs.filter((r) => (r.browser ?? 'chromium') === name)
    if (its.length === 0) continue
    const browser = await start()
    if (!browser) {
      console.log(`skipped in ${name}, which is not installed: ${its.map((r) => r.name).join('; ')}`)
      continue
    }
    try {
      good = (await play(browser, server.url, state, units, its)) && good
    } finally {
      await browser.close()
    }
  }
} finally {
  await server.close()
}
process.exitCode = good ? 0 : 1
