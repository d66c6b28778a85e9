// Pictures and scenes, joined by epoch and RTP time.

import { between } from './between'
import { Playout, longestHold } from './playout'
import type { Point, Scene, Thing } from './protocol'

/** Picture is one decoded picture; image is null where only boxes are shown. */
export interface Picture<I> {
  pts: number
  capture: number // UTC, ms since 1970; NaN where it is not known
  image: I | null
}

/** Overlay is what is drawn over one picture. */
export interface Overlay {
  /**
   * own: the boxes were found in this very frame. between: this frame was not
   * analysed; the boxes lie between those of its neighbours. held: the next scene
   * is not known yet; the boxes are those of the frame before, drawn faintly.
   */
  kind: 'own' | 'between' | 'held' | 'none'
  scene: Scene | null // the scene itself (own), or the one before
  things: Thing[]
  trails: Map<string, Point[]> // by object: where its feet were, oldest first
}

/** Tally counts how pictures and scenes met. */
export interface Tally {
  own: number // pictures drawn with the scene of their own frame
  between: number // pictures that were not analysed, drawn between two scenes
  held: number // pictures drawn with older boxes, or with none
  late: number // scenes that came when their picture had been drawn
  skipped: number // pictures that were not drawn, since newer ones were due
}

const mostPictures = 240
const mostScenes = 400
export const stalledMs = 1000 // pictures overdue by more are skipped where a later one is due as well
const trailMs = 2500
const longestGapMs = 1000 // scenes further apart are not joined by a straight line
const aloneMs = 150 // what only one of two scenes knows is shown no further from it
const silentMs = 2000 // no scene for so long: none is waited for

/**
 * Joiner holds each picture until it is due and its scene has come.
 *
 * Exactness is the rule: a frame that was analysed is drawn with the boxes found
 * in it, and nothing else. Which frames are analysed is not known beforehand
 * (the detector takes the newest frame when it is free), but scenes come in the
 * order of their frames: so a picture is decided once its own scene, or a later
 * one, has come. An undecided picture waits, at most until the deadline. Since
 * playout aims a little behind the scenes, this is seldom seen.
 *
 * One Joiner serves one epoch; a new epoch gets a new Joiner. Memory is bounded:
 * at most 240 pictures and 400 scenes. Pictures belong to the joiner until next
 * gives them out; release gives back the rest.
 */
export class Joiner<I> {
  readonly tally: Tally = { own: 0, between: 0, held: 0, late: 0, skipped: 0 }
  readonly playout: Playout
  #pictures: Picture<I>[] = [] // by pts
  #scenes: Scene[] = [] // by pts
  #drawn = Number.NEGATIVE_INFINITY // pts of the newest picture given out
  #bare = new Set<number>() // pts of pictures given out without their own scene
  #lastScene: number | null = null // when the last scene came

  constructor(
    readonly epoch: string,
    private readonly clock: number,
    holdMs: number,
    private readonly free: (image: I) => void,
  ) {
    this.playout = new Playout(holdMs)
  }

  /** media is the media time of a PTS, ms. */
  media(pts: number): number {
    return (pts * 1000) / this.clock
  }

  /** waiting is the number of pictures that are held. */
  get waiting(): number {
    return this.#pictures.length
  }

  /** known is the number of scenes that are held. */
  get known(): number {
    return this.#scenes.length
  }

