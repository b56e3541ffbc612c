/**
 * Frames waiting until a client takes them: messages in order, and news of which only the newest per key counts.
 * Bounded in any case.
 */

import { bounds } from './native-protocol.ts'

interface Waiting {
  text: string
  taken: PromiseWithResolvers<void> | undefined
}

const logKey = 'log '

export class FrameQueue {
  readonly #frames: Waiting[] = []
  /** The newest text by key. */
  readonly #news = new Map<string, string>()
  #length = 0
  /** Log entries that wait, and the number of the next one. */
  #logs = 0
  #nextLog = 0
  #last: string[] = []
  #isEnding = false
  #isNotifying = false
  #fault: Error | undefined
  /** Called when there is something to take, or when the queue is over. */
  onReady: () => void = () => undefined
  /** Called once, when more is waiting than allowed. */
  onFull: () => void = () => undefined

  get hasEnded(): boolean {
    return this.#fault !== undefined || (this.#isEnding && this.#isEmpty())
  }

  get isBroken(): boolean {
    return this.#fault !== undefined
  }

  /** Whether it is at least half full. */
  get isBusy(): boolean {
    return this.#frames.length > bounds.waitingFrames / 2 || this.#length > bounds.waitingLength / 2
  }

  /** Queues a message whose number the sender bounds itself, such as responses. */
  put(text: string): void {
    this.#add({ text, taken: undefined })
  }

  /** Resolves once the frame was taken. Rejects when it can no longer be. */
  send(text: string): Promise<void> {
    if (this.#fault) return Promise.reject(this.#fault)
    if (this.#isEnding) return Promise.reject(new Error('this connection has ended'))
    const taken = Promise.withResolvers<void>()
    this.#add({ text, taken })
    return taken.promise
  }

  /** Replaces an untaken one of the same key. */
  notify(key: string, text: string): void {
    if (this.#isEnding || this.#fault) return
    // Re-inserted, so that the newest is last in line.
    this.#news.delete(key)
    this.#news.set(key, text)
    if (this.#isNotifying) return
    // Deferred, so that several in the same turn are sent as one.
    this.#isNotifying = true
    queueMicrotask(() => {
      this.#isNotifying = false
      this.onReady()
    })
  }

  /** Dropped when too much is waiting. */
  log(text: string): void {
    if (this.#logs >= bounds.waitingLog) return
    this.#logs++
    this.notify(`${logKey}${this.#nextLog++}`, text)
  }

  forget(keyStart: string): void {
    for (const key of this.#news.keys()) if (key.startsWith(keyStart)) this.#news.delete(key)
  }

  /** Nothing follows `last`; what is waiting is still taken. */
  end(...last: string[]): void {
    if (this.#isEnding || this.#fault) return
    this.#isEnding = true
    this.#last = last
    this.onReady()
  }

  /** Drops everything that is waiting. */
  break(fault: Error): void {
    if (this.#fault) return
    this.#fault = fault
    this.#news.clear()
    this.#last = []
    for (const { taken } of this.#frames.splice(0)) taken?.reject(fault)
    this.#length = 0
    this.onReady()
  }

  take(): string | undefined {
    const frame = this.#frames.shift()
    if (frame) {
      this.#length -= frame.text.length
      frame.taken?.resolve()
      return frame.text
    }
    for (const [key, text] of this.#news) {
      this.#news.delete(key)
      if (key.startsWith(logKey)) this.#logs--
      return text
    }
    return this.#isEnding ? this.#last.shift() : undefined
  }

  #add(frame: Waiting): void {
    if (this.#isEnding || this.#fault) return
    this.#frames.push(frame)
    this.#length += frame.text.length
    const isFull = this.#frames.length > bounds.waitingFrames || this.#length > bounds.waitingLength
    if (isFull && this.#frames.length > 1) return this.onFull()
    this.onReady()
  }

  #isEmpty(): boolean {
    return this.#frames.length === 0 && this.#news.size === 0 && this.#last.length === 0
  }
}
