// One live view: socket, decoder, joiner and canvas, put together.

import { lineCounts, type LineCount } from './counts'
import { Decoder, type Image, type Trouble, type WayName } from './decoder'
import { Heat } from './heat'
import { Joiner, stalledMs, type Overlay, type Tally } from './joiner'
import { Labeller } from './labels'
import type { Layers } from './layers'
import { paint, type Labels } from './paint'
import { parseText, parseUnit, type Box, type Hello, type Scene, type Stats, type Thing, type Totals, type Unit } from './protocol'
import { Socket } from './socket'
import { Sure } from './sure'
import { Veil } from './veil'

/** Phase is how far a view has come. */
export type Phase = 'connecting' | 'waiting' | 'live' | 'lost'

/** View is what a page shows around the picture; a new object four times a second. */
export interface View {
  phase: Phase
  retryAt: number // lost: when the next attempt is made, performance.now()
  trouble: Trouble | null
  way: WayName | null // how pictures are decoded
  hello: Hello | null
  totals: Totals | null
  stats: Stats | null
  scene: Scene | null // the newest that was drawn
  seen: Thing[] // of its objects those that have moved, or are seen surely
  capture: number // of the picture that is shown, UTC, ms since 1970; NaN: none
  tally: Tally
  delayMs: number // how far the picture is behind its arrival
}

/** Drawn is the detail of the canvas's "pantau:draw" event, sent in the very task that drew. */
export interface Drawn {
  epoch: string
  pts: number
  kind: Overlay['kind']
  scene: Scene | null
}

const noTally: Tally = { own: 0, between: 0, held: 0, late: 0, skipped: 0 }
const mostDecoded = 6 // decoded pictures held at once: browsers lend few
const stillMs = 4000 // no new picture for so long: the view is no longer live
const mostPixels = 2560 // width of the canvas
const videoHoldMs = 300 // a video element wants so much ahead of what it shows

/** Shown is what the canvas shows. */
interface Shown {
  image: Image | HTMLVideoElement | null
  overlay: Overlay
  veiled: Box[] | null
}

