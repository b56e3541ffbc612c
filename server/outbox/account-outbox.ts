/**
 * Sends the due messages of one account's outbox, several at a time. The state `sending` is committed before the mail
 * server sees the message, and the outcome afterwards; a message found in `sending` after a crash becomes `unknown` and
 * is not sent again.
 */
import type { LeaseClaim, LeaseService } from '../leases/lease-service.ts'
import { type Lease, LeaseLost } from '../platform/lease.ts'
import { WokenLoop } from '../platform/woken-loop.ts'
import { Delivery, type DeliveryOptions } from './delivery.ts'
import { type Claimed, takeDue } from './due-messages.ts'
import { giveUpOld, markInterrupted, putBack } from './outbox-recovery.ts'
import { SentCopies, type SentCopiesOptions } from './sent-copies.ts'
import { errorOf } from './submission-tables.ts'

export interface AccountOutboxOptions extends DeliveryOptions, Omit<SentCopiesOptions, 'accountId' | 'lease'> {
  leases: Pick<LeaseService, 'want'>
}

/** Pause after a round that failed. */
const againMs = 1_000
/** Grace period for messages in flight on stop; the stop of the whole server takes ten seconds at most. */
const graceMs = 4_000

export class AccountOutbox {
  readonly #accountId: string
  readonly #options: AccountOutboxOptions
  readonly #claim: LeaseClaim
  readonly #delivery: Delivery
  readonly #copies: SentCopies
  /** Attempts in flight, by submission id. */
  readonly #sending = new Map<string, Promise<void>>()
  readonly #loop: WokenLoop
  /** The lease under which interrupted attempts were marked already. */
  #recovered: Lease | undefined
  /** Whether messages may be claimed although no attempt has begun, because the response to the commit was lost. */
  #isClaimUnsure = false

  constructor(accountId: string, options: AccountOutboxOptions) {
    this.#accountId = accountId
    this.#options = options
    this.#delivery = new Delivery(accountId, options)
    this.#claim = options.leases.want(`outbox:${accountId}`, { won: () => this.wake() })
    this.#copies = new SentCopies({ ...options, accountId, lease: () => this.#claim.find() })
    this.#loop = new WokenLoop({
      round: () => this.#round(),
      failed: err => this.#note(err, 'an outbox could not be read'),
      againMs,
      clock: options.clock,
    })
  }

  wake(): void {
    this.#loop?.wake()
    this.#copies?.wake()
  }

  /** Reconnects after the account's login was changed or the account was enabled again. */
  async changed(): Promise<void> {
    const close = this.#delivery.renew()
    this.wake()
    // Messages in flight are not interrupted.
    await Promise.all(this.#sending.values())
    await close()
  }

  /**
   * Stops the loop. Messages in flight get a grace period, since cutting one off leaves its outcome unknown; then they
   * are cut and marked `unknown`. A mail server that does not answer about a copy is cut off too, so that the lease is
   * not held until the end of the stop.
   */
  async stop(isGone = false): Promise<void> {
    const looped = this.#loop.stop()
    this.#delivery.stop()
    const callOff = this.#options.clock.after(graceMs, () => {
      this.#delivery.cut()
      this.#copies.cut()
    })
    await Promise.all([looped, this.#copies.stop()])
    await Promise.all(this.#sending.values())
    callOff()
    await this.#delivery.close()
    await this.#claim.giveBack(isGone)
  }

  /** @returns Milliseconds until the next round; undefined to sleep until woken. */
  async #round(): Promise<number | undefined> {
    const { clock, connections, store, leaving } = this.#options
    const lease = this.#claim.find()
    if (!lease) return undefined
    if (lease !== this.#recovered) {
      await Promise.all(this.#sending.values())
      await markInterrupted(this.#accountId, lease, this.#options)
      this.#recovered = lease
      this.#isClaimUnsure = false
    }
    // A snapshot: a message whose attempt ends from here on may have been sent although its outcome could not be
    // written.
    const begun = new Set(this.#sending.keys())
    if (this.#isClaimUnsure) await putBack(this.#accountId, lease, begun, this.#options)
    this.#isClaimUnsure = false
    const { pauseMs, isFailing } = this.#delivery
    if (pauseMs > 0) return pauseMs
    // While the account cannot send, a single message probes whether it can again.
    const free = (isFailing ? 1 : connections()) - this.#sending.size
    if (free <= 0) return undefined
    const at = new Date(clock.now()).toISOString()
    this.#isClaimUnsure = true
    const { claimed, asked, isMore } = await takeDue(this.#accountId, lease, { at, limit: free }, this.#options)
    this.#isClaimUnsure = false
    for (const each of claimed) this.#begin(each, lease)
    for (const row of asked) await leaving.judgeAgain(row)
    if (claimed.length > 0 || isMore) return 0
    // Uses the same `at`, so that a message that has become due in the meantime is found as the next one.
    const next = await store.nextDue(this.#accountId, at)
    return next === undefined ? undefined : Math.max(1, Date.parse(next) - clock.now())
  }

  #begin(claimed: Claimed, lease: Lease): void {
    // Another process may have changed the account's login or address, and the event has not arrived here yet.
    if (!this.#delivery.isFor(claimed.account)) this.#own(this.changed())
    const sending = this.#send(claimed, lease).finally(() => {
      // The entry may already belong to the message's next attempt.
      if (this.#sending.get(claimed.row.id) === sending) this.#sending.delete(claimed.row.id)
      this.wake()
    })
    this.#sending.set(claimed.row.id, sending)
  }

  #own(closed: Promise<void>): void {
    closed.catch((err: unknown) => {
      this.#options.logger.warn({ err, account_id: this.#accountId }, 'connections of an outbox were not closed')
    })
  }

  async #send(claimed: Claimed, lease: Lease): Promise<void> {
    const written = await this.#delivery.send(claimed, lease)
    if (!written || !this.#delivery.isFailing) return
    await giveUpOld(this.#accountId, lease, errorOf(written), this.#options).catch((err: unknown) => {
      this.#note(err, 'old messages could not be given up')
    })
  }

  /** Logs a failure, except for a lost lease: another process continues then. */
  #note(err: unknown, words: string): void {
    if (!(err instanceof LeaseLost)) this.#options.logger.warn({ err, account_id: this.#accountId }, words)
  }
}
