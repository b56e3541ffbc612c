/** The server's end of a stream whose reader accepts writes only while the test allows it. */
import { Duplex } from 'node:stream'
import type { StreamObserver } from '../../server/events/event-stream.ts'

export const unobserved: StreamObserver = {
  clientId: 'c1',
  sent: () => undefined,
  dropped: () => undefined,
  closed: () => undefined,
}

export class HeldReader extends Duplex {
  /** All text that was accepted. */
  text = ''
  #isHeld = false
  #taken: (() => void) | undefined

  constructor() {
    // Any write that is not accepted immediately then reports back-pressure.
    super({ writableHighWaterMark: 1 })
  }

  /** Numbers of the accepted facts, in order. */
  get numbers(): number[] {
    return [...this.text.matchAll(/^id: \w+-(\d+)\nevent/gm)].map(match => Number(match[1]))
  }

  /** The last place that was sent, with a fact or alone. */
  get place(): number {
    return Number([...this.text.matchAll(/^id: \w+-(\d+)$/gm)].at(-1)?.[1])
  }

  hold(): void {
    this.#isHeld = true
  }

  release(): void {
    this.#isHeld = false
    this.takeOne()
  }

  /** Accepts the pending write and no other. */
  takeOne(): void {
    const taken = this.#taken
    this.#taken = undefined
    taken?.()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.text += chunk
    if (this.#isHeld) this.#taken = done
    else done()
  }

  override _read(): void {}
}
