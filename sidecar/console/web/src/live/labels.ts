// Where labels stand: beside what they name, on nothing else, and where they
// stood before.

/** Rect is a rectangle in pixels of the canvas. */
export interface Rect {
  x: number
  y: number
  w: number
  h: number
}

/** Want is an object that wants a label: its box, and how wide its label is, in full or short. */
export interface Want {
  id: string
  box: Rect
  full: number
  short: number
}

/** Placed is a label that found a place. */
export interface Placed {
  id: string
  at: Rect
  full: boolean
}

type Side = 'above' | 'below' | 'right' | 'left' | 'inside'
const sides: readonly Side[] = ['above', 'below', 'right', 'left', 'inside']

/** Choice is how a label stands; without a side it is left out. */
interface Choice {
  side: Side | null
  full: boolean
  since: number
}

const settledMs = 800 // a choice is kept for so long, unless another label comes in its way
const most = 0.12 // of another object's box that a label may hide
const worse = 0.1 // more than the best that a standing label may hide before it moves

/** Labeller places the labels of one view, picture after picture. */
export class Labeller {
  #choices = new Map<string, Choice>()

  /**
   * place finds a place for each label that has one: outside of its own box (in
   * a very large one, in its corner), over no other label and no tag, and over
   * as little of other boxes as can be; a short one where a full one has no
   * room; else none: the colour of the box says the class. now is in ms.
   */
  place(wants: Want[], tags: Rect[], bounds: { w: number; h: number }, height: number, gap: number, now: number): Placed[] {
    const taken = [...tags]
    const before = this.#choices
    this.#choices = new Map()
    const out: Placed[] = []
    // Who has a label keeps it; then the large ones.
    const standing = (w: Want) => (before.get(w.id)?.side ? 1 : 0)
    const order = [...wants].sort((a, b) => standing(b) - standing(a) || b.box.w * b.box.h - a.box.w * a.box.h)
    for (const want of order) {
      const place = new Place(want, wants, taken, bounds, height, gap)
      const choice = place.choose(before.get(want.id), now)
      this.#choices.set(want.id, choice)
      const at = choice.side && place.rect(choice.side, choice.full)
      if (!at) continue
      taken.push(at)
      out.push({ id: want.id, at, full: choice.full })
    }
    return out
  }
}

/** Place weighs the sides of one object. */
class Place {
  constructor(
    private readonly want: Want,
    private readonly all: Want[],
    private readonly taken: Rect[],
    private readonly bounds: { w: number; h: number },
    private readonly height: number,
    private readonly gap: number,
  ) {}

  choose(before: Choice | undefined, now: number): Choice {
    const cost = before?.side ? this.#cost(before.side, before.full) : Infinity
    const settled = !before || now < before.since || now - before.since >= settledMs
    if (before && !settled && (cost < Infinity || before.side === null)) return before
    const best = this.#best()
    if (before && before.side === best.side && before.full === best.full) return before
    const better = best.full !== before?.full ? 0 : best.cost + worse
    if (before && cost <= Math.min(most, better)) return before
    return { side: best.side, full: best.full, since: now }
  }

  #best(): { side: Side | null; full: boolean; cost: number } {
    for (const full of [true, false]) {
      let best: { side: Side | null; full: boolean; cost: number } = { side: null, full, cost: Infinity }
      for (const side of sides) {
        const cost = this.#cost(side, full)
        if (cost < best.cost) best = { side, full, cost }
      }
      if (best.cost <= most) return best
    }
    return { side: null, full: false, cost: Infinity }
  }

  /** rect is where a label stands; null where that is outside of the picture. */
  rect(side: Side, full: boolean): Rect | null {
    const { box, full: wide, short } = this.want
    const { w: right, h: bottom } = this.bounds
    const w = full ? wide : short
    const h = this.height
    const x = Math.round(Math.min(Math.max(0, box.x), right - w))
    const y = Math.round(Math.min(Math.max(0, box.y), bottom - h))
    if (side === 'inside') return box.w > 2 * w && box.h > 8 * h ? { x: x + this.gap, y: y + this.gap, w, h } : null
    const r = {
      above: { x, y: Math.round(box.y - this.gap - h), w, h },
      below: { x, y: Math.round(box.y + box.h + this.gap), w, h },
      right: { x: Math.round(box.x + box.w + this.gap), y, w, h },
      left: { x: Math.round(box.x - this.gap - w), y, w, h },
    }[side]
    return r.x < 0 || r.y < 0 || r.x + w > right || r.y + h > bottom ? null : r
  }

  // The largest part of any other box that the label hides; infinite over another label.
  #cost(side: Side, full: boolean): number {
    const r = this.rect(side, full)
    if (!r || this.taken.some((t) => common(t, r) > 0)) return Infinity
    let cost = side === 'above' ? 0 : 0.01 * sides.indexOf(side)
    for (const o of this.all) if (o !== this.want) cost = Math.max(cost, common(o.box, r) / Math.max(1, o.box.w * o.box.h))
    return cost
  }
}

function common(a: Rect, b: Rect): number {
  const w = Math.min(a.x + a.w, b.x + b.w) - Math.max(a.x, b.x)
  const h = Math.min(a.y + a.h, b.y + b.h) - Math.max(a.y, b.y)
  return w > 0 && h > 0 ? w * h : 0
}
