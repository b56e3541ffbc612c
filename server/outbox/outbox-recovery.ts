/**
 * Recovers the outbox of an account: messages that an earlier process was sending, uncertain claims, and messages that
 * waited too long.
 */
import type { EventHub } from '../events/event-hub.ts'
import type { Lease } from '../platform/lease.ts'
import type { TimerClock } from '../platform/timer-clock.ts'
import { afterNotSent, afterUnknown } from './delivery-outcome.ts'
import type { DraftMarks } from './draft-marks.ts'
import { NotSent } from './mail-sender.ts'
import { giveUpMs } from './retry-times.ts'
import { deliveryFact } from './submission-facts.ts'
import type { SubmissionStore } from './submission-store.ts'
import type { StoredError } from './submission-tables.ts'

export interface RecoveryOptions {
  store: SubmissionStore
  hub: Pick<EventHub, 'transact'>
  drafts: DraftMarks
  clock: TimerClock
}

const rowsAtOnce = 100

/**
 * Marks messages that an earlier process was sending as `unknown`: the mail server may have them, so they are never
 * resent automatically.
 */
export async function markInterrupted(accountId: string, lease: Lease, options: RecoveryOptions): Promise<void> {
  const { store, hub, clock } = options
  for (let isLeft = true; isLeft; ) {
    isLeft = await hub.transact(async (transaction, publish) => {
      await lease.fence(transaction)
      const ids = await store.listIn(accountId, 'sending', rowsAtOnce, transaction)
      for (const id of ids) {
        const row = await store.find(id, transaction)
        if (!row) continue
        const lost = { message: 'RustyMail stopped while it was sending the message' }
        const columns = afterUnknown(row, lost, clock.now())
        const unknown = await store.change(transaction, id, { states: ['sending'] }, columns)
        if (unknown) publish(deliveryFact(unknown))
      }
      return ids.length === rowsAtOnce
    })
  }
}

/**
 * Puts claimed messages back into the queue when the response to the claim's commit was lost. Messages without an
 * attempt were never offered to the mail server.
 */
export async function putBack(
  accountId: string,
  lease: Lease,
  begun: ReadonlySet<string>,
  { store, hub, clock }: RecoveryOptions,
): Promise<void> {
  await hub.transact(async (transaction, publish) => {
    await lease.fence(transaction)
    for (const id of await store.listIn(accountId, 'sending', rowsAtOnce, transaction)) {
      const row = begun.has(id) ? undefined : await store.find(id, transaction)
      if (!row) continue
      const values = {
        state: 'queued',
        attempts: row.attempts - 1,
        due_at: new Date(clock.now()).toISOString(),
      } as const
      const waiting = await store.change(transaction, id, { states: ['sending'] }, values)
      if (waiting) publish(deliveryFact(waiting))
    }
  })
}

/**
 * Gives up messages that waited too long. While an account cannot send, only one message at a time is tried, so the
 * others would wait forever.
 */
export async function giveUpOld(
  accountId: string,
  lease: Lease,
  error: StoredError | null,
  { store, hub, drafts, clock }: RecoveryOptions,
): Promise<void> {
  const now = clock.now()
  const before = new Date(now - giveUpMs).toISOString()
  const { code = 'gave_up', why = 'It could not be sent.', server_response: serverResponse = null } = error ?? {}
  const fault = new NotSent(why, { isTemporary: false, code, serverResponse })
  for (let isLeft = true; isLeft; ) {
    isLeft = await hub.transact(async (transaction, publish) => {
      await lease.fence(transaction)
      const old = await store.listReadyBefore(accountId, before, rowsAtOnce, transaction)
      for (const row of old) {
        const columns = afterNotSent(row, fault, now)
        const failed = await store.change(transaction, row.id, { states: ['queued'] }, columns)
        if (!failed) continue
        const isPartial = failed.state === 'partial'
        await drafts.mark(transaction, publish, row.draft_id, isPartial ? 'sent' : 'open', row.id)
        publish(deliveryFact(failed))
      }
      return old.length === rowsAtOnce
    })
  }
}