/** Player shows one camera in a canvas until it is closed. */
export class Player {
  #labels: Labels
  #layers: Layers
  #context: CanvasRenderingContext2D
  #socket: Socket
  #decoder: Decoder | null = null
  #joiner: Joiner<Image> | null = null
  #tally: Tally = noTally // of the epochs before
  #begun = false // a hello has come since the connection was made
  #newest = '' // the newest picture that came, as the server wants to hear it
  #convert = false // the server is asked for H.264: the camera's own pictures cannot be shown
  #shown: Shown | null = null
  #lines: LineCount[] = []
  #labeller = new Labeller()
  #sure = new Sure()
  #veil = new Veil()
  #heat: Heat | null = null
  #heatCanvas = document.createElement('canvas').getContext('2d')!
  #shownAt = -Infinity
  #refresh = 0
  #told = 0
  #watcher: ResizeObserver
  #view: View = {
    phase: 'connecting', retryAt: 0, trouble: null, way: null, hello: null, totals: null, stats: null,
    scene: null, seen: [], capture: NaN, tally: noTally, delayMs: 0,
  }

  constructor(
    private readonly canvas: HTMLCanvasElement,
    url: string,
    labels: Labels,
    layers: Layers,
    private readonly tell: (v: View) => void,
  ) {
    this.#labels = labels
    this.#layers = layers
    this.#context = canvas.getContext('2d', { alpha: false })!
    this.#watcher = new ResizeObserver(() => this.#resize())
    this.#watcher.observe(canvas)
    const address = () => {
      const query = new URLSearchParams()
      if (this.#convert) query.set('codec', 'avc1')
      if (this.#newest !== '') query.set('after', this.#newest)
      return query.size === 0 ? url : `${url}?${query.toString()}`
    }
    this.#socket = new Socket(address, {
      open: () => {
        this.#begun = false
        this.#set({ phase: 'waiting' })
      },
      message: (data) => this.#message(data),
      lost: (wait) => this.#set({ phase: 'lost', retryAt: performance.now() + wait }),
    })
    this.#refresh = requestAnimationFrame(this.#tick)
    addEventListener('online', this.#hurry)
    document.addEventListener('visibilitychange', this.#hurry)
  }

  set labels(labels: Labels) {
    this.#labels = labels
    this.#paint()
  }

  set layers(layers: Layers) {
    this.#layers = layers
    this.#warm()
    this.#paint()
  }

  /** close ends the connection and frees every picture. */
  close(): void {
    cancelAnimationFrame(this.#refresh)
    removeEventListener('online', this.#hurry)
    document.removeEventListener('visibilitychange', this.#hurry)
    this.#watcher.disconnect()
    this.#socket.close()
    this.#decoder?.close()
    this.#joiner?.release()
    free(this.#shown?.image)
    this.#shown = null
  }

  #hurry = (): void => {
    if (!document.hidden) this.#socket.hurry()
  }

  #message(data: string | ArrayBuffer): void {
    if (typeof data !== 'string') {
      const unit = parseUnit(data)
      if (unit) this.#unit(unit)
      return
    }
    const m = parseText(data)
    if (m === null) return
    if (m.type === 'hello') this.#hello(m)
    else if (m.type === 'scene') this.#scene(m.scene)
    else if (m.type === 'totals') this.#totals(m)
    else this.#set({ stats: m })
  }

  #totals(totals: Totals): void {
    this.#set({ totals })
    this.#count()
  }

  #count(): void {
    const { hello, totals } = this.#view
    this.#lines = lineCounts(hello?.camera.rules ?? [], totals?.rows ?? [], aspectOf(hello))
  }

  #hello(h: Hello): void {
    const old = this.#view.hello
    const again = !this.#begun && !h.resumed
    this.#begun = true
    const sameEpoch = old?.epoch === h.epoch && old.clock === h.clock
    if (!sameEpoch || again || old.codec !== h.codec || old.width !== h.width || old.height !== h.height || old.masked !== h.masked) {
      this.#decoder?.close()
      this.#decoder = null
    }
    if (!sameEpoch || !this.#joiner) {
      if (this.#joiner) this.#tally = add(this.#tally, this.#joiner.tally)
      this.#joiner?.release()
      this.#joiner = new Joiner<Image>(h.epoch, h.clock, h.holdMs, (image) => image.close())
      this.#sure = new Sure()
      this.#veil = new Veil()
      this.#heat = new Heat(aspectOf(h), this.#heat)
    } else this.#joiner.playout.resumed(performance.now())
    this.#set({ hello: h, trouble: this.#decoder ? this.#view.trouble : null, way: this.#decoder ? this.#view.way : null })
    if (h.masked && h.rendition === '') this.#askForH264()
    else if (!this.#decoder && h.codec) this.#open(h, this.#joiner)
    this.#count()
    this.#resize()
  }

  // The server converts pictures where it is told that they cannot be shown.
  #askForH264(): void {
    if (this.#convert) return
    this.#convert = true
    this.#newest = ''
    this.#socket.again()
  }

  #open(h: Hello, joiner: Joiner<Image>): void {
    this.#decoder = new Decoder(h, {
      way: (way) => {
        if (way === 'mse') joiner.playout.least = videoHoldMs
        this.#set({ way })
      },
      picture: (image, unit) => {
        joiner.picture({ pts: unit.pts, capture: unit.capture, image })
        this.#decoder?.feed()
      },
      shown: (video, pts, capture) => this.#show(video, joiner, pts, capture, joiner.shown(pts, performance.now())),
      trouble: (trouble) => {
        this.#set({ trouble })
        const cannot = trouble === 'codec' || trouble === 'insecure'
        if (cannot && h.rendition === '' && !h.codec.startsWith('avc1.')) this.#askForH264()
      },
      room: () => mostDecoded - joiner.waiting,
      overdue: (pts) => performance.now() > joiner.playout.due(joiner.media(pts)) + stalledMs,
      wanted: () => (joiner.playout.showing(performance.now()) * h.clock) / 1000,
    })
  }

  #unit(u: Unit): void {
    const joiner = this.#joiner
    if (!joiner || !this.#decoder) return
    this.#newest = `${joiner.epoch}:${u.pts}`
    joiner.playout.arrived(joiner.media(u.pts), performance.now())
    this.#decoder.push(u)
  }

  // Where no pictures can be shown, each scene makes a plain one.
  #scene(s: Scene): void {
    const joiner = this.#joiner
    if (!joiner || s.epoch !== joiner.epoch) return
    const now = performance.now()
    if (!this.#decoder || this.#view.trouble) {
      joiner.playout.arrived(joiner.media(s.pts), now)
      joiner.picture({ pts: s.pts, capture: s.capture, image: null })
    }
    joiner.scene(s, now)
    this.#sure.see(s.things)
    this.#heat?.add(s.things, joiner.media(s.pts))
    this.#warm()
  }

  // The heat map as a picture of a pixel a cell, made only where it is looked at.
  #warm(): void {
    if (!this.#layers.heat || !this.#heat) return
    const { columns, rows } = this.#heat
    const { canvas } = this.#heatCanvas
    canvas.width = columns
    canvas.height = rows
    this.#heatCanvas.putImageData(new ImageData(this.#heat.colours(), columns, rows), 0, 0)
  }

  #tick = (now: number): void => {
    this.#refresh = requestAnimationFrame(this.#tick)
    const joiner = this.#joiner
    const next = joiner?.next(now)
    if (joiner && next) this.#show(next.picture.image, joiner, next.picture.pts, next.picture.capture, next.overlay)
    this.#decoder?.feed()
    if (now - this.#told > 250) this.#report(now)
  }

  #show(image: Image | HTMLVideoElement | null, joiner: Joiner<Image>, pts: number, capture: number, overlay: Overlay): void {
    const before = this.#shown?.image
    const known = overlay.kind !== 'none'
    this.#shown = { image, overlay, veiled: known ? this.#veil.cover(overlay.things, joiner.media(pts)) : null }
    this.#paint()
    if (before !== image) free(before)
    this.#shownAt = performance.now()
    this.#view.capture = capture
    if (overlay.scene) {
      this.#view.scene = overlay.scene
      this.#view.seen = overlay.scene.things.filter((t) => this.#sure.has(t.id))
    }
    const detail: Drawn = { epoch: joiner.epoch, pts, kind: overlay.kind, scene: overlay.scene }
    this.canvas.dispatchEvent(new CustomEvent<Drawn>('pantau:draw', { detail }))
  }

  #paint(): void {
    const { hello } = this.#view
    if (!this.#shown || !hello) return
    const scale = this.canvas.width / Math.max(1, this.canvas.clientWidth)
    paint(this.#context, {
      ...this.#shown, rules: hello.camera.rules, lines: this.#lines, labels: this.#labels, labeller: this.#labeller,
      sure: this.#sure,
      layers: this.#layers, heat: this.#layers.heat ? this.#heatCanvas.canvas : null, now: performance.now(),
    }, scale)
  }

  // The canvas has the pixels of the screen, so that lines and labels are crisp.
  #resize(): void {
    const { canvas } = this
    const aspect = aspectOf(this.#view.hello)
    const width = Math.min(mostPixels, Math.round(canvas.clientWidth * Math.min(2, devicePixelRatio || 1)))
    const height = Math.round(width / aspect)
    if (width < 1 || (canvas.width === width && canvas.height === height)) return
    canvas.width = width
    canvas.height = height
    this.#paint()
  }

  #report(now: number): void {
    this.#told = now
    const v = this.#view
    if (v.phase === 'waiting' || v.phase === 'live') v.phase = now - this.#shownAt < stillMs ? 'live' : 'waiting'
    const joiner = this.#joiner
    v.tally = joiner ? add(this.#tally, joiner.tally) : this.#tally
    v.delayMs = joiner ? joiner.playout.hold(now) : 0
    if (v.phase !== 'live') [v.scene, v.seen] = [null, []]
    this.tell({ ...v })
  }

  #set(change: Partial<View>): void {
    Object.assign(this.#view, change)
    this.#told = -Infinity
  }
}

/** aspectOf is width by height of what a hello tells of. */
export function aspectOf(hello: Hello | null): number {
  return hello && hello.width && hello.height ? hello.width / hello.height : 16 / 9
}

function free(image: Image | HTMLVideoElement | null | undefined): void {
  if (image && 'close' in image) image.close()
}

function add(a: Tally, b: Tally): Tally {
  return {
    own: a.own + b.own,
    between: a.between + b.between,
    held: a.held + b.held,
    late: a.late + b.late,
    skipped: a.skipped + b.skipped,
  }
}
