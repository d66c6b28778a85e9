// The server's side of a WebSocket (RFC 6455), as far as the tests need it:
// messages out, none in.

import { createHash } from 'node:crypto'

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
