// Fragmented MP4 of one video track (ISO/IEC 14496-12, sample entries of
// 14496-15): what a SourceBuffer takes.

import { plain, type Parameters } from './nal'

/** Track is what the initialisation segment says. */
export interface Track {
  timescale: number
  width: number
  height: number
  parameters: Parameters
}

/** Sample is one access unit with its times, in the track's timescale. */
export interface Sample {
  dts: number
  pts: number
  duration: number
  key: boolean
  nals: Uint8Array[]
}

type Part = Uint8Array<ArrayBuffer>

const matrix = words(0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)

/** initSegment describes the track: ftyp and moov. */
export function initSegment(t: Track): Part {
  const mvhd = full('mvhd', 0, 0, words(0, 0, t.timescale, 0, 0x10000, 0x01000000, 0, 0), matrix, zeros(24), words(2))
  const tkhd = full('tkhd', 0, 3, words(0, 0, 1, 0, 0, 0, 0, 0, 0), matrix, words(t.width << 16, t.height << 16))
  const mdhd = full('mdhd', 0, 0, words(0, 0, t.timescale, 0, 0x55c40000)) // language "und"
  const hdlr = full('hdlr', 0, 0, words(0), ascii('vide'), zeros(12), ascii('video\0'))
  const dinf = box('dinf', full('dref', 0, 0, words(1), full('url ', 0, 1)))
  const tables = ['stts', 'stsc', 'stco'].map((name) => full(name, 0, 0, words(0)))
  const stbl = box('stbl', full('stsd', 0, 0, words(1), entry(t)), ...tables, full('stsz', 0, 0, words(0, 0)))
  const minf = box('minf', full('vmhd', 0, 1, zeros(8)), dinf, stbl)
  const trak = box('trak', tkhd, box('mdia', mdhd, hdlr, minf))
  const mvex = box('mvex', full('trex', 0, 0, words(1, 1, 0, 0, 0)))
  return join([box('ftyp', ascii('iso6'), words(0), ascii('iso6mp41')), box('moov', mvhd, trak, mvex)])
}

/** mediaSegment is one sample: moof and mdat. */
export function mediaSegment(sequence: number, s: Sample): Part {
  const data = s.nals.flatMap((n) => [words(n.length), n])
  const size = data.reduce((sum, d) => sum + d.length, 0)
  const moof = (offset: number) => {
    const flags = s.key ? 0x02000000 : 0x01010000 // depends on no other; or does, and is no place to begin
    const trun = full('trun', 1, 0xf01, words(1, offset, s.duration, size, flags, s.pts - s.dts))
    const tfdt = full('tfdt', 1, 0, words(Math.floor(s.dts / 2 ** 32), s.dts % 2 ** 32))
    const traf = box('traf', full('tfhd', 0, 0x020000, words(1)), tfdt, trun)
    return box('moof', full('mfhd', 0, 0, words(sequence)), traf)
  }
  return join([moof(moof(0).length + 8), box('mdat', ...data)])
}

// The sample entry: avc1 or hvc1, with the parameter sets.
function entry(t: Track): Part {
  const hevc = t.parameters.vps.length > 0
  const common = [zeros(6), halves(1), zeros(16), halves(t.width, t.height), words(0x480000, 0x480000, 0), halves(1), zeros(32), halves(0x18, 0xffff)]
  return box(hevc ? 'hvc1' : 'avc1', ...common, hevc ? hvcC(t.parameters) : avcC(t.parameters))
}

// AVCDecoderConfigurationRecord, 14496-15 section 5.3.3.1.
function avcC(p: Parameters): Part {
  const sps = p.sps[0]!
  return box('avcC', bytes(1, sps[1]!, sps[2]!, sps[3]!, 0xff, 0xe0 | p.sps.length), ...sized(p.sps), bytes(p.pps.length), ...sized(p.pps))
}

// HEVCDecoderConfigurationRecord, 14496-15 section 8.3.3.1: the twelve bytes of
// profile_tier_level are those of the SPS. 4:2:0; ten bits where the profile is Main 10.
function hvcC(p: Parameters): Part {
  const level = plain(p.sps[0]!, 15).subarray(3)
  const depth = (level[0]! & 0x1f) === 2 ? 2 : 0
  const head = bytes(0xf0, 0, 0xfc, 0xfd, 0xf8 | depth, 0xf8 | depth, 0, 0, 0x0f, 3)
  const sets = [[32, p.vps], [33, p.sps], [34, p.pps]] as const
  return box('hvcC', bytes(1), level, head, ...sets.flatMap(([type, nals]) => [bytes(0x80 | type), halves(nals.length), ...sized(nals)]))
}

function sized(nals: Uint8Array[]): Uint8Array[] {
  return nals.flatMap((n) => [halves(n.length), n])
}

function full(type: string, version: number, flags: number, ...parts: Uint8Array[]): Part {
  return box(type, words(version * 2 ** 24 + flags), ...parts)
}

function box(type: string, ...parts: Uint8Array[]): Part {
  const size = parts.reduce((sum, p) => sum + p.length, 8)
  return join([words(size), ascii(type), ...parts])
}

function join(parts: Uint8Array[]): Part {
  const out = new Uint8Array(parts.reduce((sum, p) => sum + p.length, 0))
  let at = 0
  for (const p of parts) {
    out.set(p, at)
    at += p.length
  }
  return out
}

function words(...values: number[]): Part {
  const out = new DataView(new ArrayBuffer(values.length * 4))
  values.forEach((v, i) => out.setUint32(i * 4, v))
  return new Uint8Array(out.buffer)
}

function halves(...values: number[]): Part {
  return bytes(...values.flatMap((v) => [v >> 8, v & 0xff]))
}

function bytes(...values: number[]): Part {
  return Uint8Array.from(values)
}

function ascii(text: string): Part {
  return Uint8Array.from(text, (c) => c.charCodeAt(0))
}

function zeros(n: number): Part {
  return new Uint8Array(n)
}
