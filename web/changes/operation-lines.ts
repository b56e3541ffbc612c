/** Operations, the outcomes of their messages, and the changes of an undo, in words. */
import type {
  ItemState,
  Operation,
  OperationCounts,
  OperationState,
  UndoChange,
  UndoOutcome,
} from '../../contract/operations.ts'
import { labelWords } from '../organise/label-words.ts'
import { formatCount, formatNumber } from '../platform/format.ts'
import { visibleText } from '../platform/visible-text.ts'
import type { Tone } from '../ui/tone.ts'

export const stateWords: Record<OperationState, { tone: Tone; text: string }> = {
  proposed: { tone: 'warn', text: 'Proposed' },
  pending: { tone: 'info', text: 'Pending' },
  done: { tone: 'good', text: 'Done' },
  partial: { tone: 'warn', text: 'Partly done' },
  failed: { tone: 'bad', text: 'Failed' },
  unknown: { tone: 'warn', text: 'Unknown' },
  declined: { tone: 'unknown', text: 'Not applied' },
}

const itemWords: Record<ItemState, { tone: Tone; text: string }> = {
  waiting: { tone: 'info', text: 'Pending' },
  sent: { tone: 'info', text: 'Sent to the mail server' },
  done: { tone: 'good', text: 'Done' },
  failed: { tone: 'bad', text: 'Failed' },
  gone: { tone: 'unknown', text: 'Not there any more' },
  unknown: { tone: 'warn', text: 'Unknown' },
}

export const outcomeWords: Record<UndoOutcome, { tone: Tone; text: string }> = {
  will_change: { tone: 'good', text: 'Will change' },
  nothing_to_do: { tone: 'unknown', text: 'Nothing to do' },
  conflict: { tone: 'warn', text: 'Conflict: left as it is' },
  impossible: { tone: 'bad', text: 'Cannot be undone' },
}

/** Returns whether the mail server was or will be asked: proposals wait for a human, and declined ones are over. */
export function wasAsked(state: OperationState): boolean {
  return state !== 'proposed' && state !== 'declined'
}

/** Describes the outcome of one message. */
export function itemWordsOf(item: ItemState, state: OperationState): { tone: Tone; text: string } {
  return wasAsked(state) || item !== 'waiting' ? itemWords[item] : stateWords[state]
}

export const kindWords: Record<Operation['principal']['kind'], string> = {
  session: 'on the page',
  token: 'token',
  api_key: 'API key',
}

const folderVerbs = {
  create_folder: 'Create',
  delete_folder: 'Delete',
  subscribe_folder: 'Subscribe to',
  unsubscribe_folder: 'Unsubscribe from',
}

/** Describes what was requested: `Move 40 messages to Archive`. */
export function titleOf({ kind, counts, folder, to, add, remove, undo_of: undoOf }: Operation): string {
  const what = formatCount(counts.total, 'message')
  switch (kind) {
    case 'move':
      if (undoOf !== null) return `Move ${what} back${to === null ? '' : ` to ${visibleText(to)}`}`
      return `Move ${what} to ${visibleText(to ?? 'several folders')}`
    case 'copy':
      return `Copy ${what} to ${visibleText(to ?? 'several folders')}`
    case 'delete':
      return undoOf === null ? `Delete ${what} permanently` : `Remove ${formatCount(counts.total, 'copy', 'copies')}`
    case 'flags':
      return undoOf === null ? `${flagWords({ add, remove })}: ${what}` : `Restore flags of ${what}`
    case 'rename_folder':
      return `Rename folder ${visibleText(folder ?? '')} to ${visibleText(to ?? '')}`
    case 'create_folder':
    case 'delete_folder':
    case 'subscribe_folder':
    case 'unsubscribe_folder':
      return `${folderVerbs[kind]} folder ${visibleText(folder ?? '')}`
  }
}

/** Describes changed flags: `Mark as read, add Work`. */
export function flagWords({ add, remove }: { add: readonly string[]; remove: readonly string[] }): string {
  const known = new Map([
    ['+seen', 'mark as read'],
    ['-seen', 'mark as unread'],
    ['+flagged', 'add star'],
    ['-flagged', 'remove star'],
  ])
  const named = (sign: '+' | '-') => (flag: string) =>
    known.get(`${sign}${flag}`) ?? `${sign === '+' ? 'add' : 'remove'} ${labelWords(flag) ?? visibleText(flag)}`
  const words = [...add.map(named('+')), ...remove.map(named('-'))].join(', ')
  return words === '' ? 'Change no flag' : words.charAt(0).toUpperCase() + words.slice(1)
}

/** Summarises counts that the state does not imply: `36 of 40 done, 3 failed, 1 gone`. */
export function countWords({ total, done, failed, gone, unknown }: OperationCounts, state: OperationState): string {
  if (state === 'done' && done === total) return ''
  // Nothing was attempted.
  if (!wasAsked(state)) return ''
  const others = [
    [failed, 'failed'],
    [gone, 'gone'],
    [unknown, 'unknown'],
  ] as const
  const parts = others.flatMap(([count, words]) => (count > 0 ? [`${formatNumber(count)} ${words}`] : []))
  return [`${formatNumber(done)} of ${formatNumber(total)} done`, ...parts].join(', ')
}

/** Describes a change of an undo, without the count: `Move back to INBOX`. */
export function changeWords({ action, to, add, remove }: UndoChange): string {
  switch (action) {
    case 'move_back':
      return `Move back to ${visibleText(to ?? 'where it was')}`
    case 'remove_copy':
      return 'Remove the copy'
    case 'set_flags':
      return flagWords({ add, remove })
    case 'rename_folder':
      return `Rename the folder to ${visibleText(to ?? 'what it was called')}`
    case 'delete_folder':
    case 'subscribe_folder':
    case 'unsubscribe_folder':
      return `${folderVerbs[action]} the folder`
    case 'none':
      return 'Leave as it is'
  }
}

export interface ChangeGroup {
  outcome: UndoOutcome
  words: string
  why: string | null
  changes: UndoChange[]
}

/** Groups equal changes, those that take effect first. */
export function groupChanges(changes: readonly UndoChange[]): ChangeGroup[] {
  const groups = new Map<string, ChangeGroup>()
  for (const change of changes) {
    const { outcome, why } = change
    const words = changeWords(change)
    const key = JSON.stringify([outcome, words, why])
    const group = groups.get(key) ?? { outcome, words, why, changes: [] }
    group.changes.push(change)
    groups.set(key, group)
  }
  const order: readonly UndoOutcome[] = ['will_change', 'conflict', 'impossible', 'nothing_to_do']
  return [...groups.values()].toSorted((a, b) => order.indexOf(a.outcome) - order.indexOf(b.outcome))
}

/** Returns whether an operation is finished, not undone, and reversible. */
export function isUndoable({ state, kind, undo_of: undoOf, undone_by: undoneBy, counts }: Operation): boolean {
  const isPossible = kind !== 'delete' && counts.done > 0
  // Undoing a copy has deleted the copies.
  return (
    state !== 'pending' && wasAsked(state) && undoneBy === null && isPossible && !(undoOf !== null && kind === 'copy')
  )
}
