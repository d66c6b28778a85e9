// The pipeline as it is often built: ffmpeg decodes and scales, raw frames come
// over a pipe, and a script feeds the model. It prints the processor time of
// ffmpeg and of itself, in seconds, over the measured while.
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const [url, model, modules, w, h, fps, seconds, means, stds] = process.argv.slice(2)
const width = Number(w), height = Number(h)
const ort = createRequire(modules + '/')('onnxruntime-node')

const session = await ort.InferenceSession.create(readFileSync(model), {
  intraOpNumThreads: 1, interOpNumThreads: 1, executionMode: 'sequential', graphOptimizationLevel: 'all',
  extra: { session: { intra_op: { allow_spinning: '0' }, inter_op: { allow_spinning: '0' } } },
})
const mean = means.split(',').map(Number), std = stds.split(',').map(Number)
const plane = width * height
const type = session.inputMetadata[0].type
const tensor = type === 'uint8' ? new Uint8Array(3 * plane) : new Float32Array(3 * plane)
const input = new ort.Tensor(type, tensor, [1, 3, height, width])

const ffmpeg = spawn('ffmpeg', ['-nostdin', '-v', 'quiet', '-threads', '2', '-rtsp_transport', 'tcp', '-i', url,
  '-vf', `fps=${fps},scale=${width}:-2,pad=${width}:${height}:0:0`, '-an', '-f', 'rawvideo', '-pix_fmt', 'bgr24', 'pipe:1'],
{ stdio: ['ignore', 'pipe', 'inherit'] })

const used = (pid) => {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}

const look = async (frame) => {
  for (let c = 0; c < 3; c++) {
    const m = mean[c], s = 1 / std[c], at = c * plane
    for (let i = 0, j = c; i < plane; i++, j += 3) tensor[at + i] = (frame[j] - m) * s
  }
  const out = await session.run({ [session.inputNames[0]]: input })
  // The least that anybody does with the output: the cells that are sure enough.
  let found = 0
  for (const v of out[session.outputNames[0]].data) if (v > 0.4) found++
  return found
}

const size = 3 * plane
const frame = Buffer.alloc(size)
let filled = 0, frames = 0, begun = null, end = null
for await (const chunk of ffmpeg.stdout) {
  for (let at = 0; at < chunk.length;) {
    const n = Math.min(size - filled, chunk.length - at)
    chunk.copy(frame, filled, at, at + n)
    filled += n
    at += n
    if (filled < size) continue
    filled = 0
    await look(frame)
    frames++
    // The first second warms both up.
    if (frames === Number(fps)) begun = { t: performance.now(), cpu: used(ffmpeg.pid) + used(process.pid), frames }
  }
  if (begun && performance.now() - begun.t >= 1000 * Number(seconds)) {
    end = used(ffmpeg.pid) + used(process.pid)
    break
  }
}
ffmpeg.kill('SIGKILL')
if (end === null) {
  console.error('the peer got no frames')
  process.exit(1)
}
const took = (performance.now() - begun.t) / 1000
if (frames - begun.frames < 0.8 * took * Number(fps)) {
  console.error(`the peer looked at only ${frames - begun.frames} frames in ${took.toFixed(1)} s: the machine is too busy to measure`)
  process.exit(1)
}
console.log((end - begun.cpu) * Number(seconds) / took)
process.exit(0)
