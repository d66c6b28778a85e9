// Picture and boxes, drawn in one go into one canvas: what was drawn together is
// shown together.

import { colourOf } from './colours'
import { longestPiece, type LineCount } from './counts'
import type { Image } from './decoder'
import type { Overlay } from './joiner'
import type { Labeller, Rect } from './labels'
import type { Layers } from './layers'
import type { Box, Point, Rule, Thing } from './protocol'
import type { Sure } from './sure'

/** Labels are the words that are drawn. */
export interface Labels {
  classOf(cls: string): string
  number(n: number): string
  in: string
  out: string
}

/** Drawing is one complete view. */
export interface Drawing {
  image: Image | HTMLVideoElement | null // null: plain ground
  overlay: Overlay
  rules: Rule[]
  lines: LineCount[]
  labels: Labels
  labeller: Labeller
  sure: Sure
  layers: Layers
  veiled: Box[] | null // what is blurred; null: nothing is known, all of it
  heat: CanvasImageSource | null
  now: number // ms, any clock
}

const narrow = 560 // CSS pixels: labels of a smaller picture have no class name, the colour says it

// What is blurred goes through this one, a few pixels large.
const small = document.createElement('canvas').getContext('2d', { alpha: false })!

type Context = CanvasRenderingContext2D

const ink = 'rgb(10 14 20 / 0.72)'
const halo = 'rgb(10 14 20 / 0.55)'
const family = 'Inter, ui-sans-serif, system-ui, "Segoe UI", Roboto, "Noto Sans", sans-serif'

/** paint draws a view over the whole canvas; scale is canvas pixels per CSS pixel. */
export function paint(ctx: Context, d: Drawing, scale: number): void {
  const p = new Painter(ctx, scale)
  const looked = d.overlay.scene?.looked ?? []
  const { things, trails } = d.overlay
  p.ground(d.image)
  if (d.layers.blur && d.image) p.veil(d.veiled, looked)
  if (d.heat) p.heat(d.heat)
  p.shade(looked)
  if (d.layers.rules) p.rules(d)
  ctx.globalAlpha = d.overlay.kind === 'held' ? 0.45 : 1
  const sure = things.filter((t) => d.sure.has(t.id))
  if (d.layers.boxes) for (const thing of things) if (!d.sure.has(thing.id)) p.faint(thing)
  if (d.layers.tracks) for (const thing of sure) p.trail(thing, trails.get(thing.id) ?? [])
  if (d.layers.boxes) {
    for (const thing of sure) p.box(thing)
    p.names(sure, d)
  }
  ctx.globalAlpha = 1
}

/** Painter holds the canvas and its size. */
class Painter {
  readonly #w: number
  readonly #h: number
  #tags: Rect[] = [] // drawn so far

  constructor(
    private readonly ctx: Context,
    private readonly scale: number,
  ) {
    this.#w = ctx.canvas.width
    this.#h = ctx.canvas.height
    ctx.lineJoin = 'round'
    ctx.lineCap = 'round'
  }

