/** Operations and undos in words, and which can be undone. */
import { expect, test } from 'vitest'
import type { Operation, UndoChange } from '../../contract/operations.ts'
import { eachOnce } from './changes-view.ts'
import { countWords, groupChanges, isUndoable, itemWordsOf, titleOf } from './operation-lines.ts'

const counts = { total: 40, waiting: 0, done: 40, failed: 0, gone: 0, unknown: 0 }
const operation = (change: Partial<Operation>): Operation => ({
  id: '01k5r9w2m3c7x4aq',
  account_id: 'a',
  principal: { kind: 'token', id: 'token-1', name: 'Agent' },
  session: null,
  at: '2026-11-22T18:14:03.120Z',
  kind: 'move',
  add: [],
  remove: [],
  to: 'Archive',
  state: 'done',
  counts,
  settled_at: null,
  waits_because: null,
  undo_of: null,
  undone_by: null,
  proposal_id: null,
  ...change,
})

test('each kind, and its undo, says what is asked for', () => {
  const undo = { undo_of: '01k5r9w2m3c7x4ap' }
  const titles = [
    operation({}),
    operation({ to: null, ...undo }),
    operation({ kind: 'copy', to: 'Work\u202e' }),
    operation({ kind: 'delete', to: null }),
    operation({ kind: 'delete', to: null, counts: { ...counts, total: 1 }, ...undo }),
    operation({ kind: 'flags', to: null, add: ['seen', '$label2'], remove: ['flagged', 'urgent'] }),
    operation({ kind: 'flags', to: null, ...undo }),
  ].map(titleOf)
  expect(titles).toEqual([
    'Move 40 messages to Archive',
    'Move 40 messages back',
    'Copy 40 messages to Work\ufffd',
    'Delete 40 messages permanently',
    'Remove 1 copy',
    'Mark as read, add Work, remove star, remove urgent: 40 messages',
    'Restore flags of 40 messages',
  ])
})

test('counts are told where the state does not say them', () => {
  expect(countWords(counts, 'done')).toBe('')
  expect(countWords({ ...counts, done: 36, failed: 3, gone: 1 }, 'partial')).toBe('36 of 40 done, 3 failed, 1 gone')
})

test('what is proposed or declined was not tried: no counts, and its messages are neither pending nor failed', () => {
  for (const state of ['proposed', 'declined'] as const) {
    expect(countWords({ ...counts, waiting: 40, done: 0 }, state)).toBe('')
    expect(isUndoable(operation({ state }))).toBe(false)
  }
  const words = (['proposed', 'declined', 'pending'] as const).map(state => itemWordsOf('waiting', state).text)
  expect(words).toEqual(['Proposed', 'Not applied', 'Pending'])
})

test('what is pending, undone, deleted or changed nothing cannot be undone', () => {
  const others: Partial<Operation>[] = [
    { state: 'pending' },
    { undone_by: '01k5r9w2m3c7x4ar' },
    { kind: 'delete' },
    { counts: { ...counts, done: 0, failed: 40 }, state: 'failed' },
  ]
  expect([{}, { state: 'partial' as const }, ...others].map(change => isUndoable(operation(change)))).toEqual([
    true,
    true,
    false,
    false,
    false,
    false,
  ])
})

test('an undo says once what is the same for many, what changes first', () => {
  const base = { operation_id: 'x', id: null, folder: 'Archive', add: [], remove: [], to: 'INBOX' }
  const back: UndoChange = { ...base, action: 'move_back', outcome: 'will_change', why: null }
  const left: UndoChange = { ...base, action: 'none', outcome: 'conflict', why: 'It was moved to Trash since.' }
  expect(groupChanges([left, back, back]).map(({ words, changes, why }) => [words, changes.length, why])).toEqual([
    ['Move back to INBOX', 2, null],
    ['Leave as it is', 1, 'It was moved to Trash since.'],
  ])
})

test('each caller is named once, as it was called last', () => {
  const called = (id: string, name: string) => ({ kind: 'token' as const, id, name })
  const callers = [called('b', 'Agent'), called('a', 'Other'), called('b', 'Agent before')]
  expect(eachOnce(callers).map(({ name }) => name)).toEqual(['Agent', 'Other'])
})
