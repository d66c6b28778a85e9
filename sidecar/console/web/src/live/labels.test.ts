import { expect, test } from 'vitest'
import { Labeller, type Placed, type Rect, type Want } from './labels'
import { random } from './testing'

const bounds = { w: 1000, h: 600 }
const [height, gap] = [16, 3]

function want(id: string, x: number, y: number, w = 40, h = 80): Want {
  return { id, box: { x, y, w, h }, full: 90, short: 36 }
}

function place(wants: Want[], tags: Rect[] = [], labeller = new Labeller(), now = 0): Map<string, Placed> {
  return new Map(labeller.place(wants, tags, bounds, height, gap, now).map((p) => [p.id, p]))
}

const common = (a: Rect, b: Rect) =>
  Math.max(0, Math.min(a.x + a.w, b.x + b.w) - Math.max(a.x, b.x)) * Math.max(0, Math.min(a.y + a.h, b.y + b.h) - Math.max(a.y, b.y))

test('a label stands above its box, below where there is no room, and in the corner of what fills the picture', () => {
  expect(place([want('a', 100, 100)]).get('a')!.at).toEqual({ x: 100, y: 81, w: 90, h: 16 })
  expect(place([want('a', 100, 5)]).get('a')!.at.y).toBe(88)
  expect(place([want('a', 100, 0, 40, 600)]).get('a')!.at.x).toBe(143)
  expect(place([want('a', 0, 0, 1000, 600)]).get('a')!.at).toEqual({ x: 3, y: 3, w: 90, h: 16 })
})

test('a label does not stand on a tag', () => {
  const tag = { x: 90, y: 70, w: 100, h: 20 }
  expect(common(place([want('a', 100, 100)], [tag]).get('a')!.at, tag)).toBe(0)
})

test('in any crowd no label lies over another, over its own object, or over most of another', () => {
  const next = random(3)
  for (let round = 0; round < 20; round++) {
    const wants = Array.from({ length: 60 }, (_, i) => want(`${i}`, next() * 950, next() * 500, 15 + next() * 60, 30 + next() * 120))
    const placed = [...place(wants).values()]
    expect(placed.length).toBeGreaterThan(15)
    const outside = placed.filter((p) => p.at.x < 0 || p.at.y < 0 || p.at.x + p.at.w > bounds.w || p.at.y + p.at.h > bounds.h)
    const together = placed.filter((p) => placed.some((q) => q !== p && common(p.at, q.at) > 0))
    const hiding = placed.filter((p) => wants.some((w) => common(p.at, w.box) / (w.box.w * w.box.h) > (w.id === p.id ? 0 : 0.12)))
    expect([outside, together, hiding]).toEqual([[], [], []])
  }
})

test('where there is no room for a full label, a short one, or none', () => {
  const left = want('left', 300, 200, 40, 80)
  const wall = [{ x: 0, y: 0, w: 1000, h: 195 }, { x: 0, y: 282, w: 1000, h: 318 }, { x: 0, y: 0, w: 260, h: 600 }, { x: 384, y: 0, w: 616, h: 600 }]
  expect(place([left], wall).get('left')!.full).toBe(false)
  expect(place([left], [{ x: 0, y: 0, ...bounds }]).size).toBe(0)
})

test('labels of walking people stay on their sides: they change place seldom', () => {
  const next = random(11)
  const people = Array.from({ length: 25 }, (_, i) => ({ id: `${i}`, x: 60 + next() * 800, y: 60 + next() * 400, vx: (next() - 0.5) * 6, vy: next() - 0.5 }))
  const labeller = new Labeller()
  let changes = 0
  let labels = 0
  let before = new Map<string, string>()
  for (let n = 0; n < 300; n++) { // 30 s at 10 fps, each box trembling
    for (const p of people) { // they turn at the edges
      if (p.x < 50 || p.x > 900) p.vx = -p.vx
      if (p.y < 50 || p.y > 500) p.vy = -p.vy
      p.x += p.vx
      p.y += p.vy
    }
    const wants = people.map((p) => want(p.id, p.x + next() * 2, p.y + next() * 2))
    const placed = place(wants, [], labeller, n * 100)
    const now = new Map(wants.map((w) => {
      const p = placed.get(w.id)
      return [w.id, p ? `${p.full} ${Math.round((p.at.y - w.box.y) / 50)} ${Math.round((p.at.x - w.box.x) / 60)}` : 'none']
    }))
    for (const [id, side] of now) if (before.has(id) && before.get(id) !== side) changes++
    before = now
    labels += placed.size
  }
  expect(labels).toBeGreaterThan(300 * 18)
  expect(changes / people.length / 30).toBeLessThan(0.25) // a second and person
})
