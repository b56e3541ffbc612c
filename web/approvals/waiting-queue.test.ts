/** One queue of pending items, and one notification per burst. */
import { expect, test } from 'vitest'
import type { Approval } from '../../contract/approvals.ts'
import type { Proposal } from '../../contract/proposal.ts'
import { isNoticed, type NoticedFact, noticesOf } from './notice-burst.ts'
import { idsOf, queueOf, waitingCount } from './waiting-queue.ts'

const approval = (id: string, minute: number, change: Partial<Approval> = {}) =>
  ({
    id,
    group: id,
    asks: { name: 'Bot' },
    proposal_id: null,
    created_at: `2026-11-29T04:${minute}:00.000Z`,
    ...change,
  }) as Approval
const proposal = (id: string, minute: number) =>
  ({ id, created_at: `2026-11-29T04:${minute}:00.000Z` }) as unknown as Proposal

test('oldest first, what belongs together together, and a message of a proposal only inside of it', () => {
  const approvals = [
    approval('a1', 10, { group: 'x' }),
    approval('a2', 12, { proposal_id: 'p1' }),
    approval('a3', 30, { group: 'x' }),
    approval('a4', 40),
  ]
  const queue = queueOf(approvals, [proposal('p1', 11), proposal('p2', 50)])
  expect(idsOf(queue)).toEqual(['a1', 'a3', 'p1', 'a4', 'p2'])
  // If proposals cannot be loaded, every message is still listed.
  expect(idsOf(queueOf(approvals, undefined))).toEqual(['a1', 'a3', 'a2', 'a4'])
  const lists = { approvals: { items: approvals, waiting: 4 }, proposals: { open: 2 } }
  expect(waitingCount(lists)).toBe(5)
  // There are more than fit on one page.
  expect(waitingCount({ ...lists, approvals: { items: approvals, waiting: 104 } })).toBe(105)
  expect(waitingCount({ approvals: undefined, proposals: undefined })).toBe(0)
})

const requested = (id: string, name = 'Bot'): NoticedFact => ({
  type: 'approval_requested',
  data: {
    account_id: 'a',
    at: '2026-11-29T00:00:00.000Z',
    approval_id: `a-${id}`,
    submission_id: id,
    principal: 't',
    principal_name: name,
    recipients: 2,
    expires_at: '2026-11-30T00:00:00.000Z',
  },
})
const proposed = (id: string, waiting: number, itemIds: string[]): NoticedFact => ({
  type: 'proposal_changed',
  data: {
    account_id: 'a',
    at: '2026-11-29T00:00:00.000Z',
    proposal_id: id,
    principal: 't',
    principal_name: 'Bot',
    state: 'open',
    items: waiting,
    waiting,
    applied: 0,
    event: 'proposed',
    item_ids: itemIds,
    by: null,
  },
})

test('a burst of one proposal is told once, with all of it, and its messages are not told beside it', () => {
  const burst = [proposed('p1', 1, ['o1']), requested('s1'), proposed('p1', 2, ['s1']), proposed('p1', 3, ['o2'])]
  expect(noticesOf(burst)).toEqual([
    { title: 'A proposal waits for you', body: 'Bot: 3 items', tag: 'p1', href: '/approvals?open=p1' },
  ])
})

test('several proposals, and many messages, are told as a number; few messages one by one', () => {
  expect(noticesOf([proposed('p1', 1, []), proposed('p2', 1, [])]).map(({ title, body }) => [title, body])).toEqual([
    ['2 proposals wait for you', 'Bot'],
  ])
  expect(noticesOf([requested('s1'), requested('s2')]).map(({ tag, body }) => [tag, body])).toEqual([
    ['a-s1', 'Bot, to 2 recipients'],
    ['a-s2', 'Bot, to 2 recipients'],
  ])
  const many = ['s1', 's2', 's3', 's4'].map(id => requested(id, id === 's4' ? 'Other' : 'Bot'))
  expect(noticesOf(many)).toEqual([
    { title: '4 messages wait for your approval', body: 'Bot, Other', tag: 'approvals', href: '/approvals' },
  ])
})

test('only what a person is asked for is told', () => {
  const { data } = proposed('p1', 1, [])
  expect(isNoticed({ type: 'proposal_changed', data: { ...data, event: 'declined' } })).toBe(false)
  expect(isNoticed({ type: 'proposal_changed', data })).toBe(true)
  expect(isNoticed({ type: 'approval_decided', data: {} })).toBe(false)
})
