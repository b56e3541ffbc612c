/**
 * Keeps copies of drafts in their accounts' mailboxes, once a draft has settled. A mail server that is down delays no
 * other account, and no writer.
 */
import type { EventHub } from '../events/event-hub.ts'
import { type Backoff, backoffDelay } from '../imap/backoff.ts'
import type { LeaseClaim, LeaseService } from '../leases/lease-service.ts'
import { LeaseLost } from '../platform/lease.ts'
import type { Logger } from '../platform/logger.ts'
import { isStopping, Problem } from '../platform/problem.ts'
import { pause } from '../platform/waits.ts'
import { bringCopy, type DraftCopyOptions, NoCopy } from './draft-copy.ts'
import type { DraftCopyRow } from './draft-tables.ts'

export interface DraftCopierOptions extends Omit<DraftCopyOptions, 'commit'> {
  hub: Pick<EventHub, 'listen' | 'transact'>
  leases: Pick<LeaseService, 'want'>
  logger: Logger
  backoff?: Backoff
  now?: () => number
  attempts?: number
}

/** Accounts served concurrently. */
const mostAccounts = 4
const rowsAtOnce = 50
/** Upper bound of the timer, for the sake of `setTimeout`; an early check is harmless. */
const longestMs = 60 * 60_000
const defaults = { backoff: { firstMs: 5_000, maxMs: 30 * 60_000, random: Math.random }, now: Date.now, attempts: 20 }

export class DraftCopier {
  readonly #options: DraftCopierOptions & typeof defaults
  readonly #running = new Map<string, Promise<void>>()
  readonly #stopped = new AbortController()
  #claim: LeaseClaim | undefined
  #timer: NodeJS.Timeout | undefined
  #unsubscribe: (() => void)[] = []
  #looking: Promise<void> | undefined
  #isWoken = false

  constructor(options: DraftCopierOptions) {
    this.#options = { ...defaults, ...options }
  }

  start(): void {
    const { hub, leases } = this.#options
    const wake = () => this.#wake()
    this.#unsubscribe = [hub.listen('draft_created', wake), hub.listen('draft_changed', wake)]
    this.#claim = leases.want('drafts', { won: wake })
    this.#wake()
  }

  /** Stops. Requests that were sent to the mail server already are verified after the next start. */
  async stop(): Promise<void> {
    this.#stopped.abort()
    clearTimeout(this.#timer)
    for (const unsubscribe of this.#unsubscribe.splice(0)) unsubscribe()
    await this.#looking
    await Promise.all(this.#running.values())
    await this.#claim?.giveBack()
  }

  #wake(): void {
    this.#isWoken = true
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined
      // Woken after its last check.
      if (this.#isWoken && !this.#stopped.signal.aborted) this.#wake()
    })
  }

  /** Starts due copies until nothing wakes it any more. Never rejects. */
  async #look(): Promise<void> {
    const { logger, backoff } = this.#options
    try {
      while (this.#isWoken && !this.#stopped.signal.aborted) {
        this.#isWoken = false
        await this.#begin()
      }
    } catch (err) {
      if (this.#stopped.signal.aborted) return
      logger.warn({ err }, 'due copies of drafts could not be listed')
      this.#lookIn(backoff.firstMs)
    }
  }

  async #begin(): Promise<void> {
    const { copies, now } = this.#options
    clearTimeout(this.#timer)
    // Winning the lease wakes it.
    if (!this.#claim?.find()) return
    const due = await copies.due(new Date(now()).toISOString(), rowsAtOnce)
    for (const [accountId, rows] of Map.groupBy(due, ({ account_id }) => account_id)) {
      if (this.#running.size >= mostAccounts) break
      if (this.#running.has(accountId)) continue
      const running = this.#runAll(rows).finally(() => {
        this.#running.delete(accountId)
        this.#wake()
      })
      this.#running.set(accountId, running)
    }
    const next = await copies.nextDue()
    if (next === undefined) return
    const inMs = Date.parse(next) - now()
    // A due copy either waits for a busy account, which wakes this when done, or became due this moment.
    if (inMs > 0 || this.#running.size === 0) this.#lookIn(Math.max(0, inMs))
  }

  #lookIn(ms: number): void {
    clearTimeout(this.#timer)
    if (this.#stopped.signal.aborted) return
    this.#timer = setTimeout(() => this.#wake(), Math.min(ms + 1, longestMs))
    this.#timer.unref()
  }

  /** Brings the copies of one account up to date. Never rejects. */
  async #runAll(rows: readonly DraftCopyRow[]): Promise<void> {
    const { signal } = this.#stopped
    for (const row of rows) {
      if (signal.aborted) return
      try {
        const commit: DraftCopyOptions['commit'] = work => this.#commit(work)
        await bringCopy(row, { ...this.#options, commit }, signal)
      } catch (error) {
        // The mail connections stop before this does.
        if (isStopping(error)) this.#stopped.abort()
        if (signal.aborted || error instanceof LeaseLost) return
        await this.#failed(row, error)
      }
    }
  }

  /** Stores a failure and its back-off; rests if it cannot, since the copy remains due. Never throws. */
  async #failed(row: DraftCopyRow, error: unknown): Promise<void> {
    const { copies, logger, backoff, now, attempts: most } = this.#options
    const attempts = row.attempts + 1
    const isTooLarge = error instanceof Problem && error.code === 'too_large'
    const isOver = error instanceof NoCopy || isTooLarge || attempts >= most
    if (!(error instanceof NoCopy)) {
      logger.warn({ err: error, account_id: row.account_id, draft: row.draft_id }, 'a draft could not be copied')
    }
    const why = error instanceof Problem || error instanceof NoCopy ? error.message : 'The copy could not be saved.'
    const state = error instanceof NoCopy ? error.state : isOver ? 'failed' : 'waiting'
    const due_at = new Date(now() + backoffDelay(row.attempts, backoff)).toISOString()
    try {
      await this.#commit(transaction =>
        copies.settle(transaction, row, { state, why: why.slice(0, 300), attempts, due_at }),
      )
    } catch (err) {
      logger.warn({ err, draft: row.draft_id }, 'the failure to copy a draft could not be stored')
      await pause(backoff.firstMs, this.#stopped.signal)
    }
  }

  async #commit(work: Parameters<DraftCopyOptions['commit']>[0]): Promise<void> {
    const lease = this.#claim?.find()
    if (!lease) throw new LeaseLost('drafts')
    await this.#options.hub.transact(async transaction => {
      await lease.fence(transaction)
      await work(transaction)
    })
  }
}
