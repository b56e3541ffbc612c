/** Reads what a mail server sends line by line, over a connection that may be upgraded to TLS; bounded in size. */
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'
import { PlaceFault } from './outcome.ts'

/** Upper bound of bytes in all responses together. */
const mostBytes = 16 * 1024

export class LineSocket {
  #socket: Socket
  readonly #plain: Socket
  #unread = ''
  #bytes = 0
  #isOver = false
  #error: Error | undefined
  #wake: () => void = () => undefined

  constructor(socket: Socket) {
    this.#socket = socket
    this.#plain = socket
    this.#follow(socket)
  }

  /** Returns undefined once the server has closed the connection. */
  async next(): Promise<string | undefined> {
    for (;;) {
      const end = this.#unread.indexOf('\n')
      if (end >= 0) {
        const line = this.#unread.slice(0, end).replace(/\r$/, '')
        this.#unread = this.#unread.slice(end + 1)
        return line
      }
      if (this.#error) throw this.#error
      if (this.#isOver) return undefined
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#wake = resolve
      await promise
    }
  }

  send(line: string): void {
    this.#socket.write(`${line}\r\n`)
  }

  /** Starts TLS, with a certificate for the host. @throws PlaceFault, or the error of the connection. */
  async secure(options: Pick<ConnectionOptions, 'servername' | 'ca'>, signal: AbortSignal): Promise<void> {
    // A man in the middle could have injected it, to be read as if it came over TLS.
    if (this.#unread !== '')
      throw new PlaceFault('failed', 'It sent more before encryption than was requested: refused.')
    this.#plain.removeAllListeners('data').removeAllListeners('end').removeAllListeners('close')
    const socket = connectTls({ ...options, socket: this.#plain })
    this.#socket = socket
    this.#follow(socket)
    await once(socket, 'secureConnect', { signal })
  }

  close(): void {
    this.#socket.destroy()
    this.#plain.destroy()
  }

  #follow(socket: Socket): void {
    socket
      .on('data', (piece: Buffer) => {
        this.#bytes += piece.length
        if (this.#bytes > mostBytes) socket.destroy(new PlaceFault('failed', 'It sends more than a mail server does.'))
        else this.#unread += piece.toString('latin1')
        this.#wake()
      })
      .on('error', error => {
        this.#error ??= error
        this.#wake()
      })
    for (const event of ['end', 'close']) {
      socket.on(event, () => {
        this.#isOver = true
        this.#wake()
      })
    }
  }
}
