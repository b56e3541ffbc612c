/** What waits until a client takes it: messages in their order, and news of which only the newest of a kind counts. Bounded, read or not. */

import { bounds } from './native-protocol.ts'

interface Waiting {
  text: string
  taken: PromiseWithResolvers<void> | undefined
}

export class FrameQueue {
  readonly #frames: Waiting[] = []
  /** By what they are about. */
  readonly #news = new Map<string, string>()
  #length = 0
  #logs = 0
  #last: string[] = []
  #isEnding = false
  #isTelling = false
  #fault: Error | undefined
  /** Called when there is something to take, or when it is over. */
  onReady: () => void = () => undefined
  /** Called once when more waits than may. */
  onFull: () => void = () => undefined

  get hasEnded(): boolean {
    return this.#fault !== undefined || (this.#isEnding && this.#isEmpty())
  }

  get isBroken(): boolean {
    return this.#fault !== undefined
  }

  /** Half of what it takes, or more. */
  get isBusy(): boolean {
    return this.#frames.length > bounds.waitingFrames / 2 || this.#length > bounds.waitingLength / 2
  }

  /** Whose number the sender bounds by itself, as with answers to requests. */
  put(text: string): void {
    this.#add({ text, taken: undefined })
  }

  /** Resolves when it was taken. Rejects when nobody takes it any more. */
  send(text: string): Promise<void> {
    if (this.#fault) return Promise.reject(this.#fault)
    if (this.#isEnding) return Promise.reject(new Error('this connection has ended'))
    const taken = Promise.withResolvers<void>()
    this.#add({ text, taken })
    return taken.promise
  }

  /** Replaces one of the same key that was not taken yet. */
  tell(key: string, text: string): void {
    if (this.#isEnding || this.#fault) return
    // The newest is the last in line as well.
    this.#news.delete(key)
    this.#news.set(key, text)
    if (this.#isTelling) return
    // Behind what else happens in this turn: what is told twice in it is told once.
    this.#isTelling = true
    queueMicrotask(() => {
      this.#isTelling = false
      this.onReady()
    })
  }

  /** Dropped where too much waits. */
  log(text: string): void {
    if (this.#logs >= bounds.waitingLog) return
    this.tell(`log ${this.#logs++}`, text)
  }

  forget(keyStart: string): void {
    for (const key of this.#news.keys()) if (key.startsWith(keyStart)) this.#news.delete(key)
  }

  /** Nothing comes after `last`; what waits is still taken. */
  end(...last: string[]): void {
    if (this.#isEnding || this.#fault) return
    this.#isEnding = true
    this.#last = last
    this.onReady()
  }

  /** Nothing is taken any more. */
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
      if (this.#news.size === 0) this.#logs = 0
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
