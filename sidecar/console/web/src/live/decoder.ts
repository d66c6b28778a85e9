// Access units in, pictures out.

import { canTape, Tape } from './tape'
import type { Unit } from './protocol'

/** Image is a decoded picture that the browser holds; close frees it. */
export type Image = VideoFrame | ImageBitmap

/** WayName is how pictures are decoded: mse knows their times only by the video's clock. */
export type WayName = 'webcodecs' | 'mse' | 'stills'

/** Trouble is why pictures cannot be decoded here. */
export type Trouble = 'insecure' | 'codec' | 'broken'

/** Outlet is where a decoder's results go. */
export interface Outlet {
  /** way says how pictures will come. */
  way(name: WayName): void
  picture(image: Image, of: Unit): void
  /** shown says that a video shows the picture of this PTS now. */
  shown(video: HTMLVideoElement, pts: number, capture: number): void
  trouble(t: Trouble | null): void
  /** room is how many more pictures can be held now. */
  room(): number
  /** overdue says that a picture should have been shown long ago. */
  overdue(pts: number): boolean
  /** wanted is the PTS that is to be shown now; NaN while that is not known. */
  wanted(): number
}

/** Way is one way to decode what waits in a queue. */
export interface Way {
  feed(): void
  close(): void
}

const mostUnits = 900
const mostBytes = 48 << 20
const mostInside = 4 // units given to the decoder and not yet begun
const mostErrors = 5
const nothing = new Uint8Array(0)

/**
 * Queue keeps compressed pictures until they are decoded. The wait for the
 * scenes happens here, since a browser has only few decoded pictures to lend.
 * It is bounded; when it overflows, it begins again at the next key frame.
 */
export class Queue {
  #units: Unit[] = []
  #bytes = 0
  #needKey = true
  lost = 0 // units thrown away

  get length(): number {
    return this.#units.length
  }

  push(unit: Unit): void {
    if (this.#units.length >= mostUnits || this.#bytes > mostBytes) this.restart()
    if (this.#needKey && !unit.key) {
      this.lost++
      return
    }
    this.#needKey = false
    this.#units.push(unit)
    this.#bytes += unit.data.length
  }

  /** shift takes the next unit; units before a key frame that is itself overdue are left out. */
  shift(overdue: (pts: number) => boolean): Unit | undefined {
    const key = this.#units.findLastIndex((u) => u.key && overdue(u.pts))
    if (key > 0) this.#cut(key)
    const unit = this.#units.shift()
    this.#bytes -= unit?.data.length ?? 0
    return unit
  }

  /** restart empties the queue and waits for the next key frame. */
  restart(): void {
    this.#cut(this.#units.length)
    this.#needKey = true
  }

  /** resume goes on at the next key frame that is here, or is still to come. */
  resume(): void {
    const key = this.#units.findIndex((u) => u.key)
    if (key < 0) this.restart()
    else this.#cut(key)
  }

  #cut(n: number): void {
    for (const u of this.#units.splice(0, n)) this.#bytes -= u.data.length
    this.lost += n
  }
}

/** Decoder decodes one epoch in one codec, in the best way that the browser has. */
export class Decoder {
  #queue = new Queue()
  #way: Way | null = null
  #closed = false

  constructor(
    private readonly stream: { codec: string; clock: number; width: number; height: number },
    private readonly outlet: Outlet,
  ) {
    void this.#open()
  }

  push(unit: Unit): void {
    this.#queue.push(this.stream.codec === 'mjpeg' ? { ...unit, key: true } : unit)
    this.#way?.feed()
  }

  feed(): void {
    this.#way?.feed()
  }

  close(): void {
    this.#closed = true
    this.#queue.restart()
    this.#way?.close()
    this.#way = null
  }

