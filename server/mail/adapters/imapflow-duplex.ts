/** The socket that ImapFlow gets: what the server says passes the limiter first, all else is the socket's own. */
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'
import { ResponseLimiter } from './imapflow-limiter.ts'

/** Read in one turn of the event loop, which others wait for; a socket alone would give up to 2 MiB. */
const turnBytes = 256 * 1024

export class LimitedSocket extends Duplex {
  readonly #socket: Socket
  readonly #limiter = new ResponseLimiter()
  readonly #onData = (chunk: Buffer) => this.#take(chunk)
  #isStarted = false
  #isWanted = true
  /** What this turn of the event loop may still read. */
  #turnLeft = turnBytes

  /** Reads nothing before `start`. */
  constructor(socket: Socket) {
    super({ allowHalfOpen: false })
    this.#socket = socket
    // After `detach` nobody listens here: such an error is that of the connection upon it, which tells of it.
    socket.on('error', error => this.destroy(this.listenerCount('error') > 0 ? error : undefined))
    // What came before a proper end is still to be read.
    socket.once('close', () => socket.readableEnded || this.destroy())
    socket.on('timeout', () => this.emit('timeout'))
  }

  get remoteAddress(): string | undefined {
    return this.#socket.remoteAddress
  }

  get remotePort(): number | undefined {
    return this.#socket.remotePort
  }

  /** ImapFlow keeps it as what tells that the connection is secure. */
  getCipher() {
    return this.#socket instanceof TLSSocket ? this.#socket.getCipher() : null
  }

  get authorized(): boolean | undefined {
    return this.#socket instanceof TLSSocket ? this.#socket.authorized : undefined
  }

  setTimeout(ms: number): this {
    this.#socket.setTimeout(ms)
    return this
  }

  setKeepAlive(enable?: boolean, initialDelay?: number): this {
    this.#socket.setKeepAlive(enable, initialDelay)
    return this
  }

  start(): void {
    this.#isStarted = true
    this.#socket.on('data', this.#onData).once('end', () => this.push(null))
  }

  /**
   * For TLS upon it: from now on nothing of it is read here.
   * @returns The socket, and whether something came already that the handshake would never see.
   */
  detach(): { socket: Socket; hasMore: boolean } {
    this.#socket.off('data', this.#onData).pause()
    this.#isStarted = false
    return { socket: this.#socket, hasMore: this.#socket.readableLength > 0 || this.readableLength > 0 }
  }

  override _read(): void {
    this.#isWanted = true
    if (this.#isStarted && this.#turnLeft > 0) this.#socket.resume()
  }

  override _write(chunk: Buffer, encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#socket.write(chunk, encoding, done)
  }

  override _final(done: () => void): void {
    if (this.#socket.destroyed) done()
    else this.#socket.end(() => done())
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket.destroy()
    done(error)
  }

  #take(chunk: Buffer): void {
    this.#countTurn(chunk.length)
    try {
      const passed = this.#limiter.push(chunk)
      if (passed.length > 0) this.#isWanted = this.push(passed)
      if (!this.#isWanted || this.#turnLeft <= 0) this.#socket.pause()
    } catch (error) {
      this.destroy(error instanceof Error ? error : new Error('the answer could not be read'))
    }
  }

  #countTurn(bytes: number): void {
    if (this.#turnLeft === turnBytes) setImmediate(() => this.#nextTurn())
    this.#turnLeft -= bytes
  }

  #nextTurn(): void {
    this.#turnLeft = turnBytes
    if (this.#isStarted && this.#isWanted) this.#socket.resume()
  }
}