  /** picture takes a decoded picture. */
  picture(p: Picture<I>): void {
    if (p.pts <= this.#drawn) { // a view that begins again at a key frame repeats some
      if (p.image !== null) this.free(p.image)
      return
    }
    const same = insert(this.#pictures, p)
    if (same) this.#drop(same)
    if (this.#pictures.length > mostPictures) this.#drop(this.#pictures.shift()!)
  }

  /** scene takes what was found in a frame. One of another epoch is ignored. */
  scene(s: Scene, now: number): void {
    if (s.epoch !== this.epoch) return
    this.#lastScene = now
    if (this.#bare.delete(s.pts)) this.tally.late++
    const before = this.#scenes.at(-1)
    insert(this.#scenes, s)
    if (this.#scenes.length > mostScenes) this.#scenes.shift()
    // The frames between two scenes need the second one, unless it is so far
    // away that waiting for it would cost more than it shows.
    const gap = before ? this.media(s.pts - before.pts) : 0
    const from = gap > 0 && gap <= 300 ? before! : s
    this.playout.need(this.media(from.pts), now)
  }

  /**
   * next gives the picture to be drawn now with its overlay, or null. A picture
   * is given out once, in order, and each one gets its own refresh.
   */
  next(now: number): { picture: Picture<I>; overlay: Overlay } | null {
    this.playout.tick(now)
    const first = this.#pictures[0]
    if (!first || !this.#ready(first, now)) return null
    this.#skip(now)
    const picture = this.#pictures.shift()!
    return { picture, overlay: this.shown(picture.pts, now) }
  }

  /** shown gives the overlay for a picture that a video shows at its own time, with or without its scene. */
  shown(pts: number, now: number): Overlay {
    this.playout.tick(now)
    this.#drawn = pts
    const overlay = this.overlay(pts)
    this.#count(pts, overlay.kind)
    this.#forget()
    return overlay
  }

  /** overlay is what is known of the frame of this PTS. */
  overlay(pts: number): Overlay {
    const i = this.#scenes.findLastIndex((s) => s.pts <= pts)
    const before = this.#scenes[i]
    const after = this.#scenes[i + 1]
    if (!before || this.media(pts - before.pts) > longestHold) {
      return { kind: 'none', scene: null, things: [], trails: new Map() }
    }
    if (before.pts === pts) return this.#with('own', before, before.things, i)
    const gap = after ? this.media(after.pts - before.pts) : Infinity
    if (after && gap <= longestGapMs) {
      const part = (pts - before.pts) / (after.pts - before.pts)
      return this.#with('between', before, between(before, after, part, Math.min(0.5, aloneMs / gap)), i)
    }
    return this.#with('held', before, before.things, i)
  }

  /** release frees all pictures. */
  release(): void {
    for (const p of this.#pictures.splice(0)) if (p.image !== null) this.free(p.image)
  }

  #ready(p: Picture<I>, now: number): boolean {
    const media = this.media(p.pts)
    if (now < this.playout.due(media)) return false
    const newest = this.#scenes.at(-1)
    if (newest && newest.pts >= p.pts) return true
    const silent = this.#lastScene === null || now - this.#lastScene > silentMs
    return silent || now >= this.playout.deadline(media, now)
  }

  // What a new viewer gets from before it came, or what piled up while the page
  // was not looked at, is not played after. A short delay is: no picture is lost.
  #skip(now: number): void {
    for (;;) {
      const [old, later] = this.#pictures
      if (!old || !later || now - this.playout.due(this.media(old.pts)) < stalledMs) return
      if (!this.#ready(later, now)) return
      this.#drop(this.#pictures.shift()!)
    }
  }

  #with(kind: Overlay['kind'], scene: Scene, things: Thing[], index: number): Overlay {
    const trails = new Map<string, Point[]>(things.map((t) => [t.id, [foot(t)]]))
    for (let i = kind === 'own' ? index - 1 : index; i >= 0; i--) {
      const s = this.#scenes[i]!
      if (this.media(scene.pts - s.pts) > trailMs) break
      for (const t of s.things) trails.get(t.id)?.unshift(foot(t))
    }
    return { kind, scene, things, trails }
  }

  #count(pts: number, kind: Overlay['kind']): void {
    if (kind === 'own') this.tally.own++
    else if (kind === 'between') this.tally.between++
    else this.tally.held++
    if (kind !== 'own') this.#bare.add(pts)
    if (this.#bare.size > mostPictures) this.#bare.delete(this.#bare.values().next().value!)
  }

  #drop(p: Picture<I>): void {
    this.tally.skipped++
    if (p.image !== null) this.free(p.image)
  }

  #forget(): void {
    const keep = this.#scenes.findIndex((s) => this.media(this.#drawn - s.pts) <= trailMs)
    if (keep > 1) this.#scenes.splice(0, keep - 1)
  }
}

/** foot is the middle of the bottom edge: where feet or wheels stand. */
export function foot(t: Thing): Point {
  return [(t.box[0] + t.box[2]) / 2, t.box[3]]
}

/** insert keeps a list sorted by pts, and gives what it replaced: an item of the same pts. */
function insert<T extends { pts: number }>(sorted: T[], item: T): T | undefined {
  let i = sorted.length
  while (i > 0 && sorted[i - 1]!.pts > item.pts) i--
  const same = i > 0 && sorted[i - 1]!.pts === item.pts
  return sorted.splice(same ? i - 1 : i, same ? 1 : 0, item)[0]
}
