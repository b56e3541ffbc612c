/** The selection of items, also when the proposal changes meanwhile, and the texts about it. */
import { expect, test } from 'vitest'
import type { ProposalDecision, ProposalItem, ProposedChange } from '../../contract/proposal.ts'
import { groupItems, outcomeWordsOf, partsOf, titleOfProposal, wordsOfItem } from './proposal-words.ts'
import { type Choosable, choose, follow, namesOf, openingOf, shareOf, toggle } from './selection.ts'
import { failuresOf } from './use-proposal-view.ts'

const item = (id: string, change: Partial<Choosable> = {}): Choosable => ({
  id,
  kind: 'operation',
  operation: { kind: 'move' } as ProposalItem['operation'],
  state: 'waiting',
  hash: `${id}-1`,
  needs_first: [],
  can: ['apply', 'decline'],
  ...change,
})
const deletion = (id: string, change: Partial<Choosable> = {}) =>
  item(id, { operation: { kind: 'delete' } as ProposalItem['operation'], ...change })
const chosenOf = (selection: { chosen: ReadonlyMap<string, string> }) => [...selection.chosen.keys()]

test('what deletes, cannot be applied, or is decided is not chosen by itself, nor what needs such a thing', () => {
  const items = [
    item('a'),
    deletion('b'),
    item('c', { can: ['decline'] }),
    item('d', { state: 'applied' }),
    item('e', { needs_first: ['b'] }),
    item('f', { needs_first: ['d'] }),
    item('g', { kind: 'message', operation: null }),
  ]
  expect(chosenOf(openingOf(items))).toEqual(['a', 'f', 'g'])
})

test('one more brings along what it needs, however far behind; one less takes away what needs it', () => {
  const items = [item('a'), item('b', { needs_first: ['a'] }), item('c', { needs_first: ['b'] }), item('d')]
  const none = choose(openingOf(items), items, ['a', 'b', 'c', 'd'], false)
  const all = toggle(none, items, 'c')
  expect(namesOf(all, items)).toEqual(['a', 'b', 'c'].map(id => ({ id, hash: `${id}-1` })))
  expect([shareOf(none, items), shareOf(all, items), shareOf(openingOf(items), items)]).toEqual(['none', 'some', 'all'])
  expect(chosenOf(toggle(all, items, 'a'))).toEqual([])
})

test('items that need each other in a circle can still be chosen', () => {
  const items = [item('a', { needs_first: ['b'] }), item('b', { needs_first: ['a'] })]
  const none = choose(openingOf(items), items, ['a'], false)
  expect(chosenOf(none)).toEqual([])
  expect(chosenOf(toggle(none, items, 'a')).toSorted()).toEqual(['a', 'b'])
})

test('what changed while one looked is not applied as it was, nor as it is, before it is chosen again', () => {
  const before = [item('a'), item('b'), item('c', { needs_first: ['b'] })]
  const opened = openingOf(before)
  const after = [item('a'), item('b', { hash: 'b-2' }), item('c', { needs_first: ['b'] })]
  const followed = follow(opened, after)
  expect(chosenOf(followed)).toEqual(['a'])
  expect([...followed.news]).toEqual([['b', 'changed']])
  expect(namesOf(toggle(followed, after, 'b'), after)).toEqual([
    { id: 'a', hash: 'a-1' },
    { id: 'b', hash: 'b-2' },
  ])
  expect(toggle(followed, after, 'b').news.size).toBe(0)
})

test('what came while one looked is new and not chosen; what is decided is chosen no more; else nothing changes', () => {
  const before = [item('a'), item('b'), item('c', { needs_first: ['a'] })]
  const opened = openingOf(before)
  expect(follow(opened, [...before])).toBe(opened)
  const after = [item('a', { state: 'applied', can: [] }), item('b'), item('c', { needs_first: ['a'] }), item('d')]
  const followed = follow(opened, after)
  expect(chosenOf(followed)).toEqual(['b', 'c'])
  expect([...followed.news]).toEqual([['d', 'new']])
  expect(follow(followed, after)).toBe(followed)
  const declined = after.map(each => (each.id === 'd' ? { ...each, state: 'declined' as const } : each))
  expect(follow(followed, declined).news.size).toBe(0)
})

test('items stand by kind, deletions by themselves', () => {
  const items = [item('a'), deletion('b'), item('c', { kind: 'draft', operation: null }), item('d')]
  expect(groupItems(items).map(({ group, items: own }) => [group, own.map(({ id }) => id)])).toEqual([
    ['changes', ['a', 'd']],
    ['deletions', ['b']],
    ['drafts', ['c']],
  ])
})

const change = (more: Partial<ProposedChange>): ProposedChange => ({
  item_id: 'x',
  id: null,
  ref: null,
  subject: 'Hello',
  from: null,
  date: null,
  folder: 'INBOX',
  flags: [],
  add: [],
  remove: [],
  to: null,
  action: 'flags',
  outcome: 'will_change',
  ...more,
})

test('a change says from where to where, and which flags come and go', () => {
  const texts = (more: Partial<ProposedChange>) => partsOf(change(more)).map(({ text }) => text)
  expect(texts({ action: 'move', to: 'Archive\u202e' })).toEqual(['INBOX → Archive\ufffd'])
  expect(texts({ action: 'copy', to: 'Work' })).toEqual(['copy → Work'])
  expect(texts({ action: 'delete' })).toEqual(['delete from INBOX'])
  expect(texts({ add: ['seen', '$label2'], remove: ['flagged', 'urgent'] })).toEqual([
    '+read',
    '+Work',
    '−star',
    '−urgent',
  ])
  expect(texts({ action: 'folder', to: 'New name' })).toEqual(['INBOX → New name'])
  expect(texts({ action: 'folder' })).toEqual(['INBOX'])
  const outcomes = (['will_change', 'nothing_to_do', 'gone'] as const).map(outcome => outcomeWordsOf({ outcome }))
  expect(outcomes).toEqual([undefined, 'Already so', 'Not there any more'])
})

test('a proposal is called by its first words', () => {
  expect(titleOfProposal({ words: [] })).toBe('Nothing is waiting')
  expect(titleOfProposal({ words: ['Move 2 messages'] })).toBe('Move 2 messages')
  expect(titleOfProposal({ words: ['Move 2 messages', 'Send 1 message'] })).toBe('Move 2 messages, and more')
})

test('a message is called what it is now, also when a human edited it since; other items by the words of the server', () => {
  const submission = { subject: 'Edited', recipients: [{ email: 'eve@example.net' }] } as ProposalItem['submission']
  expect(wordsOfItem({ words: 'Send “Lunch” to bob@example.org', submission })).toBe('Send “Edited” to eve@example.net')
  expect(wordsOfItem({ words: 'Move 2 messages', submission: null })).toBe('Move 2 messages')
})

test('after a decision each item that was left says why', () => {
  const decision = {
    proposal: { items: [item('a', { hash: 'a-2' }), item('b')] },
    results: [
      { id: 'a', state: 'waiting', code: 'not_possible_now', why: 'It was changed since.' },
      { id: 'b', state: 'applied', code: null, why: null },
    ],
  } as unknown as ProposalDecision
  expect([...failuresOf(decision, 'applied')]).toEqual([['a', { hash: 'a-2', why: 'It was changed since.' }]])
})
