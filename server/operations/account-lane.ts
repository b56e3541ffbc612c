/** Runs the operations of one account one at a time; retries those that fail, and skips those that are held. */
import { backoffDelay } from '../imap/backoff.ts'
import type { LeaseClaim } from '../leases/lease-service.ts'
import { type Lease, LeaseLost } from '../platform/lease.ts'
import { isStopping, Problem } from '../platform/problem.ts'
import { AheadOfLane } from './ahead-of-lane.ts'
import { type AccountLaneOptions, laneDefaults } from './lane-options.ts'
import type { LookedAhead } from './looked-ahead.ts'
import { OperationRunner } from './operation-runner.ts'
import type { ItemRow, OperationRow } from './operation-tables.ts'
import { SettledTimes } from './settled-times.ts'
import { TryLater, wordsOf } from './step-outcomes.ts'

/** The next operation, with what of it is already in memory. */
interface Next {
  operation: OperationRow
  items?: readonly ItemRow[]
  ahead?: LookedAhead
}

export class AccountLane {
  readonly #accountId: string
  readonly #options: AccountLaneOptions & typeof laneDefaults
  readonly #runner: OperationRunner
  readonly #claim: LeaseClaim
  readonly #abort = new AbortController()
  readonly #running: Promise<void>
  #wake: () => void = () => undefined
  #isWoken = true
  /** The lease under which the queue was last found empty; while it lasts, no other process can have run anything. */
  #emptyUnder: Lease | undefined
  /** Ids of operations that arrived since the queue was last read. */
  #came: string[] = []
  /** The read-ahead of the operation that is being accepted. */
  readonly ahead: AheadOfLane
  readonly #times: SettledTimes

  constructor(accountId: string, options: AccountLaneOptions) {
    this.#accountId = accountId
    this.#options = { ...laneDefaults, ...options }
    const { store, moved, hub, pool, shown, leases, notice, noticeFolders, logger } = options
    const { isHeld } = this.#options
    this.#claim = leases.want(`operations:${accountId}`, { won: () => this.wake() })
    this.#times = new SettledTimes(this.#options.now)
    const settledAt = () => this.#times.next()
    const shared = { accountId, store, moved, hub, pool, shown, isHeld, settledAt, lease: () => this.#lease() }
    this.#runner = new OperationRunner({
      ...shared,
      notice: path => notice(accountId, path),
      noticeFolders: () => noticeFolders(accountId),
    })
    this.ahead = new AheadOfLane(this.#runner, this.#abort.signal)
    this.#running = this.#run(this.#abort.signal).catch(err =>
      logger.error({ err, account_id: accountId }, 'doing the operations of an account ended'),
    )
  }

  /** The lease under which the queue is empty; undefined while something may be pending. */
  get idleLease(): Lease | undefined {
    const lease = this.#claim.find()
    return this.#emptyUnder === lease && !this.#isWoken ? lease : undefined
  }

  /** Makes the lane check its queue. @param operationId The operation that arrived, if one did. */
  wake(operationId?: string): void {
    if (operationId !== undefined) {
      this.#came.push(operationId)
      this.ahead.spoil(operationId)
    }
    this.#isWoken = true
    this.#wake()
  }

  async stop(isGone = false): Promise<void> {
    this.#abort.abort()
    this.#wake()
    await Promise.all([this.#running, this.ahead.idle()])
    await this.#claim.giveBack(isGone)
  }

  #lease(): Lease {
    const lease = this.#claim.find()
    if (!lease) throw new LeaseLost(`operations:${this.#accountId}`)
    return lease
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { store } = this.#options
    for (let failures = 0; !signal.aborted; ) {
      this.#isWoken = false
      let operation: OperationRow | undefined
      try {
        const next = await this.#next()
        operation = next?.operation
        if (next) {
          await this.#times.goOn(this.#lease(), () => store.lastSettledAt(this.#accountId))
          await this.#runner.run(next.operation, signal, next.items, next.ahead)
        }
        failures = 0
      } catch (error) {
        if (signal.aborted) return
        if (!isStopping(error)) await this.#failed(operation, error)
        await this.#pause(backoffDelay(failures++, this.#options.backoff), signal)
        continue
      }
      if (!operation) await this.#rest(signal)
    }
  }

  /** Returns the first pending operation that is not held. */
  async #next(): Promise<Next | undefined> {
    const { store, isHeld, fresh } = this.#options
    const lease = this.#claim.find()
    this.ahead.keepUnder(lease)
    const came = this.#takeFresh(lease)
    if (!lease) return undefined
    // The runner checks for a hold before anything is sent.
    if (came?.ahead) return came
    if (came && !(await isHeld(came.operation))) return came
    let next = await store.findNext(this.#accountId)
    if (!next) this.#emptyUnder = lease
    while (next && (await isHeld(next))) next = await store.findNext(this.#accountId, next.id)
    if (!next) return undefined
    // Its arrival may be announced only after it was done; a cached copy would be stale by then.
    fresh.forget(next.id)
    const ahead = this.ahead.take(next.id)
    // Nothing was sent to the mail server yet, whatever is stored, so it starts from the items as accepted.
    return { operation: next, ...(ahead && { items: ahead.items }) }
  }

  /** Takes the one operation that arrived at an empty queue: it is unchanged, and nothing is ahead of it. */
  #takeFresh(lease: Lease | undefined): Next | undefined {
    const came = this.#came.splice(0)
    const wasEmpty = lease !== undefined && this.#emptyUnder === lease
    this.#emptyUnder = undefined
    if (!wasEmpty || came.length !== 1) return undefined
    const fresh = this.#options.fresh.take(came[0]!)
    const ahead = this.ahead.take(came[0]!)
    if (!ahead) return fresh
    if (ahead.isSpoiled) return { operation: ahead.operation, items: ahead.items }
    const { operation, items } = ahead.stored ?? ahead
    return { operation, items, ahead }
  }

  /** Notes why the operation waits for a retry, or gives it up after `giveUpMs`. Never throws. */
  async #failed(operation: OperationRow | undefined, error: unknown): Promise<void> {
    const { store, hub, logger, now, giveUpMs } = this.#options
    const cause = error instanceof TryLater ? error.cause : error
    const why = cause instanceof Problem ? wordsOf(cause) : 'The operation could not be done.'
    logger.warn(
      { err: error, account_id: this.#accountId, operation: operation?.id },
      'an operation waits for another try',
    )
    if (!operation || error instanceof LeaseLost) return
    try {
      if (now() - Date.parse(operation.at) >= giveUpMs) return await this.#runner.giveUp(operation, why)
      await hub.transact(async transaction => {
        await this.#lease().fence(transaction)
        await store.update(transaction, operation.id, { error: why })
      })
    } catch (err) {
      logger.warn({ err, account_id: this.#accountId }, 'an operation that failed could not be noted')
    }
  }

  /** Waits until the lane is woken by an operation or the lease. */
  async #rest(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#wake = resolve
    if (this.#isWoken || signal.aborted) return
    await promise
  }

  /** Waits for the back-off, or less if the mail server is reachable earlier or the lane is woken. */
  async #pause(delayMs: number, signal: AbortSignal): Promise<void> {
    const over = new AbortController()
    const end = AbortSignal.any([signal, over.signal])
    const woken = this.#rest(end)
    const isBack = this.#options.pool.untilWorthTrying(this.#accountId, delayMs, end)
    try {
      await Promise.race([woken, isBack])
    } finally {
      over.abort()
      this.#wake()
    }
    await isBack.catch(() => undefined)
  }
}
