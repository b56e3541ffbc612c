/** The socket given to ImapFlow: incoming data passes budget and limiter, in turn with other servers. */
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'
import type { SeenCertificate } from '../../accounts/certificate-ends.ts'
import type { ImapLines } from '../imap-lines.ts'
import { type AnswerBudget, floods } from './imapflow-budget.ts'
import { ResponseLimiter } from './imapflow-limiter.ts'

export type OnTraffic = (received: number, sent: number) => void

/** Observers of the traffic: its size, its dialogue, and the certificate. */
export interface SocketListeners {
  onTraffic?: OnTraffic | undefined
  lines?: ImapLines | undefined
  onCertificate?: ((certificate: SeenCertificate | undefined) => void) | undefined
}

export class LimitedSocket extends Duplex implements Incoming {
  readonly #socket: Socket
  readonly #budget: AnswerBudget
  readonly #turns: IncomingTurns
  readonly #listeners: SocketListeners
  readonly #limiter: ResponseLimiter
  readonly #onData = (chunk: Buffer) => this.#came(chunk)
  #isStarted = false
  #isWanted = true
  #hasEnded = false
  /** Data received and not read yet; the socket is paused until it is. */
  #waiting: Buffer | undefined

  /** Reads nothing before `start`. */
  constructor(socket: Socket, budget: AnswerBudget, turns: IncomingTurns, listeners: SocketListeners = {}) {
    super({ allowHalfOpen: false })
    this.#socket = socket
    this.#budget = budget
    this.#turns = turns
    this.#listeners = listeners
    this.#limiter = new ResponseLimiter({ bounds: budget })
    // With Nagle's algorithm, pipelined commands would wait a round trip for the response to the first.
    socket.setNoDelay()
    // After `detach` no listener is left here: the connection layered on it reports the error.
    socket.on('error', error => this.destroy(this.listenerCount('error') > 0 ? error : undefined))
    // Data received before a proper end must still be read.
    socket.once('close', () => socket.readableEnded || this.destroy())
    socket.on('timeout', () => this.emit('timeout'))
  }

  get remoteAddress(): string | undefined {
    return this.#socket.remoteAddress
  }

  get remotePort(): number | undefined {
    return this.#socket.remotePort
  }

  /** ImapFlow treats a cipher as proof that the connection is secure. */
  getCipher() {
    return this.#socket instanceof TLSSocket ? this.#socket.getCipher() : null
  }

  get authorized(): boolean | undefined {
    return this.#socket instanceof TLSSocket ? this.#socket.authorized : undefined
  }

  get isReady(): boolean {
    return this.#isStarted && this.#isWanted && this.#waiting !== undefined && !this.destroyed
  }

