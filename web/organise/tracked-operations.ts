/** Waits for operations to settle, by facts of the stream, and by requests after an interruption. */
import { api } from '../../contract/index.ts'
import type { Operation, OperationResult, OperationWithResults } from '../../contract/operations.ts'
import { call } from '../platform/api-client.ts'
import type { EventStream } from '../platform/event-stream.ts'
import type { StreamEvent } from '../platform/stream-status.ts'

/** The outcome; its results are undefined if they cannot be found out. */
export type Settled = Pick<Operation, 'id' | 'state' | 'counts'> & { results: readonly OperationResult[] | undefined }
type Listener = (settled: Settled | undefined) => void

export class TrackedOperations {
  readonly #stream: EventStream
  readonly #waiting = new Map<string, Listener>()
  #unlisten: (() => void) | undefined

  constructor(stream: EventStream) {
    this.#stream = stream
  }

  /**
   * Waits for one operation, which may be settled already: its fact may have arrived before the response that named it.
   */
  async settled(operation: Operation | OperationWithResults): Promise<Settled | undefined> {
    const { id, state } = operation
    if (state !== 'pending') return this.#resultsOf(id)
    const { promise, resolve } = Promise.withResolvers<Settled | undefined>()
    this.#waiting.set(id, resolve)
    this.#unlisten ??= this.#stream.onEvent(event => this.#onEvent(event))
    for (const fact of this.#stream.getSnapshot().facts) this.#onEvent(fact)
    return promise
  }

  #onEvent({ event }: StreamEvent): void {
    if (event.type === 'welcome' || event.type === 'gap') {
      for (const id of this.#waiting.keys()) void this.#look(id)
    }
    if (event.type !== 'operation_changed' || event.data.state === 'pending') return
    const { operation_id: id, state, counts } = event.data
    if (!this.#waiting.has(id)) return
    if (state === 'done') this.#tell(id, { id, state, counts, results: undefined })
    else void this.#look(id)
  }

  async #look(id: string): Promise<void> {
    const settled = await this.#resultsOf(id)
    if (settled?.state !== 'pending') this.#tell(id, settled)
  }

  async #resultsOf(id: string): Promise<Settled | undefined> {
    try {
      return await call(api.operations.getOperation, { params: { operation_id: id } })
    } catch {
      return undefined
    }
  }

  #tell(id: string, settled: Settled | undefined): void {
    const listener = this.#waiting.get(id)
    this.#waiting.delete(id)
    if (this.#waiting.size === 0) {
      this.#unlisten?.()
      this.#unlisten = undefined
    }
    listener?.(settled)
  }
}
