// A camera whose pictures carry their number (pattern.mjs), in real time, for
// pages that come, lose their connection and come back.

import { box } from './pattern.mjs'
import { sceneMessage, unitMessage } from './stand.mjs'

export const tick = 3600 // 90 kHz at 25 pictures a second
export const firstPts = 2 ** 32 - 150 * tick - 77 // crosses the end of 32 bits
const hello = {
  type: 'hello', camera: { id: 'exact', name: 'Exact', functions: [] }, clock: 90000,
  epoch: 'e1', width: 640, height: 360, hold_ms: 400, masked: false,
}

/**
 * source plays units once, from the first viewer on. run says what happens:
 * every (analysed frames), late(n) (ms until the scene of picture n), ordered
 * (scenes never overtake each other), cuts (the pictures after which every
 * connection is lost). It gives { join(connection, after), resumed(), stop };
 * resumed is how many came back with a picture that was held.
 */
export function source(units, run) {
  const sent = [] // { pts, data }: pictures, and scenes without pts, in their order
  const viewers = new Set()
  const timers = new Set()
  let started = null
  let n = 0
  let resumed = 0
  let newest = 0 // when the newest scene is sent, ms after the start
  const later = (ms, f) => {
    const t = setTimeout(() => { timers.delete(t); f() }, ms)
    timers.add(t)
  }
  const tell = (message) => {
    sent.push(message)
    for (const v of viewers) v.send(message.data)
  }
  const pump = () => {
    const now = performance.now() - started
    while (n < units.length && n * 40 <= now) {
      const unit = units[n]
      const number = unit.number ?? n // B pictures: sent in another order than shown
      n++
      const pts = firstPts + number * tick
      tell({ pts, key: unit.key, data: unitMessage(unit, pts, Date.now() * 1000) })
      if (number % run.every === 0) {
        const due = number * 40 + run.late(number)
        newest = run.ordered ? Math.max(newest, due) : due
        const scene = { epoch: 'e1', pts, seq: number, objects: [{ id: String(number), cls: 'person', conf: 0.9, box: box(number) }] }
        later(Math.max(0, newest - now), () => tell({ data: sceneMessage(scene) }))
      }
      if (run.cuts?.includes(number)) for (const v of viewers) v.close()
    }
    if (n < units.length) later(5, pump)
  }
  return {
    join(connection, after) {
      const codec = units[0].number === undefined ? 'avc1.42C01F' : 'avc1.4D401E'
      const [epoch, pts] = (after ?? '').split(':')
      const has = epoch === 'e1' ? sent.findIndex((m) => m.pts === Number(pts)) : -1
      if (has >= 0) resumed++
      const from = has >= 0 ? has + 1 : Math.max(0, sent.findLastIndex((m) => m.key))
      connection.send(JSON.stringify({ ...hello, codec, ...(has >= 0 ? { resumed: true } : {}) }))
      for (const m of sent.slice(from)) connection.send(m.data)
      viewers.add(connection)
      void connection.closed.then(() => viewers.delete(connection))
      if (started !== null) return
      started = performance.now()
      pump()
    },
    resumed: () => resumed,
    stop() {
      timers.forEach((t) => clearTimeout(t))
      for (const v of viewers) v.close()
    },
  }
}
