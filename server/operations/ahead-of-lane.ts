/** The one operation of an account that is looked at while it is taken in, until its turn comes. */
import type { Lease } from '../platform/lease.ts'
import { LookedAhead } from './looked-ahead.ts'
import type { OperationRunner } from './operation-runner.ts'
import type { ItemRow, OperationRow } from './operation-tables.ts'

export class AheadOfLane {
  readonly #runner: Pick<OperationRunner, 'lookAhead'>
  readonly #signal: AbortSignal
  /** It is taken in, or was just taken in, with nothing before it. */
  #ahead: LookedAhead | undefined
  /** For how long this thread had nothing to do while it was read the last time. */
  #lookMs: number | undefined
  readonly #idleMs: () => number

  /**
   * @param signal Ends what is under way.
   * @param idleMs For how long this thread has had nothing to do.
   */
  constructor(
    runner: Pick<OperationRunner, 'lookAhead'>,
    signal: AbortSignal,
    idleMs = () => performance.eventLoopUtilization().idle,
  ) {
    this.#runner = runner
    this.#signal = signal
    this.#idleMs = idleMs
  }

  /** @param lease Under which nothing is left to do; undefined where something is. @returns Undefined where something is before it. */
  begin(operation: OperationRow, items: readonly ItemRow[], lease: Lease | undefined): LookedAhead | undefined {
    if (!lease || this.#ahead || this.#signal.aborted) {
      this.spoil()
      return undefined
    }
    // Not by the clock: what is not waited for ends when this thread is done with the rest of the call, however near the mail server is.
    const began = this.#idleMs()
    const looking = this.#runner.lookAhead({ ...operation }, items, this.#signal).finally(() => {
      this.#lookMs = this.#idleMs() - began
    })
    // What went wrong is found once more when its turn comes.
    const sound = looking.catch(() => undefined)
    this.#ahead = new LookedAhead({ operation, items }, lease, sound, this.#lookMs)
    return this.#ahead
  }

  /** What was taken in is kept until its turn comes. */
  ended(ahead: LookedAhead, isTaken: boolean): void {
    if (!isTaken && this.#ahead === ahead) this.#ahead = undefined
  }

  /** Something comes that may be before it. @param id Of what came; left out for something else. */
  spoil(id?: string): void {
    if (id === undefined || id !== this.#ahead?.operation.id) this.#ahead?.spoil()
  }

  /** Under another lease somebody else may have begun with it. */
  keepUnder(lease: Lease | undefined): void {
    if (this.#ahead?.lease !== lease) this.#ahead = undefined
  }

  /** Its turn has come. */
  take(id: string): LookedAhead | undefined {
    const ahead = this.#ahead
    if (ahead?.operation.id !== id) return undefined
    this.#ahead = undefined
    return ahead
  }

  /** Resolves when nothing is being read. */
  async idle(): Promise<void> {
    await this.#ahead?.looking
  }
}
