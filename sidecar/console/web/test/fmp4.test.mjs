// The files that the page makes for a video element, read by libav.

import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { initSegment, mediaSegment } from '../src/live/fmp4'
import { sort, split } from '../src/live/nal'
import { Clock } from '../src/live/tape'

const streams = [
  { codec: 'h264', encoder: 'libx264', settings: ['-x264-params', 'bframes=0:keyint=15'], delimiter: 9, hevc: false },
  { codec: 'hevc', encoder: 'libx265', settings: ['-x265-params', 'log-level=none:bframes=0:keyint=15'], delimiter: 35, hevc: true },
]

/** encode gives the access units of 30 pictures. */
function encode(s) {
  const made = spawnSync('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', 'testsrc=size=128x96:rate=25', '-frames:v', '30',
    '-pix_fmt', 'yuv420p', '-c:v', s.encoder, ...s.settings, '-bsf:v', `${s.codec}_metadata=aud=insert`, '-f', s.codec, 'pipe:1'])
  expect(String(made.stderr)).toBe('')
  const units = []
  for (const nal of split(new Uint8Array(made.stdout))) {
    const type = s.hevc ? (nal[0] >> 1) & 63 : nal[0] & 31
    if (type === s.delimiter) units.push({ nals: [], key: false })
    const unit = units.at(-1)
    unit.nals.push(nal)
    if (s.hevc ? type >= 16 && type <= 21 : type === 5) unit.key = true
  }
  return units
}

function mux(units, hevc, pts) {
  const clock = new Clock()
  const times = pts.map((p) => clock.dts(p))
  const { parameters } = sort(units[0].nals, hevc)
  const segments = units.map((u, i) => {
    const duration = (times[i + 1] ?? times[i] + 3600) - times[i]
    return mediaSegment(i + 1, { dts: times[i], pts: pts[i], duration, key: u.key, nals: sort(u.nals, hevc).rest })
  })
  return Buffer.concat([initSegment({ timescale: 90000, width: 128, height: 96, parameters }), ...segments])
}

test.each(streams)('libav decodes every picture of $codec, with its time', (s) => {
  const units = encode(s)
  expect(units.length).toBe(30)
  const pts = units.map((_, i) => 2 ** 32 - 20_000 + i * 3600)
  const input = mux(units, s.hevc, pts)
  const frames = spawnSync('ffprobe', ['-v', 'warning', '-show_entries', 'frame=pts', '-of', 'csv=p=0', '-i', 'pipe:0'], { input })
  expect(String(frames.stderr)).toBe('')
  expect(String(frames.stdout).trim().split('\n').filter((l) => l !== '').map((l) => parseInt(l))).toEqual(pts)
  const packets = spawnSync('ffprobe', ['-v', 'error', '-show_entries', 'packet=flags', '-of', 'csv=p=0', '-i', 'pipe:0'], { input })
  expect(String(packets.stdout).trim().split('\n').map((l) => l.includes('K'))).toEqual(units.map((u) => u.key))
})
