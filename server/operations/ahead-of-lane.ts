/** Holds the one operation of an account that is read ahead while it is being accepted, until its turn comes. */
import type { Lease } from '../platform/lease.ts'
import { BegunLook, type EarlyLook } from './early-look.ts'
import { LookedAhead } from './looked-ahead.ts'
import type { OperationRunner } from './operation-runner.ts'
import type { Intent, ItemRow, OperationRow } from './operation-tables.ts'

export class AheadOfLane {
  readonly #runner: Pick<OperationRunner, 'lookAhead' | 'readTarget' | 'ready' | 'prepare'>
  readonly #signal: AbortSignal
  /** Counts arrivals, so that an early look knows whether it is still valid. */
  #came = 0
  readonly #early = new Set<Promise<unknown>>()
  /** The operation that is being or was just accepted, with nothing ahead of it. */
  #ahead: LookedAhead | undefined
  /** Idle time of this thread during the last look, in milliseconds. */
  #lookMs: number | undefined
  readonly #idleMs: () => number

  /**
   * @param signal Aborts reads in flight.
   * @param idleMs Returns the total idle time of this thread, in milliseconds.
   */
  constructor(
    runner: Pick<OperationRunner, 'lookAhead' | 'readTarget' | 'ready' | 'prepare'>,
    signal: AbortSignal,
    idleMs = () => performance.eventLoopUtilization().idle,
  ) {
    this.#runner = runner
    this.#signal = signal
    this.#idleMs = idleMs
  }

  /**
   * Starts reading for a call before it is known whether it is accepted, and for which messages.
   * @param to The target folder, if there is one; its state is read at once.
   * @param lease See `begin`.
   */
  beginEarly(to: string | undefined, lease: Lease | undefined): EarlyLook | undefined {
    if (!lease || this.#ahead || this.#signal.aborted) return undefined
    const target = to === undefined ? undefined : this.#owned(this.#runner.readTarget(to, this.#signal))
    const open = async (path: string) => {
      // One connection serves both folders.
      await target
      await this.#owned(this.#runner.ready(path, this.#signal))
    }
    return new BegunLook(lease, this.#came, open, (operation, items) => this.#look(operation, items, target))
  }

  /**
   * Starts the read-ahead of an operation that is about to be accepted.
   * @param lease The lease under which the queue is empty; undefined while something is pending.
   * @param early The early look of its call, reused if nothing has arrived since.
   * @returns Undefined when other operations are ahead of it.
   */
  begin(
    operation: OperationRow,
    items: readonly ItemRow[],
    lease: Lease | undefined,
    early?: EarlyLook,
  ): LookedAhead | undefined {
    const isSound = early instanceof BegunLook && early.lease === lease && early.came === this.#came
    if (!lease || this.#ahead || this.#signal.aborted) {
      this.spoil()
      return undefined
    }
    this.#came++
    const looking = (isSound ? early.at(items) : undefined) ?? this.#look({ ...operation }, items)
    // An error occurs again when the operation's turn comes, and is reported then.
    const sound = looking.catch(() => undefined)
    this.#ahead = new LookedAhead({ operation, items }, lease, sound, this.#lookMs)
    void sound.then(looked => looked && this.#runner.prepare(looked, this.#signal))
    return this.#ahead
  }

  #look(operation: OperationRow, items: readonly ItemRow[], target?: Promise<Intent | undefined>) {
    // Idle time, not wall time: the look ends only after this thread's work on the call, however fast the server is.
    const began = this.#idleMs()
    const looking = this.#runner.lookAhead(operation, items, this.#signal, target).finally(() => {
      this.#lookMs = this.#idleMs() - began
    })
    this.#owned(looking)
    return looking
  }

  /** Tracks a read until it ends. @returns Undefined when it fails; the data is then read again where it is needed. */
  #owned<T>(reading: Promise<T>): Promise<T | undefined> {
    const owned = reading.catch(() => undefined).finally(() => this.#early.delete(owned))
    this.#early.add(owned)
    return owned
  }

  /** Drops an operation that was not accepted; an accepted one is kept until its turn comes. */
  ended(ahead: LookedAhead, isTaken: boolean): void {
    if (!isTaken && this.#ahead === ahead) this.#ahead = undefined
  }

  /**
   * Invalidates the look when something arrives that may run first.
   * @param id The operation that arrived, if it was one.
   */
  spoil(id?: string): void {
    this.#came++
    if (id === undefined || id !== this.#ahead?.operation.id) this.#ahead?.spoil()
  }

  /** Drops the operation if the lease changed, since another process may have begun it. */
  keepUnder(lease: Lease | undefined): void {
    if (this.#ahead?.lease !== lease) this.#ahead = undefined
  }

  /** Takes the operation out when its turn has come. */
  take(id: string): LookedAhead | undefined {
    const ahead = this.#ahead
    if (ahead?.operation.id !== id) return undefined
    this.#ahead = undefined
    return ahead
  }

  /** Resolves when nothing is being read. */
  async idle(): Promise<void> {
    await Promise.all([this.#ahead?.looking, ...this.#early])
  }
}
