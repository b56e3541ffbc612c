/** The one operation of an account that is looked at while it is taken in, until its turn comes. */
import type { Lease } from '../platform/lease.ts'
import { BegunLook, type EarlyLook } from './early-look.ts'
import { LookedAhead } from './looked-ahead.ts'
import type { OperationRunner } from './operation-runner.ts'
import type { Intent, ItemRow, OperationRow } from './operation-tables.ts'

export class AheadOfLane {
  readonly #runner: Pick<OperationRunner, 'lookAhead' | 'readTarget' | 'ready' | 'prepare'>
  readonly #signal: AbortSignal
  /** How often something came. */
  #came = 0
  readonly #early = new Set<Promise<unknown>>()
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
    runner: Pick<OperationRunner, 'lookAhead' | 'readTarget' | 'ready' | 'prepare'>,
    signal: AbortSignal,
    idleMs = () => performance.eventLoopUtilization().idle,
  ) {
    this.#runner = runner
    this.#signal = signal
    this.#idleMs = idleMs
  }

  /**
   * A call has come, of which it is not known yet whether and what it takes in.
   * @param to Its target folder, if it has one: how that stands is read at once.
   * @param lease As for `begin`.
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
   * @param lease Under which nothing is left to do; undefined where something is.
   * @param early What was read of it before.
   * @returns Undefined where something is before it.
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
    // What went wrong is found once more when its turn comes.
    const sound = looking.catch(() => undefined)
    this.#ahead = new LookedAhead({ operation, items }, lease, sound, this.#lookMs)
    void sound.then(looked => looked && this.#runner.prepare(looked, this.#signal))
    return this.#ahead
  }

  #look(operation: OperationRow, items: readonly ItemRow[], target?: Promise<Intent | undefined>) {
    // Not by the clock: what is not waited for ends when this thread is done with the rest of the call, however near the mail server is.
    const began = this.#idleMs()
    const looking = this.#runner.lookAhead(operation, items, this.#signal, target).finally(() => {
      this.#lookMs = this.#idleMs() - began
    })
    this.#owned(looking)
    return looking
  }

  /** Undefined where it fails: then it is read once more where it is needed. */
  #owned<T>(reading: Promise<T>): Promise<T | undefined> {
    const owned = reading.catch(() => undefined).finally(() => this.#early.delete(owned))
    this.#early.add(owned)
    return owned
  }

  /** What was taken in is kept until its turn comes. */
  ended(ahead: LookedAhead, isTaken: boolean): void {
    if (!isTaken && this.#ahead === ahead) this.#ahead = undefined
  }

  /** Something comes that may be before it. @param id Of what came; left out for something else. */
  spoil(id?: string): void {
    this.#came++
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
    await Promise.all([this.#ahead?.looking, ...this.#early])
  }
}
