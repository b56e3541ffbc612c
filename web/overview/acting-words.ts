/** Facts about actions on mail as sentences: changes, drafts, sending, approvals, and stops. */
import type { OperationKind, OperationState } from '../../contract/operation.ts'
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
  | 'proposal_changed'
  | 'freeze_changed'

export const actingWords: { [T in ActingFact]: SayChange<T> } = {
  operation_changed: ({ account_id, operation_id, kind, state, counts, undo_of }, nameOf) => ({
    tone: calmStates.has(state) ? 'info' : 'warn',
    text: `${undo_of === null ? '' : 'Undo: '}${operationSentence(kind, state, counts.total)} in ${nameOf(account_id)}${operationStates[state]}`,
    href: `/changes?operation=${operation_id}`,
  }),
  draft_created: ({ account_id, draft_id }, nameOf) => ({
    tone: 'info',
    text: `A draft was started in ${nameOf(account_id)}`,
    href: draftAt(account_id, draft_id),
  }),
  draft_changed: ({ account_id, draft_id, state }, nameOf) => ({
    tone: 'info',
    text: `A draft in ${nameOf(account_id)} was ${draftStates[state]}`,
    ...(state === 'open' ? { href: draftAt(account_id, draft_id) } : {}),
    ...(state === 'submitted' || state === 'sent' ? { href: '/outbox' } : {}),
  }),
  delivery_changed: ({ account_id, submission_id, state, refused, bounced }, nameOf) => ({
    tone: refused + bounced > 0 ? 'warn' : (deliveryTones[state] ?? 'info'),
    text: `A message from ${nameOf(account_id)} ${deliveryStates[state]}`,
    href: `/outbox?open=${submission_id}`,
  }),
  approval_requested: ({ account_id, approval_id, principal_name, recipients }, nameOf) => ({
    tone: 'warn',
    text: `${principal_name} asks to send a message from ${nameOf(account_id)} to ${formatCount(recipients, 'recipient')}`,
    href: `/approvals?open=${approval_id}`,
  }),
  approval_decided: ({ account_id, approval_id, state, by }, nameOf) => ({
    tone: state === 'approved' ? 'good' : 'info',
    text: `A message from ${nameOf(account_id)} ${approvalStates[state]}${by === null ? '' : ` by ${by}`}`,
    href: `/approvals?show=decided&open=${approval_id}`,
  }),
  proposal_changed: ({ account_id, proposal_id, principal_name, state, event, item_ids, by }, nameOf) => ({
    tone: event === 'proposed' ? 'warn' : event === 'applied' ? 'good' : 'info',
    text:
      event === 'proposed'
        ? `${principal_name} proposes ${formatCount(item_ids.length, 'change')} in ${nameOf(account_id)}`
        : `${formatCount(item_ids.length, 'proposed change')} in ${nameOf(account_id)} ${proposalEvents(item_ids.length)[event]}${by === null ? '' : ` by ${by}`}`,
    href: `/approvals?${state === 'open' ? '' : 'show=decided&'}open=${proposal_id}`,
  }),
  freeze_changed: ({ target, is_frozen, by }) => ({
    tone: is_frozen ? 'bad' : 'good',
    text: is_frozen ? `${by} stopped ${freezeTargets[target]}` : `${by} lifted the stop of ${freezeTargets[target]}`,
    ...(target === 'principal' ? { href: '/tokens' } : {}),
    ...(target === 'account' ? { href: '/accounts' } : {}),
  }),
}

/** Returns the address that opens a draft. */
function draftAt(accountId: string, draftId: string): string {
  return `/mail?${new URLSearchParams({ account: accountId, compose: `${accountId}.${draftId}` })}`
}

function operationSentence(kind: OperationKind, state: OperationState, total: number): string {
  const [what, done] = operationWords[kind]
  if (state === 'proposed') return `${formatCount(total, what)} would be ${done}`
  const was = total === 1 ? 'was' : 'were'
  if (state === 'declined') return `${formatCount(total, what)} ${was} not ${done}`
  return `${formatCount(total, what)} ${state === 'failed' ? 'could not be' : was} ${done}`
}

const operationWords: Record<OperationKind, readonly ['message' | 'folder', string]> = {
  flags: ['message', 'flagged or labelled'],
  move: ['message', 'moved'],
  copy: ['message', 'copied'],
  delete: ['message', 'deleted permanently'],
  create_folder: ['folder', 'created'],
  rename_folder: ['folder', 'renamed'],
  delete_folder: ['folder', 'deleted'],
  subscribe_folder: ['folder', 'subscribed to'],
  unsubscribe_folder: ['folder', 'unsubscribed from'],
}
const calmStates: ReadonlySet<OperationState> = new Set(['proposed', 'pending', 'done', 'declined'])
const operationStates: Record<OperationState, string> = {
  proposed: ', if a person applies it',
  pending: ', not yet on the mail server',
  done: '',
  partial: ', but not all of them',
  failed: '',
  unknown: ', but the outcome is unknown',
  declined: ': nobody applied it',
}

const draftStates = {
  open: 'changed',
  submitted: 'submitted to be sent',
  sent: 'sent',
  discarded: 'discarded',
}

const deliveryStates: Record<SubmissionState, string> = {
  held: 'waits for approval',
  scheduled: 'is scheduled',
  queued: 'waits to be sent',
  sending: 'is being sent',
  sent: 'was sent',
  partial: 'was sent to some of its recipients',
  failed: 'could not be sent',
  unknown: 'may or may not have been sent',
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

function proposalEvents(count: number) {
  const was = count === 1 ? 'was' : 'were'
  return {
    applied: `${was} applied`,
    declined: `${was} declined`,
    withdrawn: `${was} withdrawn`,
    expired: `${was} not decided in time`,
    void: 'cannot be applied any more',
  }
}

const approvalStates = {
  approved: 'was approved',
  denied: 'was denied',
  expired: 'was not decided in time',
  void: 'no longer waits: it was edited or cancelled',
}

const freezeTargets = { principal: 'a program', account: 'an account', everything: 'all programs' }
