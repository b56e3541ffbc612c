/**
 * Shares the event loop among the mail servers that talk: who says little is heard at once, who says much waits for its turn, and all who
 * flood have one small turn together in a millisecond. So no mail server slows the account of another.
 */
import { floods } from './imapflow-budget.ts'

/** A connection that something came in on. */
export interface Incoming {
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

/** One for all connections. */
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
