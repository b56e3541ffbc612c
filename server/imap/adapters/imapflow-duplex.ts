/** The socket that ImapFlow gets: what the server says passes budget and limiter first, in turns with other servers; all else is the socket's own. */
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'
import type { SeenCertificate } from '../../accounts/certificate-ends.ts'
import type { ImapLines } from '../imap-lines.ts'
import { type AnswerBudget, floods } from './imapflow-budget.ts'
import { ResponseLimiter } from './imapflow-limiter.ts'

export type OnTraffic = (received: number, sent: number) => void

/** Who hears what passes: how much, and in which words. */
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
  /** What came in and is not read yet; the socket gives no more until it is. */
  #waiting: Buffer | undefined

  /** Reads nothing before `start`. */
  constructor(socket: Socket, budget: AnswerBudget, turns: IncomingTurns, listeners: SocketListeners = {}) {
    super({ allowHalfOpen: false })
    this.#socket = socket
    this.#budget = budget
    this.#turns = turns
    this.#listeners = listeners
    this.#limiter = new ResponseLimiter({ bounds: budget })
    // Commands that go out together would wait for the answer to the first, which is the way to the server and back once more.
    socket.setNoDelay()
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
   * For TLS upon it: from now on nothing of it is read here.
   * @returns The socket, and whether something came already that the handshake would never see.
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

  /** Reads what waits in its turn, then more of the socket, and tells of its end after the last of it. */
  #goOn(): void {
    if (!this.#isStarted || this.destroyed) return
    if (this.#waiting) this.#turns.wait(this)
    else if (this.#hasEnded) this.push(null)
    else if (this.#isWanted) this.#socket.resume()
  }
}

/** A connection that something came in on. */
interface Incoming {
  /** Whether something waits that may be read now. */
  readonly isReady: boolean
  /** Whether it is to be read at once. */
  readonly isPrompt: boolean
  /** Reads some of what waits, and never throws. */
  readSome(maxLines: number): void
}

/** Read in one turn, beside 64 KiB at most, since no more comes in one piece. */
const promptLines = 32
const slowLines = 16
const slowEveryMs = 1
/** Of answers that are held in memory until they end, all connections together. */
const maxHeldBytes = 64 * 1024 * 1024
/** A connection that holds no more than this never ends for what others hold. */
const freeHeldBytes = 2 * 1024 * 1024

/**
 * Shares the event loop among the mail servers that talk: one that says little is heard at once, one that says much waits for its turn, and all that
 * flood have one small turn together in a millisecond. So no mail server slows the account of another.
 * One for all connections.
 */
export class IncomingTurns {
  readonly #prompt = new Set<Incoming>()
  readonly #slow = new Set<Incoming>()
  readonly #held = new Map<Incoming, number>()
  #heldBytes = 0
  #isPromptDue = false
  #isSlowDue = false

  /** Something came in on it. */
  came(one: Incoming): void {
    if (this.#prompt.has(one) || this.#slow.has(one)) return
    if (one.isReady && one.isPrompt) one.readSome(promptLines)
    this.wait(one)
  }

  /** It gets its turn if something waits there. */
  wait(one: Incoming): void {
    this.#prompt.delete(one)
    this.#slow.delete(one)
    if (!one.isReady) return
    if (one.isPrompt) this.#prompt.add(one)
    else this.#slow.add(one)
    this.#plan()
  }

  /**
   * How many bytes of unfinished answers it holds now.
   * @throws Error when that is too much, with what others hold.
   */
  hold(one: Incoming, bytes: number): void {
    this.#heldBytes += bytes - (this.#held.get(one) ?? 0)
    if (bytes > 0) this.#held.set(one, bytes)
    else this.#held.delete(one)
    if (this.#heldBytes > maxHeldBytes && bytes > freeHeldBytes) throw floods()
  }

  /** It has ended. */
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