  ground(image: Image | HTMLVideoElement | null): void {
    if (image) {
      this.ctx.drawImage(image, 0, 0, this.#w, this.#h)
      return
    }
    this.ctx.fillStyle = '#141b26'
    this.ctx.fillRect(0, 0, this.#w, this.#h)
  }

  /** shade darkens what nobody looked at: no boxes there mean nothing. */
  shade(looked: Box[]): void {
    if (looked.length === 0) return
    const { ctx } = this
    this.#beside(looked, () => {
      ctx.fillStyle = 'rgb(10 14 20 / 0.35)'
      ctx.fillRect(0, 0, this.#w, this.#h)
    })
  }

  // Whatever draw draws is seen only outside of each box.
  #beside(boxes: Box[], draw: () => void): void {
    const { ctx } = this
    ctx.save()
    for (const [l, t, r, b] of boxes) {
      ctx.beginPath()
      ctx.rect(0, 0, this.#w, this.#h)
      ctx.rect(l * this.#w, t * this.#h, (r - l) * this.#w, (b - t) * this.#h)
      ctx.clip('evenodd')
    }
    draw()
    ctx.restore()
  }

  /** veil blurs boxes, and what nobody looked at; all of the picture where boxes is null. */
  veil(boxes: Box[] | null, looked: Box[]): void {
    if (boxes === null || looked.length > 0) {
      this.#beside(boxes === null ? [] : looked, () => this.#blur([0, 0, 1, 1], 24))
    }
    for (const box of boxes ?? []) this.#blur(box, 6)
  }

  // So many cells across are kept of what is there, too few for a face or a plate.
  #blur(box: Box, across: number): void {
    const { ctx } = this
    const [x, y, w, h] = this.#rect(box)
    if (w < 1 || h < 1) return
    const down = Math.max(2, Math.min(2 * across, Math.round((across * h) / w)))
    small.canvas.width = across
    small.canvas.height = down
    small.imageSmoothingQuality = 'high' // set anew with each size
    small.drawImage(ctx.canvas, x, y, w, h, 0, 0, across, down)
    ctx.drawImage(small.canvas, 0, 0, across, down, x, y, w, h)
  }

  heat(cells: CanvasImageSource): void {
    this.ctx.drawImage(cells, 0, 0, this.#w, this.#h)
  }

  /** rules draws zones, then lines over them, each with its numbers. */
  rules(d: Drawing): void {
    for (const rule of d.rules) if (rule.polygon.length > 2) this.#zone(rule, d)
    for (const rule of d.rules) if (rule.line.length > 1) this.#line(rule, d)
  }

  #zone(rule: Rule, d: Drawing): void {
    const { ctx } = this
    this.#path(rule.polygon)
    ctx.closePath()
    ctx.fillStyle = 'rgb(255 255 255 / 0.07)'
    ctx.fill()
    this.#stroke(1.25, 'rgb(255 255 255 / 0.85)', [5, 4])
    const counts = d.overlay.scene?.zones.find((z) => z.id === rule.id)?.counts ?? []
    const inside = counts.reduce((sum, c) => sum + c.n, 0)
    const top = rule.polygon.reduce((a, b) => (b[1] < a[1] ? b : a))
    const [x, y] = this.#at(top)
    this.#tag(`${rule.id} · ${d.labels.number(inside)}`, x, y, 0, -1)
  }

  // A counting line, its points, an arrow that points "in", and what crossed it.
  #line(rule: Rule, d: Drawing): void {
    const { ctx, scale } = this
    const { labels } = d
    const piece = longestPiece(rule.line, this.#w / this.#h)
    if (!piece) return
    const [ax, ay] = this.#at(piece[0])
    const [bx, by] = this.#at(piece[1])
    const length = Math.hypot(bx - ax, by - ay) || 1
    this.#path(rule.line)
    this.#stroke(2, '#ffffff')
    for (const [x, y] of rule.line.map((p) => this.#at(p))) {
      ctx.beginPath()
      ctx.arc(x, y, 3.5 * scale, 0, 2 * Math.PI)
      ctx.fillStyle = '#ffffff'
      ctx.fill()
    }
    // To the right hand of who walks along it, y pointing down.
    const [nx, ny] = [-(by - ay) / length, (bx - ax) / length]
    const [mx, my] = [(ax + bx) / 2, (ay + by) / 2]
    const reach = 26 * scale
    const [tx, ty] = [mx + nx * reach, my + ny * reach]
    const wing = 7 * scale
    ctx.beginPath()
    ctx.moveTo(mx, my)
    ctx.lineTo(tx, ty)
    ctx.moveTo(tx - (nx - ny) * wing, ty - (ny + nx) * wing)
    ctx.lineTo(tx, ty)
    ctx.lineTo(tx - (nx + ny) * wing, ty - (ny - nx) * wing)
    this.#stroke(2, '#ffffff')
    const count = d.lines.find((l) => l.id === rule.id)
    const numbers = `${labels.in} ${labels.number(count?.in ?? 0)} · ${labels.out} ${labels.number(count?.out ?? 0)}`
    this.#tag(this.#narrow() ? numbers : `${rule.id} · ${numbers}`, tx, ty, nx, ny)
  }

  trail(thing: Thing, points: Point[]): void {
    const { ctx } = this
    const alpha = ctx.globalAlpha
    ctx.strokeStyle = colourOf(thing.cls)
    ctx.lineWidth = 1.75 * this.scale
    for (let i = 1; i < points.length; i++) {
      ctx.globalAlpha = alpha * 0.75 * (i / points.length)
      this.#path(points.slice(i - 1, i + 1))
      ctx.stroke()
    }
    ctx.globalAlpha = alpha
  }

  box(thing: Thing): void {
    const { ctx } = this
    const [x, y, w, h] = this.#rect(thing.box)
    ctx.beginPath()
    ctx.roundRect(x, y, w, h, Math.min(3 * this.scale, w / 4, h / 4))
    this.#stroke(1.5, colourOf(thing.cls))
  }

  /** faint draws what has not moved and is not seen surely: a thin box, without a name. */
  faint(thing: Thing): void {
    const { ctx } = this
    const alpha = ctx.globalAlpha
    ctx.globalAlpha = alpha * 0.6
    ctx.strokeStyle = colourOf(thing.cls)
    ctx.lineWidth = this.scale
    ctx.strokeRect(...this.#rect(thing.box))
    ctx.globalAlpha = alpha
  }

  /** names writes class and id of each object beside its box; the id alone, or nothing, where there is no room. */
  names(things: Thing[], d: Drawing): void {
    const { ctx, scale } = this
    const [pad, dot, height] = [5 * scale, 6 * scale, 16 * scale]
    ctx.font = `550 ${11 * scale}px ${family}`
    const words = new Map(things.map((t) => [t.id, { thing: t, name: this.#narrow() ? '' : `${d.labels.classOf(t.cls)} ` }]))
    const wide = (text: string) => Math.ceil(ctx.measureText(text).width + dot + 3 * pad)
    const wants = [...words.values()].map(({ thing, name }) => {
      const [x, y, w, h] = this.#rect(thing.box)
      return { id: thing.id, box: { x, y, w, h }, full: wide(name + thing.id), short: wide(thing.id) }
    })
    ctx.textBaseline = 'middle'
    ctx.textAlign = 'left'
    for (const { id, at, full } of d.labeller.place(wants, this.#tags, { w: this.#w, h: this.#h }, height, 3 * scale, d.now)) {
      const { thing, name } = words.get(id)!
      const first = full ? name : ''
      const left = at.x + 2 * pad + dot
      const middle = at.y + height / 2 + 0.5 * scale
      this.#plate(at, 4 * scale, ink)
      this.#plate({ x: at.x + pad, y: at.y + (height - dot) / 2, w: dot, h: dot }, 2 * scale, colourOf(thing.cls))
      ctx.fillStyle = '#ffffff'
      ctx.fillText(first, left, middle)
      ctx.fillStyle = 'rgb(255 255 255 / 0.72)'
      ctx.fillText(id, left + ctx.measureText(first).width, middle)
    }
  }

  #plate(r: Rect, round: number, colour: string): void {
    const { ctx } = this
    ctx.beginPath()
    ctx.roundRect(r.x, r.y, r.w, r.h, round)
    ctx.fillStyle = colour
    ctx.fill()
  }

  #narrow(): boolean {
    return this.#w < narrow * this.scale
  }

  // A tag stands beside a point, in the direction (dx, dy) from it.
  #tag(text: string, x: number, y: number, dx: number, dy: number): void {
    const { ctx, scale } = this
    ctx.font = `600 ${11 * scale}px ${family}`
    const width = ctx.measureText(text).width + 14 * scale
    const height = 19 * scale
    const away = 7 * scale + (Math.abs(dx) * width + Math.abs(dy) * height) / 2
    const left = Math.round(Math.min(Math.max(0, x + dx * away - width / 2), this.#w - width))
    const top = Math.round(Math.min(Math.max(0, y + dy * away - height / 2), this.#h - height))
    this.#plate({ x: left, y: top, w: width, h: height }, height / 2, ink)
    ctx.fillStyle = '#ffffff'
    ctx.textAlign = 'left'
    ctx.textBaseline = 'middle'
    ctx.fillText(text, left + 7 * scale, top + height / 2 + 0.5 * scale)
    this.#tags.push({ x: left, y: top, w: width, h: height })
  }

  #path(points: readonly Point[]): void {
    this.ctx.beginPath()
    points.forEach((p, i) => {
      const [x, y] = this.#at(p)
      if (i === 0) this.ctx.moveTo(x, y)
      else this.ctx.lineTo(x, y)
    })
  }

  // A dark halo under each thin line keeps it visible on any picture.
  #stroke(width: number, colour: string, dash: number[] = []): void {
    const { ctx, scale } = this
    ctx.lineWidth = (width + 1.75) * scale
    ctx.strokeStyle = halo
    ctx.stroke()
    ctx.setLineDash(dash.map((d) => d * scale))
    ctx.lineWidth = width * scale
    ctx.strokeStyle = colour
    ctx.stroke()
    ctx.setLineDash([])
  }

  #at(p: Point): [number, number] {
    return [p[0] * this.#w, p[1] * this.#h]
  }

  #rect([l, t, r, b]: Box): [number, number, number, number] {
    return [l * this.#w, t * this.#h, (r - l) * this.#w, (b - t) * this.#h]
  }
}
