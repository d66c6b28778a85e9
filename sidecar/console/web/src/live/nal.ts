// NAL units of H.264 and H.265, as far as a container needs to know them.

/** Parameters are a stream's parameter sets: SPS and PPS, and the VPS of H.265. */
export interface Parameters {
  vps: Uint8Array[] // empty: H.264
  sps: Uint8Array[]
  pps: Uint8Array[]
}

/** split gives the NAL units of an Annex B byte stream, without start codes. */
export function split(data: Uint8Array): Uint8Array[] {
  const out: Uint8Array[] = []
  let from = -1
  for (let i = data.indexOf(1, 2); i >= 0; i = data.indexOf(1, i + 1)) {
    if (data[i - 1] !== 0 || data[i - 2] !== 0) continue
    if (from >= 0) out.push(trimmed(data.subarray(from, i - 2)))
    from = i + 1
  }
  if (from >= 0) out.push(trimmed(data.subarray(from)))
  return out.filter((n) => n.length > 0)
}

// Zeros after a NAL unit belong to the next start code, or fill the end (H.264 clause B.1).
function trimmed(nal: Uint8Array): Uint8Array {
  let end = nal.length
  while (end > 0 && nal[end - 1] === 0) end--
  return nal.subarray(0, end)
}

/** sort parts the parameter sets from what else an access unit holds; delimiters are left out. */
export function sort(nals: Uint8Array[], hevc: boolean): { parameters: Parameters; rest: Uint8Array[] } {
  const parameters: Parameters = { vps: [], sps: [], pps: [] }
  const rest: Uint8Array[] = []
  const [vps, sps, pps, delimiter] = hevc ? [32, 33, 34, 35] : [-1, 7, 8, 9]
  for (const nal of nals) {
    const type = hevc ? (nal[0]! >> 1) & 0x3f : nal[0]! & 0x1f
    if (type === vps) parameters.vps.push(nal)
    else if (type === sps) parameters.sps.push(nal)
    else if (type === pps) parameters.pps.push(nal)
    else if (type !== delimiter) rest.push(nal)
  }
  return { parameters, rest }
}

/** plain takes the emulation prevention bytes out of the beginning of a NAL unit (H.264 clause 7.4.1.1). */
export function plain(nal: Uint8Array, length: number): Uint8Array {
  const out: number[] = []
  for (let i = 0; i < nal.length && out.length < length; i++) {
    if (nal[i] === 3 && nal[i - 1] === 0 && nal[i - 2] === 0) continue
    out.push(nal[i]!)
  }
  return Uint8Array.from(out)
}
