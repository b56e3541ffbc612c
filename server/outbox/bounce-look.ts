/** Reads a message that may be a bounce, and matches it to the submissions that it reports as failed. */
import { lowerAscii } from '../../contract/ascii-case.ts'
import type { EventOf } from '../../contract/event.ts'
import type { EventHub } from '../events/event-hub.ts'
import type { ConnectionPool } from '../imap/connection-pool.ts'
import { wholeMessage } from '../imap/gateway-capabilities.ts'
import type { TimerClock } from '../platform/timer-clock.ts'
import { type BounceReport, readBounce, wordsAbout } from './bounce-report.ts'
import { deliveryFact } from './submission-facts.ts'
import type { SubmissionStore } from './submission-store.ts'
import { recipientsOf, type SubmissionRow } from './submission-tables.ts'

export interface BounceLookOptions {
  store: SubmissionStore
  hub: Pick<EventHub, 'transact'>
  pool: Pick<ConnectionPool, 'run'>
  clock: Pick<TimerClock, 'now'>
}

export type Arrival = EventOf<'mail_received'>['data']

/** How long after sending bounces are accepted; mail servers give up after some days. */
export const reportedMs = 14 * 24 * 60 * 60_000
/** Bytes of a report that are read; the failed recipients are named near its beginning. */
const mostBytes = 256 * 1024
const pieceBytes = 64 * 1024
/** A report that names no message is matched only to submissions of this recent past. */
const guessedMs = 5 * 24 * 60 * 60_000
const mostGuessed = 500

export class BounceLook {
  readonly #options: BounceLookOptions

  constructor(options: BounceLookOptions) {
    this.#options = options
  }

  /**
   * Reads the message and marks the recipients that it reports as failed; idempotent. @throws Errors of the mail server
   * or the database.
   */
  async look(arrival: Arrival, signal: AbortSignal): Promise<void> {
    const { store, clock } = this.#options
    const since = new Date(clock.now() - reportedMs).toISOString()
    if (!(await store.hasSentSince(arrival.account_id, since))) return
    const raw = await this.#read(arrival, signal)
    const report = raw && readBounce(raw)
    if (!report) return
    for (const row of await this.#find(arrival.account_id, report, since)) await this.#mark(row, report)
  }

  /** Returns the beginning of the message; undefined when it no longer exists. */
  async #read({ account_id, folder, uid, uid_validity }: Arrival, signal: AbortSignal): Promise<Buffer | undefined> {
    const pieces: Buffer[] = []
    for (let start = 0; start < mostBytes; ) {
      const piece = { section: wholeMessage, start, length: pieceBytes }
      const { uidValidity, bytes } = await this.#options.pool.run(
        account_id,
        'background',
        connection => connection.parts.read(folder, uid, piece),
        signal,
        folder,
      )
      if (bytes === undefined || uidValidity !== uid_validity) return undefined
      pieces.push(bytes)
      start += bytes.length
      if (bytes.length < pieceBytes) break
    }
    return Buffer.concat(pieces)
  }

  /**
   * Finds submissions by the Message-ID of the returned message, by the envelope id, or, if neither is named, by the
   * recipient alone.
   */
  async #find(accountId: string, report: BounceReport, since: string): Promise<SubmissionRow[]> {
    const { store, clock } = this.#options
    const byMessage = await store.findByMessageIds(accountId, report.messageIds, since)
    if (byMessage.length > 0) return byMessage
    const byEnvelope = report.envelopeId === undefined ? undefined : await store.find(report.envelopeId)
    if (byEnvelope?.account_id === accountId) return [byEnvelope]
    // The report is about a message that is not ours.
    if (report.messageIds.length > 0) return []
    const guessedSince = new Date(clock.now() - guessedMs).toISOString()
    const recent = await store.listSentSince(accountId, guessedSince, mostGuessed)
    const named = recent.filter(row => failedRecipients(row, report).length > 0)
    return named.length === 1 ? named : []
  }

  async #mark(found: SubmissionRow, report: BounceReport): Promise<void> {
    const { store, hub, clock } = this.#options
    await hub.transact(async (transaction, publish) => {
      const row = await store.find(found.id, transaction)
      // A message being sent again at this moment has its recipients written when that attempt ends.
      if (!row || row.state === 'sending') return
      const failed = new Map(failedRecipients(row, report))
      if (failed.size === 0) return
      const at = new Date(clock.now()).toISOString()
      const recipients = recipientsOf(row).map(recipient => {
        const words = failed.get(recipient.email)
        return words === undefined ? recipient : { ...recipient, state: 'bounced' as const, response: words, at }
      })
      const changed = await store.changeRecipients(transaction, row, JSON.stringify(recipients))
      if (changed) publish(deliveryFact(changed))
    })
  }
}

/**
 * Considers only recipients that the mail server accepted or may have accepted: a report about any other is about
 * another message, or forged.
 */
function failedRecipients(row: SubmissionRow, { failed, texts }: BounceReport): [email: string, words: string][] {
  const reported = new Map(failed.map(({ email, words }) => [lowerAscii(email), words]))
  return recipientsOf(row).flatMap(({ email, state }): [string, string][] => {
    if (state !== 'accepted' && state !== 'unknown') return []
    const words = reported.get(lowerAscii(email)) ?? firstOf(texts, text => wordsAbout(text, email))
    return words === undefined ? [] : [[email, words]]
  })
}

function firstOf<Item, Result>(items: readonly Item[], find: (item: Item) => Result | undefined): Result | undefined {
  for (const item of items) {
    const found = find(item)
    if (found !== undefined) return found
  }
  return undefined
}
