// Pictures through a video element (Media Source Extensions), for browsers that
// have no VideoDecoder: from before 2022, or on a page that came over plain HTTP.

import type { Outlet, Queue, Way } from './decoder'
import { initSegment, mediaSegment, type Sample, type Track } from './fmp4'
import { sort, split } from './nal'
import type { Unit } from './protocol'

const keptSeconds = 10 // behind what is shown
const farSeconds = 0.5 // the video jumps where it is so far from what is wanted
const nearSeconds = 0.02 // and runs at its own pace where it is so near
const mostPending = 600
const mostErrors = 5

/** canTape says whether a SourceBuffer takes this codec. */
export function canTape(codec: string): boolean {
  return typeof MediaSource !== 'undefined' && MediaSource.isTypeSupported(mime(codec))
}

function mime(codec: string): string {
  return `video/mp4; codecs="${codec}"`
}

/** Clock gives access units their decoding times: all that a stream in order of decoding says is when each is shown. */
export class Clock {
  #last = -1 // decoding time of the unit before
  #shown = NaN // its presentation time
  #step = Infinity // shortest way between two units
  #reordered = false

  /** dts is greater than the one before; it is the presentation time while no unit has come out of order. */
  dts(pts: number): number {
    const way = Math.abs(pts - this.#shown)
    if (way > 0) this.#step = Math.min(this.#step, way)
    this.#shown = pts
    this.#reordered ||= pts <= this.#last
    this.#last = this.#reordered ? this.#last + (this.#step === Infinity ? 1 : this.#step) : pts
    return this.#last
  }
}

/** Shown is a picture by the video's clock, seconds. */
interface Shown {
  at: number
  pts: number
  capture: number
}

/**
 * Tape shows a stream in a video element that is on no page, and steers it
 * along what is wanted. Its pictures are known by the video's own clock, so that
 * one may be taken for its neighbour.
 */
export class Tape implements Way {
  #video!: HTMLVideoElement
  #buffer: SourceBuffer | null = null
  #pending: Uint8Array<ArrayBuffer>[] = []
  #clock = new Clock()
  #base: number | null = null // PTS of the first picture, one second after the video's beginning
  #sets = '' // the parameter sets of the newest initialisation segment
  #waiting: Sample | null = null // until the next one tells its duration
  #sequence = 0
  #times: Shown[] = [] // of the pictures in the buffer
  #shown = NaN
  #errors = 0
  #closed = false

  constructor(
    private readonly stream: { codec: string; clock: number; width: number; height: number },
    private readonly queue: Queue,
    private readonly outlet: Outlet,
  ) {
    this.#open()
  }

  feed(): void {
    if (!this.#buffer) return
    for (let unit = this.#next(); unit; unit = this.#next()) this.#take(unit)
    this.#append()
    this.#steer()
    if (!('requestVideoFrameCallback' in HTMLVideoElement.prototype)) this.#show(this.#video.currentTime)
  }

  close(): void {
    this.#closed = true
    this.#buffer = null
    this.#video.onerror = null
    this.#video.removeAttribute('src')
    this.#video.load()
  }

  #next(): Unit | undefined {
    return this.queue.shift((pts) => this.outlet.overdue(pts))
  }

  #open(): void {
    const video = document.createElement('video')
    const source = new MediaSource()
    const address = URL.createObjectURL(source)
    video.muted = true
    video.playsInline = true
    video.onerror = () => this.#failed(video)
    source.onsourceopen = () => {
      URL.revokeObjectURL(address)
      if (this.#closed || this.#video !== video) return
      this.#buffer = source.addSourceBuffer(mime(this.stream.codec))
      this.#buffer.onupdateend = () => this.#append()
      this.feed()
    }
    this.#video = video
    video.src = address
    this.#watch(video)
  }

  // A video that met broken data is of no use: a new one goes on at the next key frame.
  #failed(video: HTMLVideoElement): void {
    if (this.#closed || this.#video !== video) return
    if (++this.#errors === mostErrors) this.outlet.trouble('broken')
    this.#buffer = null
    this.#pending = []
    this.#times = []
    this.#clock = new Clock()
    this.#base = null
    this.#sets = ''
    this.#waiting = null
    this.queue.resume()
    this.#open()
  }

  #take(unit: Unit): void {
    const hevc = this.stream.codec.startsWith('h')
    const { parameters, rest } = sort(split(unit.data), hevc)
    const sets = Object.values(parameters).flat().join('|')
    if (unit.key && parameters.sps.length > 0 && sets !== this.#sets) {
      this.#sets = sets
      const track: Track = { timescale: this.stream.clock, width: this.stream.width, height: this.stream.height, parameters }
      this.#pending.push(initSegment(track))
    }
    if (this.#sets === '' || rest.length === 0) return
    this.#base ??= unit.pts - this.stream.clock
    const pts = unit.pts - this.#base
    const sample = { dts: this.#clock.dts(pts), pts, duration: 0, key: unit.key, nals: rest }
    const before = this.#waiting
    this.#waiting = sample
    this.#times.push({ at: pts / this.stream.clock, pts: unit.pts, capture: unit.capture })
    if (before) this.#pending.push(mediaSegment(++this.#sequence, { ...before, duration: sample.dts - before.dts }))
  }

  #append(): void {
    const buffer = this.#buffer
    if (!buffer || buffer.updating) return
    const old = this.#video.currentTime - keptSeconds
    try {
      if (buffer.buffered.length > 0 && buffer.buffered.start(0) < old - keptSeconds) {
        buffer.remove(0, old)
      } else if (this.#pending.length > 0) {
        buffer.appendBuffer(this.#pending[0]!)
        this.#pending.shift()
      }
    } catch {
      if (this.#pending.length > mostPending) this.#failed(this.#video)
    }
  }

  #steer(): void {
    const video = this.#video
    const { buffered } = video
    const wanted = this.outlet.wanted()
    if (this.#base === null || Number.isNaN(wanted) || buffered.length === 0) return
    const at = (wanted - this.#base) / this.stream.clock
    const [start, end] = [buffered.start(0), buffered.end(buffered.length - 1)]
    if (at < start) {
      video.pause()
      return
    }
    const off = at - video.currentTime
    if (Math.abs(off) > farSeconds || video.currentTime < start) {
      const to = Math.min(at, end - 0.01)
      if (!video.seeking && Math.abs(to - video.currentTime) > farSeconds / 2) video.currentTime = to
    } else video.playbackRate = Math.abs(off) < nearSeconds ? 1 : 1 + Math.max(-0.1, Math.min(0.1, off))
    if (video.paused) void video.play().catch(() => undefined)
  }

  #watch(video: HTMLVideoElement): void {
    if (!('requestVideoFrameCallback' in video)) return
    const shown = (_: number, frame: VideoFrameCallbackMetadata): void => {
      if (this.#closed || this.#video !== video) return
      this.#show(frame.mediaTime)
      video.requestVideoFrameCallback(shown)
    }
    video.requestVideoFrameCallback(shown)
  }

  // The picture of a moment is the one that is nearest to it.
  #show(at: number): void {
    let nearest: Shown | null = null
    for (const t of this.#times) if (!nearest || Math.abs(t.at - at) < Math.abs(nearest.at - at)) nearest = t
    if (!nearest || nearest.pts === this.#shown || this.#video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA) return
    this.#shown = nearest.pts
    if (this.#errors > 0) this.outlet.trouble(null)
    this.#errors = 0
    this.#times = this.#times.filter((t) => t.at > at - keptSeconds)
    this.outlet.shown(this.#video, nearest.pts, nearest.capture)
  }
}
