/** The state of an outgoing message, and what to do about it, in words. */
import type { RecipientState, Submission, SubmissionState } from '../../contract/submission.ts'
import { formatCount } from '../platform/format.ts'
import type { Tone } from '../ui/tone.ts'

export const submissionStates: Record<SubmissionState, { tone: Tone; text: string }> = {
  held: { tone: 'warn', text: 'Waiting for approval' },
  scheduled: { tone: 'info', text: 'Scheduled' },
  queued: { tone: 'info', text: 'Queued' },
  sending: { tone: 'busy', text: 'Sending' },
  sent: { tone: 'good', text: 'Sent' },
  partial: { tone: 'warn', text: 'Sent to some' },
  failed: { tone: 'bad', text: 'Failed' },
  unknown: { tone: 'bad', text: 'Outcome unknown' },
  cancelled: { tone: 'unknown', text: 'Cancelled' },
  denied: { tone: 'bad', text: 'Denied' },
  expired: { tone: 'unknown', text: 'Expired' },
}

export const recipientStates: Record<RecipientState, { tone: Tone; text: string }> = {
  waiting: { tone: 'unknown', text: 'Waiting' },
  accepted: { tone: 'good', text: 'Accepted' },
  refused: { tone: 'bad', text: 'Refused' },
  unknown: { tone: 'warn', text: 'Unknown' },
  bounced: { tone: 'bad', text: 'Bounced' },
}

const copies: Record<Submission['sent_copy']['state'], string | undefined> = {
  none: undefined,
  waiting: 'The copy in the Sent folder is waiting to be saved.',
  saved: 'A copy is in the Sent folder.',
  by_provider: 'The provider keeps the copy in the Sent folder.',
  failed: 'The copy in the Sent folder could not be saved. The message itself is not affected.',
}

export function copyWords({ state, why }: Submission['sent_copy']): string | undefined {
  const words = copies[state]
  return words !== undefined && why !== null && state === 'failed' ? `${words} ${why}` : words
}

/** Returns what the user should know before deciding; undefined if there is nothing to decide. */
export function adviceOf({ state, recipients, is_frozen: isFrozen }: Submission): string | undefined {
  if (isFrozen && ['held', 'scheduled', 'queued'].includes(state)) {
    return 'It is held by a stop, and continues once that is lifted.'
  }
  const missed = recipients.filter(each => each.state === 'refused' || each.state === 'bounced').length
  switch (state) {
    case 'unknown':
      return 'The connection was lost before the mail server confirmed the message. It may have been delivered. Look in the Sent folder or ask a recipient; then record the outcome, or send it again and risk that it arrives twice.'
    case 'failed':
      return 'Nobody got it. Fix what the mail server reports, then try again, or open its draft.'
    case 'partial':
      return `${formatCount(missed, 'recipient')} did not get it. Trying again sends it to them only.`
    case 'held':
      return 'It needs approval first.'
    case 'sent':
      return missed > 0 ? `For ${formatCount(missed, 'recipient')} it bounced. Check the address.` : undefined
    default:
      return undefined
  }
}

/** Counts the recipients by outcome. */
export function progressWords({ recipients }: Pick<Submission, 'recipients'>): string {
  const accepted = recipients.filter(({ state }) => state === 'accepted').length
  const lost = recipients.filter(({ state }) => state === 'refused' || state === 'bounced').length
  const words = [accepted > 0 && `${accepted} accepted`, lost > 0 && `${lost} not delivered`].filter(Boolean)
  return words.length === 0
    ? formatCount(recipients.length, 'recipient')
    : `${words.join(', ')} of ${recipients.length}`
}
