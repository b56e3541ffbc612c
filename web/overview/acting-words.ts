/** The words of facts about acting on mail: changes of messages, drafts, what is sent, approvals, and what was stopped. */
import type { SubmissionState } from '../../contract/submission.ts'
import { formatCount } from '../platform/format.ts'
import type { Tone } from '../ui/tone.ts'
import type { SayChange } from './change.ts'

type ActingFact =
  | 'operation_changed'
  | 'draft_created'
  | 'draft_changed'
  | 'delivery_changed'
  | 'approval_requested'
  | 'approval_decided'
  | 'freeze_changed'

export const actingWords: { [T in ActingFact]: SayChange<T> } = {
  operation_changed: ({ account_id, kind, state, counts, undo_of }, nameOf) => ({
    tone: state === 'pending' || state === 'done' ? 'info' : 'warn',
    text: `${undo_of === null ? '' : 'Undo: '}${operationWords[kind]} ${formatCount(counts.total, kind.endsWith('_folder') ? 'folder' : 'message')} of ${nameOf(account_id)}: ${operationStates[state]}`,
  }),
  draft_created: ({ account_id }, nameOf) => ({ tone: 'info', text: `A draft was begun in ${nameOf(account_id)}` }),
  draft_changed: ({ account_id, state }, nameOf) => ({
    tone: 'info',
    text: `A draft of ${nameOf(account_id)} was ${draftStates[state]}`,
  }),
  delivery_changed: ({ account_id, state, refused, bounced }, nameOf) => ({
    tone: refused + bounced > 0 ? 'warn' : (deliveryTones[state] ?? 'info'),
    text: `A message from ${nameOf(account_id)}: ${deliveryStates[state]}`,
  }),
  approval_requested: ({ account_id, principal_name, recipients }, nameOf) => ({
    tone: 'warn',
    text: `${principal_name} asks to send a message from ${nameOf(account_id)} to ${formatCount(recipients, 'recipient')}`,
  }),
  approval_decided: ({ account_id, state, by }, nameOf) => ({
    tone: state === 'approved' ? 'good' : 'info',
    text: `A message from ${nameOf(account_id)} that waited for approval: ${approvalStates[state]}${by === null ? '' : ` by ${by}`}`,
  }),
  freeze_changed: ({ target, is_frozen, by }) => ({
    tone: is_frozen ? 'bad' : 'good',
    text: `${by} ${is_frozen ? 'stopped' : 'let go on'} ${freezeTargets[target]}`,
  }),
}

const operationWords = {
  flags: 'flags of',
  move: 'move of',
  copy: 'copy of',
  delete: 'deletion of',
  create_folder: 'creation of',
  rename_folder: 'new name of',
  delete_folder: 'deletion of',
  subscribe_folder: 'subscription to',
  unsubscribe_folder: 'end of the subscription to',
}
const operationStates = {
  pending: 'accepted',
  done: 'done',
  partial: 'done in part',
  failed: 'failed',
  unknown: 'its outcome is not known',
}

const draftStates = {
  open: 'changed',
  submitted: 'handed over to be sent',
  sent: 'sent',
  discarded: 'discarded',
}

const deliveryStates: Record<SubmissionState, string> = {
  held: 'waits for an approval',
  scheduled: 'is scheduled',
  queued: 'waits to be sent',
  sending: 'is being sent',
  sent: 'was sent',
  partial: 'was sent to some of its recipients',
  failed: 'could not be sent',
  unknown: 'it is not known whether it was sent',
  cancelled: 'was cancelled',
  denied: 'was denied',
  expired: 'was not approved in time',
}
const deliveryTones: Partial<Record<SubmissionState, Tone>> = {
  held: 'warn',
  sent: 'good',
  partial: 'warn',
  failed: 'bad',
  unknown: 'bad',
  denied: 'warn',
  expired: 'warn',
}

const approvalStates = {
  approved: 'approved',
  denied: 'denied',
  expired: 'not decided in time',
  void: 'edited or cancelled',
}

const freezeTargets = { principal: 'a program', account: 'an account', everything: 'all programs' }
