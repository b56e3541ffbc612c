/** Translates the outcome of an attempt into columns of the submission and the states of its recipients. */
import type { NotSent, SendOutcome, UnknownDelivery } from './mail-sender.ts'
import { giveUpMs, retryDelay } from './retry-times.ts'
import { recipientsOf, type StoredError, type StoredRecipient, type SubmissionRow } from './submission-tables.ts'

export type OutcomeColumns = Partial<SubmissionRow> & Pick<SubmissionRow, 'state' | 'recipients' | 'error'>

/** Codes of attempts that tried nothing, so that neither message nor server is to blame. */
const untried = new Set(['not_now', 'stopped'])

export function afterSent(row: SubmissionRow, outcome: SendOutcome, now: number): OutcomeColumns {
  const at = new Date(now).toISOString()
  const recipients = recipientsOf(row)
  const refused = new Map(outcome.refused.map(each => [each.email, each]))
  const accepted = new Set(outcome.accepted)
  for (const recipient of recipients) {
    if (recipient.state !== 'waiting') continue
    if (accepted.has(recipient.email)) Object.assign(recipient, { state: 'accepted', response: outcome.response, at })
    else refuse(recipient, refused.get(recipient.email), at)
  }
  const first = outcome.refused.find(({ isTemporary }) => isTemporary) ?? outcome.refused[0]
  const why = 'The mail server refused some recipients.'
  const error = first ? { code: 'refused', why, server_response: first.response } : null
  return {
    ...settle(row, recipients, error, now),
    ...(row.copy_state === 'none' && { copy_state: 'waiting' as const, copy_due_at: at }),
  }
}

/** @param dueAt Time of the next attempt, if the account's back-off decides it and not the message's. */
export function afterNotSent(row: SubmissionRow, fault: NotSent, now: number, dueAt?: number): OutcomeColumns {
  const { code, message: why, serverResponse: server_response, isTemporary } = fault
  const recipients = recipientsOf(row)
  const at = new Date(now).toISOString()
  const error: StoredError = { code, why, server_response }
  if (untried.has(code)) {
    const before = { attempts: row.attempts - 1, error: row.error }
    return { state: 'queued', recipients: row.recipients, due_at: row.ready_at ?? at, ...before }
  }
  const refused = new Map(fault.refused.map(each => [each.email, each]))
  for (const recipient of recipients) {
    if (recipient.state !== 'waiting') continue
    if (refused.has(recipient.email)) refuse(recipient, refused.get(recipient.email), at)
    else if (!isTemporary) Object.assign(recipient, { state: 'refused', response: server_response ?? why, at })
  }
  return settle(row, recipients, error, now, dueAt)
}

/** Marks the waiting recipients as `unknown`: they may or may not have the message. */
export function afterUnknown(row: SubmissionRow, { message: why }: Pick<UnknownDelivery, 'message'>, now: number) {
  const at = new Date(now).toISOString()
  const recipients = recipientsOf(row)
  for (const recipient of recipients) {
    if (recipient.state === 'waiting') Object.assign(recipient, { state: 'unknown', at })
  }
  const error: StoredError = { code: 'unknown', why: `${why[0]?.toUpperCase()}${why.slice(1)}.`, server_response: null }
  return {
    state: 'unknown' as const,
    recipients: JSON.stringify(recipients),
    error: JSON.stringify(error),
    due_at: null,
    ended_at: at,
  }
}

function refuse(recipient: StoredRecipient, refusal: SendOutcome['refused'][number] | undefined, at: string): void {
  // A recipient without a response stays waiting, like one that was refused temporarily.
  recipient.response = refusal?.response ?? recipient.response
  recipient.at = at
  if (refusal && !refusal.isTemporary) recipient.state = 'refused'
}

function settle(
  row: SubmissionRow,
  recipients: StoredRecipient[],
  error: StoredError | null,
  now: number,
  dueAt = now + retryDelay(row.attempts),
): OutcomeColumns {
  const at = new Date(now).toISOString()
  const waiting = recipients.filter(({ state }) => state === 'waiting')
  const since = Date.parse(row.ready_at ?? row.created_at)
  if (waiting.length > 0 && now - since < giveUpMs) {
    return {
      state: 'queued',
      recipients: JSON.stringify(recipients),
      error: error && JSON.stringify(error),
      due_at: new Date(dueAt).toISOString(),
    }
  }
  for (const recipient of waiting) {
    Object.assign(recipient, { state: 'refused', response: recipient.response ?? error?.why ?? null, at })
  }
  const accepted = recipients.filter(({ state }) => state === 'accepted' || state === 'bounced').length
  const isAll = accepted === recipients.length
  return {
    state: isAll ? 'sent' : accepted > 0 ? 'partial' : 'failed',
    recipients: JSON.stringify(recipients),
    error: isAll ? null : error && JSON.stringify(error),
    due_at: null,
    ended_at: at,
  }
}
