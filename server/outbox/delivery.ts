/** Makes one attempt to deliver a message of an account, and commits the outcome before anything else happens to it. */
import type { SubmissionState } from '../../contract/submission.ts'
import type { MailLogin } from '../accounts/mail-login.ts'
import type { EventHub } from '../events/event-hub.ts'
import { type Lease, LeaseLost } from '../platform/lease.ts'
import type { Logger } from '../platform/logger.ts'
import type { TimerClock } from '../platform/timer-clock.ts'
import type { Tracer } from '../platform/tracing/tracer.ts'
import { afterNotSent, afterSent, afterUnknown, type OutcomeColumns } from './delivery-outcome.ts'
import type { DraftMarks, SubmittedBlobs } from './draft-marks.ts'
import type { Claimed } from './due-messages.ts'
import type { Leaving } from './leaving.ts'
import { type MailSender, type MailSenders, NotSent, UnknownDelivery } from './mail-sender.ts'
import { accountDelay } from './retry-times.ts'
import { deliveryFact } from './submission-facts.ts'
import type { SubmissionStore } from './submission-store.ts'
import { recipientsOf, type SubmissionRow } from './submission-tables.ts'
import { verifiedBytes } from './verified-bytes.ts'

export interface DeliveryOptions {
  store: SubmissionStore
  hub: Pick<EventHub, 'transact'>
  blobs: Pick<SubmittedBlobs, 'read'>
  senders: MailSenders
  drafts: DraftMarks
  /** Returns the account's SMTP login. @throws Problem while the account cannot send. */
  loginOf(accountId: string, rejected?: string): Promise<MailLogin>
  /** Upper bound for messages of one account that are sent concurrently. */
  connections(): number
  leaving: Leaving
  /** Called with the state in which each attempt left its message. */
  attempted?(state: SubmissionState): void
  clock: TimerClock
  tracer?: Pick<Tracer, 'trace' | 'recall'> | undefined
  logger: Logger
}

/** Pause before the outcome is written again after a database error. */
const writeAgainMs = 1_000

export class Delivery {
  readonly #accountId: string
  readonly #options: DeliveryOptions
  /** Aborts the attempts in flight. */
  readonly #cut = new AbortController()
  #sender: MailSender | undefined
  /** Version of the account for which the connections were opened; undefined before the first message. */
  #openedFor: string | undefined
  /** Consecutive failures of the account, as opposed to a single message. */
  #faults = 0
  #pausedUntil = 0
  #isStopping = false

  constructor(accountId: string, options: DeliveryOptions) {
    this.#accountId = accountId
    this.#options = options
  }

  /** Whether the account cannot send at the moment: its server is down or refuses the login. */
  get isFailing(): boolean {
    return this.#faults > 0
  }

  /** Whether the connections belong to the account in its current state. */
  isFor(account: string): boolean {
    return this.#openedFor === account
  }

  /** Milliseconds until the account may be tried again. */
  get pauseMs(): number {
    return Math.max(0, this.#pausedUntil - this.#options.clock.now())
  }

  /** Resets the back-off. @returns A function that closes the old connections, once nothing is sent over them. */
  renew(): () => Promise<void> {
    const sender = this.#sender
    this.#sender = undefined
    this.#faults = 0
    this.#pausedUntil = 0
    return async () => sender?.close()
  }

  /** Makes writing an outcome give up after a few retries. */
  stop(): void {
    this.#isStopping = true
  }

  /** Aborts the messages in flight. */
  cut(): void {
    this.#cut.abort()
  }

  async close(): Promise<void> {
    await this.#sender?.close()
  }

  /** Delivers a message. Never rejects. @returns The row as written; undefined when nothing could be written. */
  async send({ row, account }: Claimed, lease: Lease): Promise<SubmissionRow | undefined> {
    const { clock } = this.#options
    this.#openedFor = account
    const columns = await this.#traced(row, account).then(
      outcome => {
        this.#faults = 0
        return afterSent(row, outcome, clock.now())
      },
      (error: unknown) => this.#failed(row, error),
    )
    const written = await this.#write(row, columns, lease)
    if (written) this.#options.attempted?.(written.state)
    return written
  }

