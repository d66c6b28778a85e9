import { describe, expect, test } from 'vitest'
import { Joiner, type Overlay } from './joiner'
import { longestHold } from './playout'
import type { Scene } from './protocol'
import { random } from './testing'

const tick = 3600 // 25 pictures a second at 90 kHz

function scene(pts: number, epoch = 'e'): Scene {
  const x = ((pts / tick) % 100) / 200
  return {
    epoch, pts, capture: 0, zones: [],
    things: [{ id: `${pts}`, cls: 'car', conf: 1, box: [x, 0.2, x + 0.1, 0.4] }],
  }
}

interface Run {
  pictures: number
  first?: number // PTS
  jitter?: number // of the pictures, ms
  analysed(n: number): boolean
  late(n: number): number // of scene n, ms after its picture
}

interface Shown {
  n: number
  at: number // ms
  kind: Overlay['kind']
  scene: number // picture number of the scene
}

/** play runs a whole view on a made-up clock, with 60 refreshes a second. */
function play(run: Run): { shown: Shown[]; freed: number; joiner: Joiner<{ n: number }> } {
  const first = run.first ?? 0
  const next = random(7)
  let freed = 0
  const joiner = new Joiner<{ n: number }>('e', 90000, 400, () => freed++)
  const happenings: { at: number; what: (now: number) => void }[] = []
  for (let n = 0; n < run.pictures; n++) {
    const pts = first + n * tick
    const at = 1000 + n * 40 + next() * (run.jitter ?? 0)
    happenings.push({ at, what: (now) => {
      joiner.playout.arrived(joiner.media(pts), now)
      joiner.picture({ pts, capture: 0, image: { n } })
    } })
    if (run.analysed(n)) happenings.push({ at: at + run.late(n), what: (now) => joiner.scene(scene(pts), now) })
  }
  happenings.sort((a, b) => a.at - b.at)
  const shown: Shown[] = []
  const end = 1000 + run.pictures * 40 + 3000
  for (let now = 1000; now < end; now += 1000 / 60) {
    while (happenings[0] && happenings[0].at <= now) happenings.shift()!.what(now)
    const got = joiner.next(now)
    if (!got) continue
    const of = got.overlay.scene ? (got.overlay.scene.pts - first) / tick : -1
    shown.push({ n: got.picture.image!.n, at: now, kind: got.overlay.kind, scene: of })
  }
  return { shown, freed, joiner }
}

/** inOrder says that no picture comes twice or before an earlier one. */
function inOrder(shown: Shown[]): boolean {
  return shown.every((s, i) => i === 0 || s.n > shown[i - 1]!.n)
}

describe('every frame analysed', () => {
  test.each([
    ['at once', 0, 0],
    ['150 ms late', 150, 150],
    ['100 to 350 ms late', 100, 350],
  ])('scenes %s: every picture with its own boxes', (_, low, high) => {
    const next = random(3)
    const { shown, joiner } = play({ pictures: 300, jitter: 15, analysed: () => true, late: () => low + next() * (high - low) })
    expect(shown.length).toBe(300)
    expect(shown.filter((s) => s.kind === 'own' && s.scene === s.n).length).toBe(300)
    expect(inOrder(shown)).toBe(true)
    expect(joiner.tally).toMatchObject({ own: 300, late: 0, skipped: 0 })
  })

  test('the end of 32 bits is a time like any other', () => {
    const { shown } = play({ pictures: 300, first: 2 ** 32 - 150 * tick - 1, analysed: () => true, late: () => 150 })
    expect(shown.filter((s) => s.kind === 'own' && s.scene === s.n).length).toBe(300)
  })

  test('pictures keep the pace of the camera', () => {
    const { shown } = play({ pictures: 300, jitter: 30, analysed: () => true, late: () => 80 })
    const steps = shown.slice(100).map((s, i) => s.at - shown[99 + i]!.at)
    expect(Math.max(...steps)).toBeLessThan(70) // 40 ms, on a grid of 16.7 ms
    expect(Math.min(...steps)).toBeGreaterThan(15)
  })

  test('the delay follows what is needed, and no more', () => {
    const { shown } = play({ pictures: 700, analysed: () => true, late: () => 50 })
    const delay = (s: Shown) => s.at - 1000 - s.n * 40
    expect(delay(shown[20]!)).toBeGreaterThan(350) // at first what the server advises
    expect(delay(shown.at(-1)!)).toBeLessThan(180)
  })
})

