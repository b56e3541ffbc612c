/**
 * Sends what waits in the outbox of one account, several messages at a time. That a message is being sent is committed before the mail
 * server hears of it, and what became of it afterwards; one that is found in between after a crash is `unknown`, and is not sent again.
 */
import type { MailLogin } from '../accounts/mail-login.ts'
import type { EventHub } from '../events/event-hub.ts'
import type { LeaseClaim, LeaseService } from '../leases/lease-service.ts'
import { type Lease, LeaseLost } from '../platform/lease.ts'
import type { Logger } from '../platform/logger.ts'
import { afterNotSent, afterSent, afterUnknown, type OutcomeColumns } from './delivery-outcome.ts'
import type { DraftMarks, SubmittedBlobs } from './draft-marks.ts'
import { type MailSender, type MailSenders, NotSent, UnknownDelivery } from './mail-sender.ts'
import type { OutboxClock } from './outbox-clock.ts'
import { accountDelay, giveUpMs } from './retry-times.ts'
import { deliveryFact } from './submission-facts.ts'
import type { DueRow, SubmissionStore } from './submission-store.ts'
import { recipientsOf, type SubmissionRow } from './submission-tables.ts'
import { verifiedBytes } from './verified-bytes.ts'

export interface AccountOutboxOptions {
  store: SubmissionStore
  hub: Pick<EventHub, 'transact'>
  blobs: Pick<SubmittedBlobs, 'read'>
  senders: MailSenders
  drafts: DraftMarks
  leases: Pick<LeaseService, 'want'>
  /** @throws Problem while the account cannot send. */
  loginOf(accountId: string): Promise<MailLogin>
  /** Messages of an account that are sent at a time. */
  connections(): number
  isHeld(submission: DueRow): boolean
  clock: OutboxClock
  logger: Logger
}

/** Of the database: a result that cannot be written is written later. */
const writeAgainMs = 1_000
/** A stop of the whole server takes ten seconds at most. */
const graceMs = 4_000
const rowsAtOnce = 100

export class AccountOutbox {
  readonly #accountId: string
  readonly #options: AccountOutboxOptions
  readonly #claim: LeaseClaim
  /** No further message is begun. */
  readonly #abort = new AbortController()
  /** What is being sent ends. */
  readonly #cut = new AbortController()
  readonly #sending = new Set<Promise<void>>()
  readonly #running: Promise<void>
  #sender: MailSender | undefined
  /** Of which no earlier attempts are left to look after. */
  #recovered: Lease | undefined
  /** In a row, of the account and not of a message. */
  #faults = 0
  #pausedUntil = 0
  #wake: () => void = () => undefined
  #isWoken = true

  constructor(accountId: string, options: AccountOutboxOptions) {
    this.#accountId = accountId
    this.#options = options
    this.#claim = options.leases.want(`outbox:${accountId}`, { won: () => this.wake() })
    this.#running = this.#run(this.#abort.signal)
  }

  wake(): void {
    this.#isWoken = true
    this.#wake()
  }

