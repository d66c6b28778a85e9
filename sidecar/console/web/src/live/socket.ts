// One WebSocket that comes back by itself.

/** Events is what a Socket tells. */
export interface Events {
  open(): void
  message(data: string | ArrayBuffer): void
  /** lost: the connection ended; the next attempt is in so many ms. */
  lost(retryMs: number): void
}

const quietMs = 20_000 // a server that says nothing for so long is gone: stats come once a second

/** backoff is the wait before attempt n (from 0): 0.5 s doubling to 15 s, ±25 %. */
export function backoff(n: number, random: number): number {
  return Math.min(15_000, 500 * 2 ** Math.min(n, 10)) * (0.75 + random / 2)
}

/** Socket connects at once, and again after each loss until it is closed. */
export class Socket {
  #ws: WebSocket | null = null
  #timer: ReturnType<typeof setTimeout> | undefined
  #quiet: ReturnType<typeof setTimeout> | undefined
  #attempt = 0
  #closed = false

  constructor(
    private readonly url: () => string, // asked for each attempt
    private readonly events: Events,
  ) {
    this.#connect()
  }

  /** close ends the connection for good. */
  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
    clearTimeout(this.#quiet)
    this.#ws?.close()
  }

  /** hurry makes a waiting attempt at once: the network is back, the page is looked at again. */
  hurry(): void {
    if (this.#closed || this.#ws) return
    this.#attempt = 0
    this.#connect()
  }

  /** again leaves the connection for a new one: the address is another now. */
  again(): void {
    const old = this.#ws
    this.#ws = null
    if (old) {
      old.onmessage = null
      old.close()
    }
    if (!this.#closed) this.#connect()
  }

  #connect(): void {
    clearTimeout(this.#timer)
    const ws = new WebSocket(this.url())
    ws.binaryType = 'arraybuffer'
    this.#ws = ws
    this.#watch()
    ws.onopen = () => this.events.open()
    ws.onmessage = (e: MessageEvent<string | ArrayBuffer>) => {
      this.#attempt = 0
      this.#watch()
      this.events.message(e.data)
    }
    ws.onclose = () => this.#lost(ws)
  }

  // A closing handshake may never be answered: the loss counts from now.
  #watch(): void {
    clearTimeout(this.#quiet)
    const ws = this.#ws
    this.#quiet = setTimeout(() => {
      ws?.close()
      if (ws) this.#lost(ws)
    }, quietMs)
  }

  #lost(ws: WebSocket): void {
    if (this.#closed || this.#ws !== ws) return
    this.#ws = null
    ws.onmessage = null
    clearTimeout(this.#quiet)
    const wait = backoff(this.#attempt++, Math.random())
    this.#timer = setTimeout(() => this.#connect(), wait)
    this.events.lost(wait)
  }
}
