/** Proposals and their outcomes, in words. */
import type {
  Proposal,
  ProposalItem,
  ProposalItemState,
  ProposalState,
  ProposedChange,
} from '../../contract/proposal.ts'
import { recipientWords } from '../approvals/approval-words.ts'
import { stateWords } from '../changes/operation-lines.ts'
import { labelWords } from '../organise/label-words.ts'
import { submissionStates } from '../outbox/submission-words.ts'
import { formatCount } from '../platform/format.ts'
import { visibleText } from '../platform/visible-text.ts'
import type { Tone } from '../ui/tone.ts'

export interface StateWords {
  tone: Tone
  text: string
}

export const proposalStates: Record<ProposalState, StateWords> = {
  open: { tone: 'warn', text: 'Waiting' },
  applied: { tone: 'good', text: 'Applied' },
  partial: { tone: 'info', text: 'Partly applied' },
  declined: { tone: 'bad', text: 'Declined' },
  expired: { tone: 'unknown', text: 'Expired' },
}

export const itemStates: Record<ProposalItemState, StateWords> = {
  waiting: { tone: 'warn', text: 'Waiting' },
  applied: { tone: 'good', text: 'Applied' },
  declined: { tone: 'bad', text: 'Declined' },
  expired: { tone: 'unknown', text: 'Expired' },
  withdrawn: { tone: 'unknown', text: 'Withdrawn' },
  void: { tone: 'unknown', text: 'Cannot be applied' },
}

export type ItemGroup = 'changes' | 'deletions' | 'drafts' | 'messages'

export const groupTitles: Record<ItemGroup, string> = {
  changes: 'Changes of mail',
  deletions: 'Permanent deletions',
  drafts: 'Drafts',
  messages: 'Messages to be sent',
}

/** Returns whether an item deletes permanently; such items form their own group and are selected separately. */
export function isDeletion({ operation }: Pick<ProposalItem, 'operation'>): boolean {
  return operation !== null && (operation.kind === 'delete' || operation.kind === 'delete_folder')
}

export function groupOf(item: Pick<ProposalItem, 'kind' | 'operation'>): ItemGroup {
  if (item.kind === 'draft') return 'drafts'
  if (item.kind === 'message') return 'messages'
  return isDeletion(item) ? 'deletions' : 'changes'
}

/** Groups items by kind, in the order in which they would be done. */
export function groupItems<Item extends Pick<ProposalItem, 'kind' | 'operation'>>(
  items: readonly Item[],
): { group: ItemGroup; items: Item[] }[] {
  return (Object.keys(groupTitles) as ItemGroup[]).flatMap(group => {
    const own = items.filter(item => groupOf(item) === group)
    return own.length === 0 ? [] : [{ group, items: own }]
  })
}

/** Returns the outcome of an item since it was applied: its operation's or message's. */
export function becameOf({ state, operation, submission, draft }: ProposalItem): StateWords {
  if (state !== 'applied') return itemStates[state]
  if (operation !== null) return stateWords[operation.state]
  if (submission !== null) return submissionStates[submission.state]
  return draft?.saved.state === 'saved' ? { tone: 'good', text: 'In the Drafts folder' } : itemStates.applied
}

/** Describes an item; a message by its current state, because a human may have edited it. */
export function wordsOfItem({ words, submission }: Pick<ProposalItem, 'words' | 'submission'>): string {
  if (submission === null) return visibleText(words)
  const subject = visibleText(submission.subject.trim()) || '(no subject)'
  return `Send “${subject}” to ${recipientWords(submission.recipients)}`
}

/** Describes a decision: `Ada applied it`; a reason is shown separately. */
export function decidedWords({ state, decided }: Pick<ProposalItem, 'state' | 'decided'>): string {
  if (decided === null) return ''
  return `${visibleText(decided.name)} ${state === 'declined' ? 'declined it' : 'applied it'}`
}

/** Returns the title of a proposal in lists: its first line. */
export function titleOfProposal({ words }: Pick<Proposal, 'words'>): string {
  const [first, ...others] = words
  if (first === undefined) return 'Nothing is waiting'
  return others.length === 0 ? visibleText(first) : `${visibleText(first)}, and more`
}

/** Summarises in one line what is asked. */
export function askWords({ counts }: Pick<Proposal, 'counts'>): string {
  return counts.waiting === counts.items
    ? formatCount(counts.items, 'item')
    : `${counts.waiting} of ${formatCount(counts.items, 'item')} wait`
}

const flagNames: ReadonlyMap<string, string> = new Map([
  ['seen', 'read'],
  ['flagged', 'star'],
  ['answered', 'answered'],
  ['draft', 'draft'],
])

export interface ChangePart {
  /** The visible text: `+read`. */
  text: string
  /** The text for screen readers. */
  spoken: string
  tone: 'add' | 'remove' | 'delete' | 'place'
}

/** Splits a message's changes into parts: `INBOX → Archive`, `+read`, `−star`. */
export function partsOf({ action, folder, to, add, remove }: ProposedChange): ChangePart[] {
  const from = visibleText(folder ?? 'somewhere')
  const target = visibleText(to ?? 'elsewhere')
  if (action === 'delete') {
    return [{ text: `delete from ${from}`, spoken: `delete permanently from ${from}`, tone: 'delete' }]
  }
  const places: ChangePart[] =
    action === 'move' || (action === 'folder' && to !== null)
      ? [{ text: `${from} → ${target}`, spoken: `from ${from} to ${target}`, tone: 'place' }]
      : action === 'copy'
        ? [{ text: `copy → ${target}`, spoken: `copy to ${target}`, tone: 'place' }]
        : action === 'folder'
          ? [{ text: from, spoken: `folder ${from}`, tone: 'place' }]
          : []
  return [
    ...places,
    ...add.map(flag => ({ text: `+${flagName(flag)}`, spoken: `add ${flagName(flag)}`, tone: 'add' as const })),
    ...remove.map(flag => ({
      text: `−${flagName(flag)}`,
      spoken: `remove ${flagName(flag)}`,
      tone: 'remove' as const,
    })),
  ]
}

/** Describes why a message will not change; undefined if it will. */
export function outcomeWordsOf({ outcome }: Pick<ProposedChange, 'outcome'>): string | undefined {
  if (outcome === 'will_change') return undefined
  return outcome === 'gone' ? 'Not there any more' : 'Already so'
}

function flagName(flag: string): string {
  return flagNames.get(flag) ?? labelWords(flag) ?? visibleText(flag)
}
