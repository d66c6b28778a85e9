// WebSockets (RFC 6455), as far as the tests need them: a server's side that
// only sends, and a client of text messages.

import { createHash, randomBytes } from 'node:crypto'
import { request as ask } from 'node:http'

/** accept answers an upgrade and gives { send, close, closed }. */
export function accept(request, socket) {
  const key = request.headers['sec-websocket-key']
  const answer = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
  socket.write(
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
      `Sec-WebSocket-Accept: ${answer}\r\n\r\n`,
  )
  socket.setNoDelay(true)
  const closed = new Promise((resolve) => socket.on('close', resolve))
  socket.on('error', () => {})
  socket.resume()
  return {
    send(data) {
      if (!socket.writable) return
      const text = typeof data === 'string'
      const payload = text ? Buffer.from(data) : data
      socket.write(Buffer.concat([header(text ? 1 : 2, payload.length), payload]))
    },
    close: () => socket.destroy(),
    closed,
  }
}

function header(opcode, length) {
  if (length < 126) return Buffer.from([0x80 | opcode, length])
  const h = Buffer.alloc(length < 65536 ? 4 : 10)
  h[0] = 0x80 | opcode
  if (h.length === 4) {
    h[1] = 126
    h.writeUInt16BE(length, 2)
  } else {
    h[1] = 127
    h.writeBigUInt64BE(BigInt(length), 2)
  }
  return h
}

/** Client sends and gets text messages: message(text) and ended() are called. */
export class Client {
  message = () => {}
  ended = () => {}
  #socket
  #rest = Buffer.alloc(0)
  #parts = []

  constructor(socket, head) {
    this.#socket = socket
    socket.on('data', (d) => this.#data(d))
    socket.on('error', () => {})
    socket.on('close', () => this.ended())
    if (head.length > 0) setImmediate(() => this.#data(head))
  }

  static open(host, port, path) {
    return new Promise((resolve, reject) => {
      const headers = { Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Version': '13', 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==' }
      const upgrade = ask({ host, port, path, headers })
      upgrade.on('error', reject)
      upgrade.on('response', (r) => reject(new Error(`no upgrade: ${r.statusCode}`)))
      upgrade.on('upgrade', (_, socket, head) => resolve(new Client(socket, head)))
      upgrade.end()
    })
  }

  /** send masks, as a client must (RFC 6455 section 5.3). */
  send(text) {
    const mask = randomBytes(4)
    const payload = Buffer.from(text).map((b, i) => b ^ mask[i % 4])
    const h = header(1, payload.length)
    h[1] |= 0x80
    this.#socket.write(Buffer.concat([h, mask, payload]))
  }

  #data(data) {
    this.#rest = Buffer.concat([this.#rest, data])
    for (let frame = this.#frame(); frame; frame = this.#frame()) {
      if (frame.opcode > 2) continue // a ping, or the end, which the socket tells too
      this.#parts.push(frame.payload)
      if (frame.last) this.message(Buffer.concat(this.#parts.splice(0)).toString())
    }
  }

  #frame() {
    const b = this.#rest
    const short = (b[1] ?? 0) & 0x7f
    const start = short < 126 ? 2 : short === 126 ? 4 : 10
    if (b.length < start) return null
    const length = short < 126 ? short : short === 126 ? b.readUInt16BE(2) : Number(b.readBigUInt64BE(2))
    if (b.length < start + length) return null
    this.#rest = b.subarray(start + length)
    return { opcode: b[0] & 15, last: (b[0] & 0x80) !== 0, payload: b.subarray(start, start + length) }
  }
}
