/** Facts in the order in which they happened, densely numbered, each with its encoded frame. Kept in memory, the newest `capacity` of them. */
import type { Fact } from '../../contract/event.ts'
import { encodeFrame } from './event-frame.ts'

export interface LogEntry {
  readonly number: number
  readonly fact: Fact
  /** The bytes that every stream gets, encoded once. */
  readonly frame: Buffer
  /** Bytes of all frames up to and including this one. */
  readonly endOffset: number
}

/** Where a client that comes back stands: right behind `after`, or in a gap. */
export type Position = { after: number } | { gap: 'expired' | 'unknown_epoch' | 'malformed' }

export class EventLog {
  readonly epoch: string
  readonly #entries: (LogEntry | undefined)[]
  readonly #capacity: number
  /** Number of the newest fact; 0 while there is none. */
  #newest = 0
  #endOffset = 0

  /** @param epoch Lives as long as the log does. @param capacity Facts kept; when full the oldest goes. */
  constructor(epoch: string, capacity: number) {
    this.epoch = epoch
    this.#capacity = capacity
    this.#entries = new Array(capacity)
  }

  get newest(): number {
    return this.#newest
  }

  /** Number of the oldest fact still held; `newest + 1` while there is none. */
  get oldest(): number {
    return Math.max(1, this.#newest - this.#capacity + 1)
  }

  get endOffset(): number {
    return this.#endOffset
  }

  append(fact: Fact): LogEntry {
    const number = this.#newest + 1
    const frame = encodeFrame(fact.type, fact.data, this.idOf(number))
    this.#endOffset += frame.length
    const entry = { number, fact, frame, endOffset: this.#endOffset }
    this.#entries[number % this.#capacity] = entry
    this.#newest = number
    return entry
  }

  /** Undefined when it is not held, or has not happened. */
  find(number: number): LogEntry | undefined {
    const entry = this.#entries[number % this.#capacity]
    return entry?.number === number ? entry : undefined
  }

  idOf(number: number): string {
    return `${this.epoch}-${number}`
  }

  /** Reads a `Last-Event-ID`; what is not ours is a gap, never an error. */
  locate(id: string): Position {
    const match = /^([a-z0-9]{1,32})-(0|[1-9]\d{0,14})$/.exec(id)
    if (!match) return { gap: 'malformed' }
    const number = Number(match[2])
    if (match[1] !== this.epoch || number > this.#newest) return { gap: 'unknown_epoch' }
    return number + 1 < this.oldest ? { gap: 'expired' } : { after: number }
  }
}
