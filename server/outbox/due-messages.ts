/**
 * Claims due messages in one transaction. Each is judged in it; a message that may not leave now is ended, postponed or
 * skipped.
 */
import type { EventHub } from '../events/event-hub.ts'
import type { Database } from '../platform/database/database.ts'
import type { Lease } from '../platform/lease.ts'
import type { TimerClock } from '../platform/timer-clock.ts'
import { afterNotSent } from './delivery-outcome.ts'
import type { DraftMarks, Publish } from './draft-marks.ts'
import type { Leaving } from './leaving.ts'
import { NotSent } from './mail-sender.ts'
import { deliveryFact } from './submission-facts.ts'
import { dueStates, type SubmissionStore } from './submission-store.ts'
import type { StoredError, SubmissionRow } from './submission-tables.ts'

export interface DueMessagesOptions {
  store: SubmissionStore
  hub: Pick<EventHub, 'transact'>
  drafts: DraftMarks
  leaving: Leaving
  clock: TimerClock
}

export interface Claimed {
  row: SubmissionRow
  /** Version of the account at the ruling: see `Ruling`. */
  account: string
}

export interface Taken {
  claimed: Claimed[]
  /**
   * Messages whose policies have to be judged again, after the attempts of the claimed ones have begun, since judging
   * may fail.
   */
  asked: SubmissionRow[]
  /** Whether there may be more, because messages were ended, postponed or need judging. */
  isMore: boolean
}

/** @param at Claims messages due by this time, in ISO 8601. */
export async function takeDue(
  accountId: string,
  lease: Lease,
  { at, limit }: { at: string; limit: number },
  options: DueMessagesOptions,
): Promise<Taken> {
  const { store, hub, leaving } = options
  if ((await store.listDue(accountId, { at, limit: 1 })).length === 0) return { claimed: [], asked: [], isMore: false }
  return hub.transact(async (transaction, publish) => {
    await lease.fence(transaction)
    const rule = leaving.rulesIn(transaction)
    const without: string[] = []
    for (;;) {
      const due = await store.listDue(accountId, { at, limit, without }, transaction)
      const rulings: { row: SubmissionRow; ruling: Awaited<ReturnType<typeof rule>> }[] = []
      for (const row of due) rulings.push({ row, ruling: await rule(row) })
      const stopped = rulings.filter(({ ruling }) => ruling.verdict === 'stopped')
      if (stopped.length > 0) {
        without.push(...new Set(stopped.map(({ row }) => row.principal_id)))
        continue
      }
      const claimed: Claimed[] = []
      const asked: SubmissionRow[] = []
      for (const { row, ruling } of rulings) {
        if (ruling.verdict === 'ask') asked.push(row)
        else if (ruling.verdict === 'refused') await end(transaction, publish, row, ruling, options)
        else if (ruling.verdict === 'later') await putOff(transaction, publish, row, ruling, options)
        else if (ruling.verdict === 'leave') {
          const own = await store.claim(transaction, row.id)
          if (!own) continue
          claimed.push({ row: own, account: ruling.account })
          publish(deliveryFact(own))
        }
      }
      return { claimed, asked, isMore: claimed.length < rulings.length }
    }
  })
}

/** Ends a message as failed; if some recipients have it already, only the others are given up. */
async function end(
  transaction: Database,
  publish: Publish,
  row: SubmissionRow,
  { code, why }: { code: string; why: string },
  { store, drafts, clock }: DueMessagesOptions,
): Promise<void> {
  const columns = afterNotSent(row, new NotSent(why, { isTemporary: false, code }), clock.now())
  const isUnsent = columns.state === 'failed'
  // Users may retry a failed message; one that its sender may not send is denied.
  const state = isUnsent && code === 'sender_not_allowed' ? 'denied' : columns.state
  const ended = await store.change(transaction, row.id, { states: dueStates, hash: row.hash }, { ...columns, state })
  if (!ended) return
  await drafts.mark(transaction, publish, row.draft_id, isUnsent ? 'open' : 'sent', row.id)
  publish(deliveryFact(ended))
}

async function putOff(
  transaction: Database,
  publish: Publish,
  row: SubmissionRow,
  { at, why }: { at: number; why: string },
  { store }: DueMessagesOptions,
): Promise<void> {
  const due = new Date(at).toISOString()
  const error: StoredError = { code: 'outside_hours', why, server_response: null }
  // Postponing does not extend the time until a message is given up; otherwise it could wait without end.
  const first = { state: 'scheduled' as const, send_at: due, ready_at: due }
  const values = { due_at: due, error: JSON.stringify(error), ...(row.attempts === 0 && first) }
  const changed = await store.change(transaction, row.id, { states: dueStates, hash: row.hash }, values)
  if (changed) publish(deliveryFact(changed))
}
