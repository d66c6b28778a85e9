// A clip whose pictures carry their own number: 16 black or white blocks, the
// highest bit first, and below them the same bits inverted as a check.

import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'

export const width = 640
export const height = 360
export const block = 40 // pixels; 16 of them fill the width
const top = 20

/** slots is how many places a box can stand in; box(n) is that of picture n. */
export const slots = 20
export function box(n) {
  const left = (n % slots) * 32 + 4
  return [left / width, 180 / height, (left + 24) / width, 330 / height]
}

/** encode gives the access units of n pictures: H.264 in Annex B, or JPEGs. */
export async function encode(n, codec = 'h264') {
  const input = ['-f', 'rawvideo', '-pix_fmt', 'gray', '-s', `${width}x${height}`, '-r', '25', '-i', 'pipe:0']
  const out =
    codec === 'mjpeg'
      ? ['-c:v', 'mjpeg', '-q:v', '3', '-pix_fmt', 'yuvj420p', '-f', 'mjpeg']
      : ['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-profile:v', 'baseline', '-pix_fmt', 'yuv420p',
         '-g', '50', '-bf', '0', '-x264-params', 'aud=1:sliced-threads=0', '-f', 'h264']
  const ffmpeg = spawn('ffmpeg', ['-v', 'error', ...input, ...out, 'pipe:1'], { stdio: ['pipe', 'pipe', 'inherit'] })
  const chunks = []
  ffmpeg.stdout.on('data', (c) => chunks.push(c))
  const ended = once(ffmpeg, 'close')
  for (let i = 0; i < n; i++) if (!ffmpeg.stdin.write(picture(i))) await once(ffmpeg.stdin, 'drain')
  ffmpeg.stdin.end()
  const [code] = await ended
  if (code !== 0) throw new Error(`ffmpeg ended with ${code}; install it with: apt-get install ffmpeg`)
  const stream = Buffer.concat(chunks)
  const units = codec === 'mjpeg' ? splitBefore(stream, Buffer.from([0xff, 0xd8, 0xff])) : splitBefore(stream, Buffer.from([0, 0, 0, 1, 9]))
  if (units.length !== n) throw new Error(`${units.length} access units, want ${n}`)
  return units.map((data) => ({ data, key: codec === 'mjpeg' || data.includes(Buffer.from([0, 0, 1, 0x65])) }))
}

/** encodeReordered gives the access units of n pictures with B pictures: in the order of decoding, each with its number. */
export async function encodeReordered(n) {
  const plain = Buffer.concat((await encode(n)).map((u) => u.data))
  const run = (command, args, input) => {
    const made = spawnSync(command, ['-v', 'error', ...args], { input, maxBuffer: 1 << 28 })
    if (made.status !== 0) throw new Error(`${command}: ${made.stderr}`)
    return made.stdout
  }
  const file = run('ffmpeg', ['-r', '25', '-f', 'h264', '-i', 'pipe:0', '-c:v', 'libx264', '-preset', 'ultrafast', '-profile:v', 'main',
    '-bf', '2', '-b_strategy', '0', '-g', '50', '-x264-params', 'aud=1:scenecut=0', '-f', 'matroska', 'pipe:1'], plain)
  const stream = run('ffmpeg', ['-i', 'pipe:0', '-c', 'copy', '-bsf:v', 'h264_mp4toannexb', '-f', 'h264', 'pipe:1'], file)
  const packets = String(run('ffprobe', ['-show_entries', 'packet=pts_time', '-of', 'csv=p=0', 'pipe:0'], file)).trim().split('\n')
  const numbers = packets.map((p) => Math.round(parseFloat(p) * 25))
  const first = Math.min(...numbers)
  const units = splitBefore(stream, Buffer.from([0, 0, 1, 9]))
  if (units.length !== numbers.length) throw new Error(`${units.length} access units, and ${numbers.length} times`)
  return units.map((data, i) => ({ data, key: data.includes(Buffer.from([0, 0, 1, 0x65])), number: numbers[i] - first }))
}

function picture(n) {
  const p = Buffer.alloc(width * height, 96)
  for (let y = 0; y < 2 * block; y++) {
    for (let bit = 0; bit < 16; bit++) {
      const set = ((n >> (15 - bit)) & 1) === (y < block ? 1 : 0)
      p.fill(set ? 235 : 16, (top + y) * width + bit * block, (top + y) * width + (bit + 1) * block)
    }
  }
  return p
}

function splitBefore(stream, mark) {
  const at = []
  for (let i = stream.indexOf(mark); i >= 0; i = stream.indexOf(mark, i + mark.length)) at.push(i)
  return at.map((from, i) => stream.subarray(from, at[i + 1]))
}

/**
 * read runs in the page: the number in the blocks of a canvas (-1 where the
 * check fails) and the place of the box that is drawn over the picture (-1
 * where there is none, or more than one).
 */
export function read(canvas) {
  const { width: w, height: h } = canvas
  const { data } = canvas.getContext('2d').getImageData(0, 0, w, h)
  const at = (x, y) => 4 * (Math.round((y / 360) * h) * w + Math.round((x / 640) * w))
  let number = 0
  for (let bit = 0; bit < 16; bit++) {
    const upper = data[at(bit * 40 + 20, 40)] > 128
    const lower = data[at(bit * 40 + 20, 80)] > 128
    if (upper === lower) return { number: -1, slot: -1 }
    number = number * 2 + (upper ? 1 : 0)
  }
  // The boxes are orange (person): red far above blue, which no grey picture has.
  const orange = (x, y) => data[at(x, y)] - data[at(x, y) + 2] > 90
  const found = []
  for (let s = 0; s < 20; s++) {
    for (let dx = -1; dx <= 1; dx += 0.5) {
      if (!orange(s * 32 + 4 + dx, 250)) continue
      found.push(s)
      break
    }
  }
  return { number, slot: found.length === 1 ? found[0] : -1 }
}