  /** Traces the attempt as part of the request that submitted or approved the message, if that is known. */
  #traced(row: SubmissionRow, account: string) {
    const { tracer } = this.#options
    if (!tracer) return this.#attempt(row, account)
    const attributes = { 'rustymail.submission.id': row.id, 'rustymail.account.id': this.#accountId }
    const options = { kind: 'consumer', parent: tracer.recall(row.id) ?? 'none', attributes } as const
    return tracer.trace('outbox deliver', options, () => this.#attempt(row, account))
  }

  async #attempt(row: SubmissionRow, account: string) {
    const { blobs } = this.#options
    const to = recipientsOf(row).flatMap(({ email, state }) => (state === 'waiting' ? [email] : []))
    const bytes = verifiedBytes(blobs.read(row.blob_id), row.sha256, () => this.#checkLeaves(row, account))
    const figures = { sizeBytes: row.size_bytes, envelopeId: row.id }
    const sender = await this.#open()
    return sender.send({ from: row.envelope_from, to }, bytes, figures, this.#cut.signal)
  }

  /** Applies the rules again, as at the claim, with what the database holds now. @throws NotSent */
  async #checkLeaves(row: SubmissionRow, account: string): Promise<void> {
    const ruling = await this.#options.leaving
      .rulesIn()(row)
      .catch((cause: unknown) => {
        const message = 'Whether it may still be sent could not be read.'
        throw new NotSent(message, { isTemporary: true, code: 'rules_not_known', cause })
      })
    if (ruling.verdict === 'refused') throw new NotSent(ruling.why, { isTemporary: false, code: ruling.code })
    if (ruling.verdict === 'leave' && ruling.account === account) return
    // The next claim decides how it continues.
    throw new NotSent('It may not be sent now.', { isTemporary: true, code: 'not_now' })
  }

  async #open(): Promise<MailSender> {
    const { senders, loginOf, connections } = this.#options
    if (this.#sender) return this.#sender
    try {
      await loginOf(this.#accountId)
      const login = (rejected?: string) => loginOf(this.#accountId, rejected)
      this.#sender ??= senders.open(this.#accountId, login, connections())
      return this.#sender
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : 'The account cannot send.'
      throw new NotSent(message, { isTemporary: true, code: 'account_cannot_send', concernsAccount: true, cause })
    }
  }

  #failed(row: SubmissionRow, error: unknown): OutcomeColumns {
    const { clock, logger } = this.#options
    const now = clock.now()
    if (error instanceof UnknownDelivery) return afterUnknown(row, error, now)
    if (error instanceof NotSent && !error.concernsAccount) {
      this.#faults = 0
      return afterNotSent(row, error, now)
    }
    if (error instanceof NotSent) {
      // Concurrent attempts that failed for the same reason count once.
      if (now >= this.#pausedUntil) this.#pausedUntil = now + accountDelay(++this.#faults)
      return afterNotSent(row, error, now, this.#pausedUntil)
    }
    // A bug of ours: it is not known whether the message was sent.
    logger.error({ err: error, account_id: this.#accountId, submission: row.id }, 'sending failed')
    return afterUnknown(row, { message: 'sending failed' }, now)
  }

  /** Retries until the outcome is written; after a restart before that, the message becomes `unknown`. */
  async #write(row: SubmissionRow, columns: OutcomeColumns, lease: Lease): Promise<SubmissionRow | undefined> {
    const { store, hub, drafts, clock, logger } = this.#options
    for (let tries = 1; ; tries++) {
      try {
        return await hub.transact(async (transaction, publish) => {
          await lease.fence(transaction)
          // If the response to a commit was lost, this may be written already and the next attempt have begun.
          const from = { states: ['sending'], attempts: row.attempts } as const
          const written = await store.change(transaction, row.id, from, columns)
          if (!written) return undefined
          const { state } = written
          if (state === 'sent' || state === 'partial')
            await drafts.mark(transaction, publish, row.draft_id, 'sent', row.id)
          else if (state === 'failed') await drafts.mark(transaction, publish, row.draft_id, 'open', row.id)
          publish(deliveryFact(written))
          return written
        })
      } catch (err) {
        if (err instanceof LeaseLost) return undefined
        logger.warn(
          { err, account_id: this.#accountId, submission: row.id },
          'the outcome of a message could not be written',
        )
        if (this.#isStopping && tries > 3) return undefined
        await new Promise<void>(resolve => clock.after(writeAgainMs, resolve))
      }
    }
  }
}
