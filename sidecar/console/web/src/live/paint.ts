// Picture and boxes, drawn in one go into one canvas: what was drawn together is
// shown together.

import { colourOf } from './colours'
import { longestPiece } from './counts'
import type { Image } from './decoder'
import type { Overlay } from './joiner'
import type { Box, Point, Rule, Thing } from './protocol'

/** Labels are the words that are drawn. */
export interface Labels {
  classOf(cls: string): string
  number(n: number): string
  in: string
}

/** Drawing is one complete view. */
export interface Drawing {
  image: Image | HTMLVideoElement | null // null: plain ground
  overlay: Overlay
  rules: Rule[]
  labels: Labels
}

const narrow = 560 // CSS pixels: labels of a smaller picture have no class name, the colour says it

type Context = CanvasRenderingContext2D

const ink = 'rgb(10 14 20 / 0.72)'
const halo = 'rgb(10 14 20 / 0.55)'
const family = 'Inter, ui-sans-serif, system-ui, "Segoe UI", Roboto, "Noto Sans", sans-serif'

/** paint draws a view over the whole canvas; scale is canvas pixels per CSS pixel. */
export function paint(ctx: Context, d: Drawing, scale: number): void {
  const p = new Painter(ctx, scale)
  p.ground(d.image)
  p.shade(d.overlay.scene?.looked ?? [])
  for (const rule of d.rules) if (rule.polygon.length > 2) p.zone(rule, d)
  for (const rule of d.rules) if (rule.line.length > 1) p.line(rule, d.labels)
  ctx.globalAlpha = d.overlay.kind === 'held' ? 0.45 : 1
  for (const thing of d.overlay.things) p.trail(thing, d.overlay.trails.get(thing.id) ?? [])
  for (const thing of d.overlay.things) p.box(thing)
  for (const thing of d.overlay.things) p.label(thing, d.labels)
  ctx.globalAlpha = 1
}

/** Painter holds the canvas and its size. */
class Painter {
  readonly #w: number
  readonly #h: number
  #taken: { x: number; y: number; w: number; h: number }[] = [] // by labels and tags drawn so far

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
    ctx.save()
    for (const [l, t, r, b] of looked) {
      ctx.beginPath()
      ctx.rect(0, 0, this.#w, this.#h)
      ctx.rect(l * this.#w, t * this.#h, (r - l) * this.#w, (b - t) * this.#h)
      ctx.clip('evenodd') // parts may overlap: outside of each
    }
    ctx.fillStyle = 'rgb(10 14 20 / 0.35)'
    ctx.fillRect(0, 0, this.#w, this.#h)
    ctx.restore()
  }

  zone(rule: Rule, d: Drawing): void {
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

  /** line draws a counting line, its points and an arrow that points "in". */
  line(rule: Rule, labels: Labels): void {
    const { ctx, scale } = this
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
    this.#tag(`${rule.id} · ${labels.in}`, tx, ty, nx, ny)
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
    const [x, y, w, h] = this.#rect(thing)
    ctx.beginPath()
    ctx.roundRect(x, y, w, h, Math.min(3 * this.scale, w / 4, h / 4))
    this.#stroke(1.5, colourOf(thing.cls))
  }

  /** label writes class and id outside of the box, above it where there is room. */
  label(thing: Thing, labels: Labels): void {
    const { ctx, scale } = this
    const [x, y, , h] = this.#rect(thing)
    const words = this.#w < narrow * scale ? '' : `${labels.classOf(thing.cls)} `
    ctx.font = `550 ${11 * scale}px ${family}`
    const name = ctx.measureText(words).width
    const id = ctx.measureText(thing.id).width
    const [pad, dot, height] = [5 * scale, 6 * scale, 16 * scale]
    const width = dot + name + id + 3 * pad
    const left = Math.round(Math.min(Math.max(0, x - scale), this.#w - width))
    const top = this.#place(left, y, y + h, width, height)
    ctx.beginPath()
    ctx.roundRect(left, top, width, height, 4 * scale)
    ctx.fillStyle = ink
    ctx.fill()
    ctx.beginPath()
    ctx.roundRect(left + pad, top + (height - dot) / 2, dot, dot, 2 * scale)
    ctx.fillStyle = colourOf(thing.cls)
    ctx.fill()
    ctx.textBaseline = 'middle'
    ctx.textAlign = 'left'
    ctx.fillStyle = '#ffffff'
    ctx.fillText(words, left + 2 * pad + dot, top + height / 2 + 0.5 * scale)
    ctx.fillStyle = 'rgb(255 255 255 / 0.72)'
    ctx.fillText(thing.id, left + 2 * pad + dot + name, top + height / 2 + 0.5 * scale)
  }

  // Above the box, or below it where another label or the picture's edge is in the way.
  #place(left: number, above: number, below: number, width: number, height: number): number {
    const gap = 3 * this.scale
    let top = above - gap - height
    const lower = below + gap
    const blocked = top < 0 || this.#covered(left, top, width, height)
    if (blocked && lower + height <= this.#h && !this.#covered(left, lower, width, height)) top = lower
    top = Math.round(Math.max(0, top))
    this.#taken.push({ x: left, y: top, w: width, h: height })
    return top
  }

  #covered(x: number, y: number, w: number, h: number): boolean {
    return this.#taken.some((t) => x < t.x + t.w && t.x < x + w && y < t.y + t.h && t.y < y + h)
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
    ctx.beginPath()
    ctx.roundRect(left, top, width, height, height / 2)
    ctx.fillStyle = ink
    ctx.fill()
    ctx.fillStyle = '#ffffff'
    ctx.textAlign = 'left'
    ctx.textBaseline = 'middle'
    ctx.fillText(text, left + 7 * scale, top + height / 2 + 0.5 * scale)
    this.#taken.push({ x: left, y: top, w: width, h: height })
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

  #rect(thing: Thing): [number, number, number, number] {
    const [l, t, r, b] = thing.box
    return [l * this.#w, t * this.#h, (r - l) * this.#w, (b - t) * this.#h]
  }
}