describe('some frames analysed', () => {
  test('analysed frames have their own boxes, the others stand between two scenes', () => {
    const next = random(11)
    const { shown } = play({ pictures: 400, analysed: (n) => n % 3 === 0, late: () => 60 + next() * 100 })
    expect(shown.length).toBe(400)
    for (const s of shown.slice(0, 390)) {
      expect([s.n, s.kind, s.scene]).toEqual([s.n, s.n % 3 === 0 ? 'own' : 'between', s.n - (s.n % 3)])
    }
  })

  test('whatever happens, no picture carries the boxes of another one as its own', () => {
    for (let seed = 1; seed <= 40; seed++) {
      const next = random(seed)
      const share = next()
      const spread = next() * 2500
      const { shown, joiner } = play({
        pictures: 150, jitter: next() * 200, analysed: () => next() < share, late: () => next() * spread,
      })
      expect(inOrder(shown)).toBe(true)
      for (const s of shown) if (s.kind === 'own') expect(s.scene).toBe(s.n)
      for (const s of shown) if (s.scene >= 0) expect(s.scene).toBeLessThanOrEqual(s.n)
      expect(joiner.tally.own + joiner.tally.between + joiner.tally.held + joiner.tally.skipped).toBe(150)
    }
  })

  test('scenes that stop coming hold the picture up for a moment only', () => {
    const { shown, joiner } = play({ pictures: 300, analysed: (n) => n < 100, late: () => 100 })
    expect(shown.at(-1)!.n).toBe(299)
    const steps = shown.map((s, i) => (i === 0 ? 0 : s.at - shown[i - 1]!.at))
    expect(Math.max(...steps)).toBeLessThanOrEqual(longestHold)
    expect(joiner.tally.own).toBe(100)
    expect(shown.at(-1)!.kind).toBe('none')
  })
})

test('what a new viewer gets from before it came is not played after', () => {
  const joiner = new Joiner<number>('e', 90000, 400, () => {})
  let shown = 0
  for (let n = 0, now = 0; n < 250 || joiner.waiting > 0; now += 1000 / 60) {
    for (; n < 250 && joiner.waiting < 6; n++) { // a decoder that holds six pictures at most
      joiner.playout.arrived(joiner.media(249 * tick), 0)
      joiner.picture({ pts: n * tick, capture: 0, image: n })
    }
    if (joiner.next(now)) shown++
  }
  expect(shown).toBeLessThan(90)
  expect(joiner.tally.skipped + shown).toBe(250)
})

describe('bounds', () => {
  test('a scene of another epoch is ignored', () => {
    const joiner = new Joiner('e', 90000, 400, () => {})
    joiner.scene(scene(0, 'before'), 0)
    expect(joiner.known).toBe(0)
  })

  test('a scene that comes too late is counted', () => {
    const { joiner } = play({ pictures: 100, analysed: (n) => n % 10 === 0, late: (n) => (n === 50 ? 2400 : 20) })
    expect(joiner.tally.late).toBe(1)
    expect(joiner.tally.own).toBe(9)
  })

  test('pictures and scenes are bounded, and every picture is given back', () => {
    let freed = 0
    const joiner = new Joiner('e', 90000, 400, () => freed++)
    for (let n = 0; n < 2000; n++) {
      joiner.picture({ pts: n * tick, capture: 0, image: n })
      joiner.scene(scene(n * tick), 0)
    }
    expect(joiner.waiting).toBeLessThanOrEqual(240)
    expect(joiner.known).toBeLessThanOrEqual(400)
    joiner.release()
    expect(freed).toBe(2000)
  })

  test('the same picture twice is one', () => {
    let freed = 0
    const joiner = new Joiner('e', 90000, 400, () => freed++)
    joiner.picture({ pts: 1, capture: 0, image: 'a' })
    joiner.picture({ pts: 1, capture: 0, image: 'b' })
    expect([joiner.waiting, freed]).toEqual([1, 1])
  })

  test('a trail is where the feet were, oldest first, and ends at the box', () => {
    const joiner = new Joiner('e', 90000, 400, () => {})
    for (const n of [0, 3, 6]) {
      joiner.scene({ ...scene(n * tick), things: [{ id: '1', cls: 'car', conf: 1, box: [n / 10, 0, n / 10 + 0.2, 0.5] }] }, 0)
    }
    const feet = (pts: number) => joiner.overlay(pts).trails.get('1')?.map((p) => Math.round(p[0] * 100) / 100)
    expect(feet(6 * tick)).toEqual([0.1, 0.4, 0.7])
    expect(feet(4.5 * tick)).toEqual([0.1, 0.4, 0.55])
  })
})

test('a picture that a video shows gets what is known of it, and is counted', () => {
  const joiner = new Joiner<object>('e', 90000, 400, () => {})
  joiner.playout.arrived(0, 0)
  joiner.scene(scene(0), 0)
  expect(joiner.shown(0, 100).kind).toBe('own')
  expect(joiner.shown(tick, 140).kind).toBe('held')
  joiner.scene(scene(tick), 150)
  expect(joiner.tally).toEqual({ own: 1, between: 0, held: 1, late: 1, skipped: 0 })
})

test('pictures that come again after a lost connection are not shown or counted twice', () => {
  let freed = 0
  const joiner = new Joiner<object>('e', 90000, 400, () => freed++)
  joiner.shown(5 * tick, 0)
  for (let n = 0; n <= 5; n++) joiner.picture({ pts: n * tick, capture: 0, image: {} })
  expect([freed, joiner.waiting, joiner.tally.skipped]).toEqual([6, 0, 0])
})
