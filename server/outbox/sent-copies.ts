/**
 * Copies what an account has sent to its Sent folder, one by one, and flags messages that were answered. The state of
 * the folder is committed before APPEND: after a lost response the message is looked up there, and not appended twice.
 */

import type { MailLogin } from '../accounts/mail-login.ts'
import type { SentChoice } from '../drafts/identity-service.ts'
import type { EventHub } from '../events/event-hub.ts'
import type { ConnectionPool } from '../imap/connection-pool.ts'
import { UnknownOutcome } from '../imap/gateway-capabilities.ts'
import type { MailConnection } from '../imap/mail-gateway.ts'
import type { MessageRefs } from '../imap/message-ref.ts'
import type { Lease } from '../platform/lease.ts'
import { LeaseLost } from '../platform/lease.ts'
import type { Logger } from '../platform/logger.ts'
import { isStopping, Problem } from '../platform/problem.ts'
import type { TimerClock } from '../platform/timer-clock.ts'
import { WokenLoop } from '../platform/woken-loop.ts'
import type { CopyMemory } from './copy-memory.ts'
import type { SubmittedBlobs } from './draft-marks.ts'
import { giveUpMs, retryDelay } from './retry-times.ts'
import { findSentFolder, hasArrived, intentFor, isAmongNewest, isSavedByProvider } from './sent-folder.ts'
import { deliveryFact } from './submission-facts.ts'
import type { SubmissionStore } from './submission-store.ts'
import { answeredBy, type CopyIntent, type SubmissionRow } from './submission-tables.ts'

export interface SentCopiesOptions {
  accountId: string
  store: SubmissionStore
  hub: Pick<EventHub, 'transact'>
  blobs: Pick<SubmittedBlobs, 'read'>
  pool: Pick<ConnectionPool, 'run' | 'runOnce'>
  refs: Pick<MessageRefs, 'decode'>
  memory: CopyMemory
  loginOf(accountId: string, rejected?: string): Promise<MailLogin>
  /** Returns how copies are made; by default the provider's is looked for, else one is appended to the Sent folder. */
  choiceOf?(accountId: string): Promise<SentChoice>
  lease(): Lease | undefined
  /** Called when something changed in a folder of the account. */
  notice(accountId: string, path: string): void
  clock: TimerClock
  logger: Logger
}

type CopyColumns = Partial<
  Pick<SubmissionRow, 'copy_state' | 'copy_folder' | 'copy_why' | 'copy_attempts' | 'copy_due_at' | 'copy_intent'>
>

const againMs = 1_000
/** Pauses before a provider's own copy is looked for again. */
const lookDelays = [10_000, 30_000, 60_000, 5 * 60_000, 15 * 60_000]
/** Tolerance for differing clocks. */
const clockSlackMs = 2 * 60_000

export class SentCopies {
  readonly #options: SentCopiesOptions
  readonly #abort = new AbortController()
  /** Closes the connection that a copy waits for. */
  readonly #cut = new AbortController()
  readonly #loop: WokenLoop