  async #open(): Promise<void> {
    const name = await bestWay(this.stream.codec)
    if (this.#closed) return
    if (name === 'insecure' || name === 'codec') {
      this.outlet.trouble(name)
      return
    }
    this.outlet.trouble(null)
    this.outlet.way(name)
    if (name === 'webcodecs') this.#way = new Video(this.stream.codec, this.#queue, this.outlet)
    else if (name === 'mse') this.#way = new Tape(this.stream, this.#queue, this.outlet)
    else this.#way = new Stills(this.#queue, this.outlet)
  }
}

/** bestWay is how this browser decodes a codec, or why it cannot. */
async function bestWay(codec: string): Promise<WayName | 'insecure' | 'codec'> {
  if (codec === 'mjpeg') return 'stills'
  const exact = typeof VideoDecoder !== 'undefined'
  if (exact) {
    const support = await VideoDecoder.isConfigSupported(configOf(codec)).catch(() => null)
    if (support?.supported === true) return 'webcodecs'
  }
  if (canTape(codec)) return 'mse'
  return exact || globalThis.isSecureContext ? 'codec' : 'insecure'
}

// Without a description the payload is Annex B, parameter sets in front of
// each key frame (WebCodecs, AVC and HEVC registrations).
function configOf(codec: string): VideoDecoderConfig {
  return { codec, optimizeForLatency: true }
}

/** Video decodes Annex B with WebCodecs. */
class Video implements Way {
  #decoder!: VideoDecoder
  #inside = new Map<number, Unit>() // by timestamp, as the decoder knows it
  #count = 0 // units decoded; times are counted, since two PTS may share a microsecond
  #errors = 0
  #closed = false

  constructor(
    private readonly codec: string,
    private readonly queue: Queue,
    private readonly outlet: Outlet,
  ) {
    this.#open()
  }

  feed(): void {
    const d = this.#decoder
    if (d.state !== 'configured') return
    while (d.decodeQueueSize < mostInside && this.outlet.room() - d.decodeQueueSize > 0) {
      const unit = this.queue.shift((pts) => this.outlet.overdue(pts))
      if (!unit) return
      const timestamp = ++this.#count * 1000
      this.#inside.set(timestamp, { ...unit, data: nothing })
      if (this.#inside.size > 200) this.#inside.delete(this.#inside.keys().next().value!)
      try {
        d.decode(new EncodedVideoChunk({ type: unit.key ? 'key' : 'delta', timestamp, data: unit.data }))
      } catch {
        this.#failed()
        return
      }
    }
  }

  close(): void {
    this.#closed = true
    if (this.#decoder.state !== 'closed') this.#decoder.close()
  }

  #open(): void {
    this.#inside.clear()
    this.#decoder = new VideoDecoder({
      output: (frame) => this.#output(frame),
      error: () => this.#failed(),
    })
    this.#decoder.configure(configOf(this.codec))
    this.#decoder.addEventListener('dequeue', () => this.feed())
    this.feed()
  }

  #output(frame: VideoFrame): void {
    const unit = this.#inside.get(frame.timestamp)
    this.#inside.delete(frame.timestamp)
    if (!unit || this.#closed) {
      frame.close()
      return
    }
    if (this.#errors > 0) this.outlet.trouble(null)
    this.#errors = 0
    this.outlet.picture(frame, unit)
  }

  // A decoder that met broken data is closed by the browser: a new one goes on
  // at the next key frame.
  #failed(): void {
    if (this.#closed) return
    if (this.#decoder.state !== 'closed') this.#decoder.close()
    if (++this.#errors === mostErrors) this.outlet.trouble('broken')
    this.queue.resume()
    this.#open()
  }
}

/** Stills decodes MJPEG: every unit is a JPEG. One is decoded at a time. */
class Stills implements Way {
  #busy = false
  #closed = false
  #errors = 0

  constructor(
    private readonly queue: Queue,
    private readonly outlet: Outlet,
  ) {
    this.feed()
  }

  feed(): void {
    if (this.#busy || this.#closed || this.outlet.room() <= 0) return
    const unit = this.queue.shift((pts) => this.outlet.overdue(pts))
    if (unit) void this.#decode(unit)
  }

  close(): void {
    this.#closed = true
  }

  async #decode(unit: Unit): Promise<void> {
    this.#busy = true
    const jpeg = new Blob([unit.data as Uint8Array<ArrayBuffer>], { type: 'image/jpeg' })
    const image = await createImageBitmap(jpeg).catch(() => null)
    this.#busy = false
    if (image && this.#closed) image.close()
    else if (image) {
      if (this.#errors >= mostErrors) this.outlet.trouble(null)
      this.#errors = 0
      this.outlet.picture(image, unit)
    } else if (++this.#errors === mostErrors) this.outlet.trouble('broken')
    this.feed()
  }
}