  get isPrompt(): boolean {
    return this.#budget.isPrompt
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
    this.#socket.on('data', this.#onData).once('end', () => {
      this.#hasEnded = true
      this.#goOn()
    })
  }

  /**
   * Hands over the socket for TLS on top of it; nothing is read here any more.
   * @returns The socket, and whether data was already received that the handshake would never see.
   */
  detach(): { socket: Socket; hasMore: boolean } {
    this.#socket.off('data', this.#onData).pause()
    this.#isStarted = false
    const hasMore = this.#waiting !== undefined || this.#socket.readableLength > 0 || this.readableLength > 0
    return { socket: this.#socket, hasMore }
  }

  readSome(maxLines: number): void {
    const chunk = this.#waiting
    if (!chunk) return
    try {
      const passed = this.#limiter.push(chunk, maxLines)
      const { taken, keptBytes } = this.#limiter
      this.#waiting = taken.bytes < chunk.length ? chunk.subarray(taken.bytes) : undefined
      this.#budget.take(taken)
      this.#turns.hold(this, keptBytes + this.#budget.collected)
      if (passed.length > 0) {
        this.#listeners.lines?.received(passed)
        this.#isWanted = this.push(passed)
      }
      this.#goOn()
    } catch (error) {
      this.destroy(error instanceof Error ? error : new Error('the answer could not be read'))
    }
  }

  override _read(): void {
    this.#isWanted = true
    this.#goOn()
  }

  override _write(chunk: Buffer, encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#budget.sent(chunk)
    this.#listeners.onTraffic?.(0, chunk.length)
    this.#listeners.lines?.sent(chunk)
    this.#socket.write(chunk, encoding, done)
  }

  override _final(done: () => void): void {
    if (this.#socket.destroyed) done()
    else this.#socket.end(() => done())
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#waiting = undefined
    this.#turns.leave(this)
    this.#socket.destroy()
    done(error)
  }

  #came(chunk: Buffer): void {
    this.#socket.pause()
    this.#listeners.onTraffic?.(chunk.length, 0)
    this.#waiting = this.#waiting ? Buffer.concat([this.#waiting, chunk]) : chunk
    this.#turns.came(this)
  }

  /** Reads waiting data in turn, then resumes the socket, and signals its end after the last data. */
  #goOn(): void {
    if (!this.#isStarted || this.destroyed) return
    if (this.#waiting) this.#turns.wait(this)
    else if (this.#hasEnded) this.push(null)
    else if (this.#isWanted) this.#socket.resume()
  }
}

/** A connection with incoming data. */
interface Incoming {
  /** True when there is data that may be read now. */
  readonly isReady: boolean
  /** True when it is to be read promptly. */
  readonly isPrompt: boolean
  /** Reads some of the waiting data; never throws. */
  readSome(maxLines: number): void
}

/** Lines read per turn; one chunk bounds the bytes to 64 KiB. */
const promptLines = 32
const slowLines = 16
const slowEveryMs = 1
/** Upper bound of response bytes held in memory until they are complete, over all connections. */
const maxHeldBytes = 64 * 1024 * 1024
/** A connection that holds no more than this is never closed because of what others hold. */
const freeHeldBytes = 2 * 1024 * 1024

/**
 * Shares the event loop fairly among mail servers: those that send little are read promptly, those that send much take
 * turns, and all flooding ones share one small turn per millisecond. One instance serves all connections.
 */
export class IncomingTurns {
  readonly #prompt = new Set<Incoming>()
  readonly #slow = new Set<Incoming>()
  readonly #held = new Map<Incoming, number>()
  #heldBytes = 0
  #isPromptDue = false
  #isSlowDue = false

  /** Called when data arrived on a connection. */
  came(one: Incoming): void {
    if (this.#prompt.has(one) || this.#slow.has(one)) return
    if (one.isReady && one.isPrompt) one.readSome(promptLines)
    this.wait(one)
  }

  /** Queues a connection for its turn if it has data waiting. */
  wait(one: Incoming): void {
    this.#prompt.delete(one)
    this.#slow.delete(one)
    if (!one.isReady) return
    if (one.isPrompt) this.#prompt.add(one)
    else this.#slow.add(one)
    this.#plan()
  }

  /**
   * Records the bytes of unfinished responses that a connection holds.
   * @throws Error when that is too much, together with what others hold.
   */
  hold(one: Incoming, bytes: number): void {
    this.#heldBytes += bytes - (this.#held.get(one) ?? 0)
    if (bytes > 0) this.#held.set(one, bytes)
    else this.#held.delete(one)
    if (this.#heldBytes > maxHeldBytes && bytes > freeHeldBytes) throw floods()
  }

  /** Called when a connection has ended. */
  leave(one: Incoming): void {
    this.#prompt.delete(one)
    this.#slow.delete(one)
    this.hold(one, 0)
  }

  #plan(): void {
    if (!this.#isPromptDue && this.#prompt.size > 0) {
      this.#isPromptDue = true
      setImmediate(() => {
        this.#isPromptDue = false
        this.#next(this.#prompt, promptLines)
      })
    }
    if (this.#isSlowDue || this.#slow.size === 0) return
    this.#isSlowDue = true
    setTimeout(() => {
      this.#isSlowDue = false
      this.#next(this.#slow, slowLines)
    }, slowEveryMs)
  }

  #next(line: Set<Incoming>, lines: number): void {
    const [one] = line
    if (one?.isReady) one.readSome(lines)
    if (one) this.wait(one)
    this.#plan()
  }
}