  /** The account has another login, or is enabled again: whatever was wrong with it may be over. */
  async changed(): Promise<void> {
    this.#faults = 0
    this.#pausedUntil = 0
    const sender = this.#sender
    this.#sender = undefined
    this.wake()
    // What is being sent by it comes to its end.
    await Promise.all(this.#sending)
    await sender?.close()
  }

  /** What is being sent has some seconds: to cut it off would leave its outcome unknown. Then that is written. */
  async stop(isGone = false): Promise<void> {
    this.#abort.abort()
    this.#wake()
    await this.#running
    const callOff = this.#options.clock.after(graceMs, () => this.#cut.abort())
    await Promise.all(this.#sending)
    callOff()
    await this.#sender?.close()
    await this.#claim.giveBack(isGone)
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { clock, logger } = this.#options
    while (!signal.aborted) {
      this.#isWoken = false
      let restMs: number | undefined
      try {
        restMs = await this.#round()
      } catch (err) {
        if (!(err instanceof LeaseLost))
          logger.warn({ err, account_id: this.#accountId }, 'the outbox could not be read')
        restMs = writeAgainMs
      }
      if (restMs === 0 || signal.aborted) continue
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#wake = resolve
      const over = restMs === undefined ? () => undefined : clock.after(restMs, resolve)
      if (!this.#isWoken) await promise
      over()
    }
  }

  /** @returns How long there is nothing to do: undefined until it is woken. */
  async #round(): Promise<number | undefined> {
    const { clock, connections, store } = this.#options
    const lease = this.#claim.find()
    if (!lease) return undefined
    if (lease !== this.#recovered) {
      await Promise.all(this.#sending)
      await this.#recover(lease)
      this.#recovered = lease
    }
    const pauseMs = this.#pausedUntil - clock.now()
    if (pauseMs > 0) return pauseMs
    // While the account cannot send, one message finds out whether it can again.
    const free = (this.#faults > 0 ? 1 : connections()) - this.#sending.size
    if (free <= 0) return undefined
    const claimed = await this.#take(lease, free)
    for (const row of claimed) this.#begin(row, lease)
    if (claimed.length > 0) return 0
    const at = clock.now()
    const next = await store.nextDue(this.#accountId, new Date(at).toISOString())
    return next === undefined ? undefined : Math.max(1, Date.parse(next) - at)
  }

  /** Takes some whose time has come, in one transaction; what a human has stopped is passed over. */
  async #take(lease: Lease, limit: number): Promise<SubmissionRow[]> {
    const { store, hub, clock, isHeld } = this.#options
    const at = new Date(clock.now()).toISOString()
    const some = await store.listDue(this.#accountId, { at, limit: 1 })
    if (some.length === 0) return []
    return hub.transact(async (transaction, tell) => {
      await lease.fence(transaction)
      const without: string[] = []
      let due: DueRow[]
      for (;;) {
        due = await store.listDue(this.#accountId, { at, limit, without }, transaction)
        const held = new Set(due.filter(isHeld).map(({ principal_id: id }) => id))
        if (held.size === 0) break
        without.push(...held)
      }
      const claimed: SubmissionRow[] = []
      for (const { id } of due) {
        const row = await store.claim(transaction, id)
        if (!row) continue
        claimed.push(row)
        tell(deliveryFact(row))
      }
      return claimed
    })
  }

  #begin(row: SubmissionRow, lease: Lease): void {
    const sending = this.#send(row, lease).finally(() => {
      this.#sending.delete(sending)
      this.wake()
    })
    this.#sending.add(sending)
  }

  /** Never rejects. */
  async #send(row: SubmissionRow, lease: Lease): Promise<void> {
    const { clock } = this.#options
    const columns = await this.#attempt(row).then(
      outcome => {
        this.#faults = 0
        return afterSent(row, outcome, clock.now())
      },
      (error: unknown) => this.#failed(row, error),
    )
    await this.#write(row, columns, lease)
  }

  async #attempt(row: SubmissionRow) {
    const { blobs, isHeld } = this.#options
    const to = recipientsOf(row).flatMap(({ email, state }) => (state === 'waiting' ? [email] : []))
    const bytes = verifiedBytes(blobs.read(row.blob_id), row.sha256, () => !isHeld(row))
    const figures = { sizeBytes: row.size_bytes, envelopeId: row.id }
    const sender = await this.#open()
    return sender.send({ from: row.envelope_from, to }, bytes, figures, this.#cut.signal)
  }

  async #open(): Promise<MailSender> {
    const { senders, loginOf, connections } = this.#options
    if (this.#sender) return this.#sender
    try {
      const login = await loginOf(this.#accountId)
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
      // Several that were under way found the same.
      if (now >= this.#pausedUntil) this.#pausedUntil = now + accountDelay(++this.#faults)
      return afterNotSent(row, error, now, this.#pausedUntil)
    }
    // A fault of ours: whether the message left is not known.
    logger.error({ err: error, account_id: this.#accountId, submission: row.id }, 'sending failed')
    return afterUnknown(row, { message: 'sending failed' }, now)
  }

  /** Until it is written: whoever restarts before that finds it `unknown`. */
  async #write(row: SubmissionRow, columns: OutcomeColumns, lease: Lease): Promise<void> {
    const { store, hub, drafts, clock, logger } = this.#options
    for (let tries = 1; ; tries++) {
      try {
        await hub.transact(async (transaction, tell) => {
          await lease.fence(transaction)
          const written = await store.change(transaction, row.id, { states: ['sending'] }, columns)
          if (!written) return
          if (written.state === 'sent' || written.state === 'partial') {
            await drafts.mark(transaction, tell, row.draft_id, 'sent', row.id)
          } else if (written.state === 'failed') await drafts.mark(transaction, tell, row.draft_id, 'open', row.id)
          tell(deliveryFact(written))
        })
        break
      } catch (err) {
        if (err instanceof LeaseLost) return
        logger.warn(
          { err, account_id: this.#accountId, submission: row.id },
          'what became of a message was not written',
        )
        if (this.#abort.signal.aborted && tries > 3) return
        await new Promise<void>(resolve => clock.after(writeAgainMs, resolve))
      }
    }
    if (this.#faults > 0) await this.#giveUpOld(lease, columns.error)
  }

  /** While the account cannot send, only one message at a time is tried; the others do not wait for ever either. */
  async #giveUpOld(lease: Lease, error: string | null): Promise<void> {
    const { store, hub, clock, logger } = this.#options
    const now = clock.now()
    const before = new Date(now - giveUpMs).toISOString()
    try {
      for (let isLeft = true; isLeft; ) {
        isLeft = await hub.transact(async (transaction, tell) => {
          await lease.fence(transaction)
          const old = await store.listReadyBefore(this.#accountId, before, rowsAtOnce, transaction)
          for (const row of old) {
            const fault = error === null ? undefined : (JSON.parse(error) as { code: string; why: string })
            const { code = 'gave_up', why = 'It could not be sent.' } = fault ?? {}
            const columns = afterNotSent(row, new NotSent(why, { isTemporary: false, code }), now)
            const failed = await store.change(transaction, row.id, { states: ['queued'] }, columns)
            if (!failed) continue
            await this.#options.drafts.mark(transaction, tell, row.draft_id, 'open', row.id)
            tell(deliveryFact(failed))
          }
          return old.length === rowsAtOnce
        })
      }
    } catch (err) {
      if (!(err instanceof LeaseLost))
        logger.warn({ err, account_id: this.#accountId }, 'old messages were not given up')
    }
  }

  /** Those that an earlier process was sending when it ended. */
  async #recover(lease: Lease): Promise<void> {
    const { store, hub, clock } = this.#options
    for (let isLeft = true; isLeft; ) {
      isLeft = await hub.transact(async (transaction, tell) => {
        await lease.fence(transaction)
        const ids = await store.listIn(this.#accountId, 'sending', rowsAtOnce, transaction)
        for (const id of ids) {
          const row = await store.find(id, transaction)
          if (!row) continue
          const lost = { message: 'RustyMail stopped while it was sending the message' }
          const columns = afterUnknown(row, lost, clock.now())
          const unknown = await store.change(transaction, id, { states: ['sending'] }, columns)
          if (unknown) tell(deliveryFact(unknown))
        }
        return ids.length === rowsAtOnce
      })
    }
  }
}
