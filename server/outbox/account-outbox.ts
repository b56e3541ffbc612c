/**
 * Sends what waits in the outbox of one account, several messages at a time. That a message is being sent is committed before the mail
 * server hears of it, and what became of it afterwards; one that is found in between after a crash is `unknown`, and is not sent again.
 */
import type { LeaseClaim, LeaseService } from '../leases/lease-service.ts'
import { type Lease, LeaseLost } from '../platform/lease.ts'
import { WokenLoop } from '../platform/woken-loop.ts'
import { Delivery, type DeliveryOptions } from './delivery.ts'
import { type Claimed, takeDue } from './due-messages.ts'
import { giveUpOld, markInterrupted, putBack } from './left-over.ts'
import { SentCopies, type SentCopiesOptions } from './sent-copies.ts'
import { errorOf } from './submission-tables.ts'

export interface AccountOutboxOptions extends DeliveryOptions, Omit<SentCopiesOptions, 'accountId' | 'lease'> {
  leases: Pick<LeaseService, 'want'>
}

/** The rest after a round that failed. */
const againMs = 1_000
/** A stop of the whole server takes ten seconds at most. */
const graceMs = 4_000

export class AccountOutbox {
  readonly #accountId: string
  readonly #options: AccountOutboxOptions
  readonly #claim: LeaseClaim
  readonly #delivery: Delivery
  readonly #copies: SentCopies
  /** By the id of the message. */
  readonly #sending = new Map<string, Promise<void>>()
  readonly #loop: WokenLoop
  /** The lease under which interrupted attempts were marked already. */
  #recovered: Lease | undefined
  /** Messages may be claimed that are not begun: the answer to the commit was lost. */
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

  /** The account has another login, or is enabled again. */
  async changed(): Promise<void> {
    const close = this.#delivery.renew()
    this.wake()
    // Messages that are being sent are not interrupted.
    await Promise.all(this.#sending.values())
    await close()
  }

  /**
   * A message that is being sent gets some seconds, since to cut it off would leave its outcome unknown; then it is cut, and marked so. A mail
   * server that does not answer about a copy is cut too: it must not hold the lease until the end of the stop.
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

  /** @returns How long there is nothing to do: undefined until it is woken. */
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
    // As they are now: one that ends meanwhile may have left, though that could not be written.
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
    // As of the same time: a message that has become due since then is the next one.
    const next = await store.nextDue(this.#accountId, at)
    return next === undefined ? undefined : Math.max(1, Date.parse(next) - clock.now())
  }

  #begin(claimed: Claimed, lease: Lease): void {
    // Another process may have changed its login or address, and that is not heard yet.
    if (!this.#delivery.isFor(claimed.account)) this.#own(this.changed())
    const sending = this.#send(claimed, lease).finally(() => {
      // By now it may be the next attempt.
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
      this.#note(err, 'old messages were not given up')
    })
  }

  /** Another process goes on where the lease was lost. */
  #note(err: unknown, words: string): void {
    if (!(err instanceof LeaseLost)) this.#options.logger.warn({ err, account_id: this.#accountId }, words)
  }
}
