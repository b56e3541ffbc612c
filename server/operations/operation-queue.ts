/** Does the operations of all accounts: those of one account in order and one at a time, so that no account holds up another one. */
import type { EventHub } from '../events/event-hub.ts'
import { type Backoff, backoffDelay } from '../imap/backoff.ts'
import type { ConnectionPool } from '../imap/connection-pool.ts'
import type { LeaseClaim, LeaseService } from '../leases/lease-service.ts'
import { type Lease, LeaseLost } from '../platform/lease.ts'
import type { Logger } from '../platform/logger.ts'
import { Problem } from '../platform/problem.ts'
import type { MovedMessageStore } from './moved-message-store.ts'
import { OperationRunner } from './operation-runner.ts'
import type { OperationStore } from './operation-store.ts'
import type { OperationRow } from './operation-tables.ts'
import { TryLater, wordsOf } from './step-outcomes.ts'

export interface OperationQueueOptions {
  store: OperationStore
  moved: MovedMessageStore
  hub: Pick<EventHub, 'transact' | 'listen'>
  pool: Pick<ConnectionPool, 'run' | 'runOnce' | 'untilWorthTrying'>
  leases: Pick<LeaseService, 'want'>
  /** Something changed in a folder of an account: it is to be compared now. */
  notice(accountId: string, path: string): void
  logger: Logger
  backoff?: Backoff
  now?: () => number
  /** After so long an operation that cannot be done is given up. */
  giveUpMs?: number
}

const defaults = {
  backoff: { firstMs: 1_000, maxMs: 5 * 60_000, random: Math.random } satisfies Backoff,
  now: Date.now,
  giveUpMs: 24 * 60 * 60_000,
}

export class OperationQueue {
  readonly #options: OperationQueueOptions
  readonly #lanes = new Map<string, AccountLane>()
  readonly #stopped = new AbortController()
  #unsubscribe: (() => void)[] = []

  constructor(options: OperationQueueOptions) {
    this.#options = options
  }

  async start(): Promise<void> {
    const { hub, store } = this.#options
    this.#unsubscribe = [
      // Also those that another process took in.
      hub.listen('operation_changed', ({ account_id, state }) => {
        if (state === 'pending') this.#wake(account_id)
      }),
      // With another login, or enabled again, it may work now.
      hub.listen('account_updated', ({ account_id }) => this.#lanes.get(account_id)?.wake()),
      hub.listen('account_removed', ({ account_id }) => this.#remove(account_id)),
    ]
    for (const accountId of await store.accountsWithPending()) this.#wake(accountId)
  }

  /** What the mail server was told already, and has not answered, is looked at after the next start. */
  async stop(): Promise<void> {
    this.#stopped.abort()
    for (const unsubscribe of this.#unsubscribe.splice(0)) unsubscribe()
    await Promise.all([...this.#lanes.values()].map(lane => lane.stop()))
    this.#lanes.clear()
  }

  #wake(accountId: string): void {
    if (this.#stopped.signal.aborted) return
    const lane = this.#lanes.get(accountId) ?? new AccountLane(accountId, this.#options)
    this.#lanes.set(accountId, lane)
    lane.wake()
  }

  #remove(accountId: string): void {
    const { logger } = this.#options
    const lane = this.#lanes.get(accountId)
    this.#lanes.delete(accountId)
    lane?.stop(true).catch((err: unknown) => logger.error({ err, account_id: accountId }, 'operations did not stop'))
  }
}

class AccountLane {
  readonly #accountId: string
  readonly #options: OperationQueueOptions & typeof defaults
  readonly #runner: OperationRunner
  readonly #claim: LeaseClaim
  readonly #abort = new AbortController()
  readonly #running: Promise<void>
  #wake: () => void = () => undefined
  #isWoken = true

  constructor(accountId: string, options: OperationQueueOptions) {
    this.#accountId = accountId
    this.#options = { ...defaults, ...options }
    const { store, moved, hub, pool, leases, notice, logger } = options
    this.#claim = leases.want(`operations:${accountId}`, { won: () => this.wake() })
    const shared = { accountId, store, moved, hub, pool, lease: () => this.#lease() }
    this.#runner = new OperationRunner({ ...shared, notice: path => notice(accountId, path) })
    this.#running = this.#run(this.#abort.signal).catch(err =>
      logger.error({ err, account_id: accountId }, 'doing the operations of an account ended'),
    )
  }

  wake(): void {
    this.#isWoken = true
    this.#wake()
  }

  async stop(isGone = false): Promise<void> {
    this.#abort.abort()
    this.#wake()
    await this.#running
    await this.#claim.giveBack(isGone)
  }

  #lease(): Lease {
    const lease = this.#claim.find()
    if (!lease) throw new LeaseLost(`operations:${this.#accountId}`)
    return lease
  }

  async #run(signal: AbortSignal): Promise<void> {
    for (let failures = 0; !signal.aborted; ) {
      this.#isWoken = false
      let operation: OperationRow | undefined
      try {
        operation = this.#claim.find() && (await this.#options.store.findNext(this.#accountId))
        if (operation) await this.#runner.run(operation, signal)
        failures = 0
      } catch (error) {
        if (signal.aborted) return
        await this.#failed(operation, error)
        await this.#pause(backoffDelay(failures++, this.#options.backoff), signal)
        continue
      }
      if (!operation) await this.#rest(signal)
    }
  }

  /** It is tried again, unless it was for a day. Never throws. */
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

  /** Until a further operation comes, or the lease. */
  async #rest(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#wake = resolve
    if (this.#isWoken || signal.aborted) return
    await promise
  }

  /** Shorter when the mail server is back earlier, or something was changed. */
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