  constructor(options: SentCopiesOptions) {
    this.#options = options
    const { accountId, clock, logger } = options
    this.#loop = new WokenLoop({
      round: () => this.#round(),
      failed: err => {
        if (!(err instanceof LeaseLost)) logger.warn({ err, account_id: accountId }, 'the copy of a sent message waits')
      },
      againMs,
      clock,
    })
  }

  wake(): void {
    this.#loop.wake()
  }

  /** Waits for the copy in flight, unless `cut` ends it. */
  async stop(): Promise<void> {
    this.#abort.abort()
    await this.#loop.stop()
  }

  /** Stops waiting for responses, after a stop. The next start checks whether the copy arrived. */
  cut(): void {
    this.#cut.abort()
  }

  /** @returns Milliseconds until the next round; undefined to sleep until woken. */
  async #round(): Promise<number | undefined> {
    const { store, clock, accountId, lease } = this.#options
    if (!lease()) return undefined
    const row = await store.nextCopy(accountId)
    if (!row?.copy_due_at) return undefined
    const waitMs = Date.parse(row.copy_due_at) - clock.now()
    if (waitMs > 0) return waitMs
    await this.#copy(row)
    return 0
  }

  async #copy(row: SubmissionRow): Promise<void> {
    try {
      await this.#answer(row)
      const { choiceOf, loginOf } = this.#options
      const choice = (await choiceOf?.(row.account_id)) ?? { copy: 'auto', folder: undefined }
      if (choice.copy === 'never') return await this.#save(row, { ...ended, copy_state: 'none' })
      const folder = await this.#read(connection => findSentFolder(connection, choice.folder))
      if (folder === undefined) return await this.#fail(row, noFolder(choice.folder))
      const { host } = await loginOf(row.account_id)
      if (choice.copy === 'auto' && isSavedByProvider(host, folder)) return await this.#look(row, folder)
      await this.#append(row, folder)
    } catch (error) {
      if (this.#abort.signal.aborted || isStopping(error)) throw error
      if (!(error instanceof Problem || error instanceof UnknownOutcome)) throw error
      await this.#later(row, error)
    }
  }

  /** Flags the message that is answered or forwarded; idempotent. */
  async #answer(row: SubmissionRow): Promise<void> {
    const { pool, refs, notice, accountId, logger } = this.#options
    const answered = answeredBy(row)
    if (!answered?.ref || row.copy_attempts > 0) return
    try {
      const { folder: path, uidValidity, uid } = refs.decode(accountId, answered.ref)
      const flag = answered.isForward ? '$Forwarded' : '\\Answered'
      const target = { path, uidValidity, uids: [uid] }
      const mark = () =>
        pool.runOnce(
          accountId,
          'background',
          (writer, cut) => this.#cuttable(cut, () => writer.setFlags(target, 'add', [flag])),
          this.#abort.signal,
          path,
        )
      await mark().catch((error: unknown) => (error instanceof UnknownOutcome ? mark() : Promise.reject(error)))
      notice(accountId, path)
    } catch (err) {
      // The message was moved or deleted, or the server refuses the flag: the copy does not depend on it.
      if (!(err instanceof Problem || err instanceof UnknownOutcome)) throw err
      logger.info({ err, account_id: accountId }, 'the answered message could not be marked')
    }
  }

  async #append(row: SubmissionRow, folder: string): Promise<void> {
    const { pool, accountId, memory, notice } = this.#options
    if (row.copy_intent !== null) {
      const intent = JSON.parse(row.copy_intent) as CopyIntent
      const isThere = await this.#read(connection => hasArrived(connection, intent, row.message_id))
      if (isThere) return this.#saved(row, intent.folder)
    }
    const free = await memory.take(row.size_bytes)
    try {
      const message = await this.#bytes(row)
      const intent = await this.#read(connection => intentFor(connection, folder))
      await this.#save(row, { copy_intent: JSON.stringify(intent), copy_folder: folder })
      const date = new Date(row.ready_at ?? row.created_at)
      await pool.runOnce(
        accountId,
        'background',
        (writer, cut) => this.#cuttable(cut, () => writer.append(folder, message, { flags: ['\\Seen'], date })),
        this.#abort.signal,
        folder,
      )
    } finally {
      free()
    }
    await this.#saved(row, folder)
    notice(accountId, folder)
  }

  async #bytes(row: SubmissionRow): Promise<Buffer> {
    const pieces: Uint8Array[] = []
    for await (const piece of this.#options.blobs.read(row.blob_id)) pieces.push(piece)
    return Buffer.concat(pieces)
  }

  /** Looks for the copy that the provider makes itself; nothing is appended beside it. */
  async #look(row: SubmissionRow, folder: string): Promise<void> {
    const { clock, notice, accountId } = this.#options
    const since = Date.parse(row.ready_at ?? row.created_at) - clockSlackMs
    const sought = { messageId: row.message_id, subject: row.subject, since }
    if (await this.#read(connection => isAmongNewest(connection, folder, sought))) {
      await this.#save(row, { ...ended, copy_state: 'by_provider', copy_folder: folder })
      return notice(accountId, folder)
    }
    const delay = lookDelays[row.copy_attempts]
    if (delay === undefined) return this.#fail(row, 'The mail provider keeps sent messages, but this one is not there.')
    const copy_due_at = new Date(clock.now() + delay).toISOString()
    await this.#save(row, { copy_attempts: row.copy_attempts + 1, copy_due_at, copy_folder: folder })
  }

  async #later(row: SubmissionRow, error: Problem | UnknownOutcome): Promise<void> {
    const { clock } = this.#options
    const attempts = row.copy_attempts + 1
    const isLost = error instanceof UnknownOutcome
    const why = isLost ? 'The connection was lost.' : error.message
    if (!isLost && error.code === 'too_large') return this.#fail(row, why)
    const isRefused = !isLost && error.code === 'mail_server_refused' && error.extension.fault === undefined
    const isLate = clock.now() - Date.parse(row.ready_at ?? row.created_at) >= giveUpMs
    if ((isRefused && attempts > 3) || isLate) return this.#fail(row, why)
    // After a lost response the folder is checked immediately.
    const delay = isLost && attempts === 1 ? 0 : retryDelay(attempts)
    const copy_due_at = new Date(clock.now() + delay).toISOString()
    await this.#save(row, { copy_attempts: attempts, copy_due_at, copy_why: why })
  }

  #saved(row: SubmissionRow, folder: string): Promise<void> {
    return this.#save(row, { ...ended, copy_state: 'saved', copy_folder: folder })
  }

  #fail(row: SubmissionRow, why: string): Promise<void> {
    return this.#save(row, { ...ended, copy_state: 'failed', copy_why: why })
  }

  async #save(row: SubmissionRow, columns: CopyColumns): Promise<void> {
    const { store, hub, accountId } = this.#options
    const lease = this.#options.lease()
    if (!lease) throw new LeaseLost(`outbox:${accountId}`)
    await hub.transact(async (transaction, publish) => {
      await lease.fence(transaction)
      const saved = await store.changeCopy(transaction, row.id, columns)
      if (saved && columns.copy_state !== undefined) publish(deliveryFact(saved))
    })
  }

  #read<Result>(work: (connection: MailConnection) => Promise<Result>): Promise<Result> {
    const cuttable = (connection: MailConnection) =>
      this.#cuttable(
        () => void connection.close(),
        () => work(connection),
      )
    return this.#options.pool.run(this.#options.accountId, 'background', cuttable, this.#abort.signal)
  }

  async #cuttable<Result>(cut: () => void, work: () => Promise<Result>): Promise<Result> {
    const { signal } = this.#cut
    signal.addEventListener('abort', cut, { once: true })
    if (signal.aborted) cut()
    try {
      return await work()
    } finally {
      signal.removeEventListener('abort', cut)
    }
  }
}

function noFolder(chosen: string | undefined): string {
  if (chosen === undefined) return 'The account has no folder for sent messages.'
  return `The account has no folder ${chosen}, which was chosen for sent messages.`
}

const ended = { copy_due_at: null, copy_intent: null, copy_why: null } as const
