// When a picture is shown. Pictures are shown at the pace of the camera's own
// clock, a little later than they came: late enough that the scenes of the
// analysed frames, and the scenes after them, have come too.

/** longestHold is the most that a picture is kept back for its scene, ms. */
export const longestHold = 1500
const shortestHold = 60
const margin = 30 // ms above the worst of the last seconds
const windowMs = 10_000
const slices = 10

/**
 * Playout maps media time (ms, by the camera's clock) to the time of this page
 * (ms, performance.now). The way between is the fastest journey of the last ten
 * seconds plus a hold, which follows what was needed in these seconds. It moves
 * to a new value slowly (by 8 % of the time that passed), so that the picture
 * neither stops nor hurries; only a gap of more than a second is jumped.
 */
export class Playout {
  #journeys = new Extreme(Math.min)
  #needs = new Extreme(Math.max)
  #first: number | null = null // when the first picture came
  #offset: number | null = null // shown at = media + offset
  #ticked = 0
  #deaf = 0 // until then nothing is learnt of what is needed
  least = shortestHold // the shortest hold; a video element needs some time ahead

  constructor(private readonly startHold: number) {}

  /** arrived tells that the picture of this media time has come. */
  arrived(media: number, now: number): void {
    if (this.#first === null) this.resumed(now)
    this.#first ??= now
    this.#journeys.add(now - media, now)
    this.tick(now)
  }

  /** resumed tells that what the server has kept comes now, all at once: it says nothing of the way. */
  resumed(now: number): void {
    this.#deaf = now + 500
  }

  /** need tells that what belongs to this media time was complete only now. */
  need(media: number, now: number): void {
    if (this.#first === null || now < this.#deaf) return
    this.#needs.add(now - media - this.#journeys.value(now, 0), now)
  }

  /** hold is the delay that is aimed at, ms above the fastest journey. */
  hold(now: number): number {
    const settling = this.#first === null || now - this.#first < 2000
    const needed = this.#needs.value(now, shortestHold) + margin
    const low = settling ? Math.max(this.least, this.startHold) : this.least
    return Math.min(longestHold, Math.max(low, needed))
  }

  /** tick moves the offset towards its aim; call it once per refresh. */
  tick(now: number): void {
    if (this.#first === null) return
    const aim = this.#journeys.value(now, 0) + this.hold(now)
    const passed = Math.max(0, now - this.#ticked)
    this.#ticked = now
    // In the first moments (the server sends the group of pictures that it has
    // kept, all at once) the fastest journey is only being found.
    if (this.#offset === null || now - this.#first < 300 || Math.abs(aim - this.#offset) > 1000) {
      this.#offset = aim
      return
    }
    const step = 0.08 * passed
    this.#offset += Math.min(step, Math.max(-step, aim - this.#offset))
  }

  /** due is when the picture of this media time is to be shown. */
  due(media: number): number {
    return media + (this.#offset ?? 0)
  }

  /** showing is the media time that is due now; NaN before the first picture. */
  showing(now: number): number {
    return this.#offset === null ? NaN : now - this.#offset
  }

  /** deadline is when it is shown even if its scene is still missing. */
  deadline(media: number, now: number): number {
    return media + this.#journeys.value(now, 0) + longestHold
  }
}

/** Extreme keeps the smallest or the largest value of the last ten seconds. */
class Extreme {
  #slices: { slice: number; value: number }[] = []

  constructor(private readonly pick: (a: number, b: number) => number) {}

  add(value: number, now: number): void {
    const slice = Math.floor((now * slices) / windowMs)
    const last = this.#slices.at(-1)
    if (last && last.slice === slice) last.value = this.pick(last.value, value)
    else this.#slices.push({ slice, value })
    this.#forget(slice)
  }

  value(now: number, none: number): number {
    this.#forget(Math.floor((now * slices) / windowMs))
    let best: number | null = null
    for (const s of this.#slices) best = best === null ? s.value : this.pick(best, s.value)
    return best ?? none
  }

  // The newest value stays however old it is: a camera that was away for a
  // while has no better one.
  #forget(slice: number): void {
    while (this.#slices.length > 1 && this.#slices[0]!.slice <= slice - slices) this.#slices.shift()
  }
}
