/** Facts about mail applied to loaded rows. */
import { expect, test } from 'vitest'
import type { MessageSummary } from '../../contract/mail.ts'
import { withChanges, withoutRemoved } from './live-rows.ts'
import { type MailPage, type MailRow, rowOfMessage } from './mail-row.ts'

const at = '2026-11-22T18:14:03.120Z'

function row(id: string, flags: MessageSummary['flags'] = []): MailRow {
  const message = { ref: `ref-${id}`, id, thread_id: 't', subject: '', flags, keywords: [] as string[] }
  return rowOfMessage('a', message as unknown as MessageSummary)
}

const thread = (id: string, count: number, unread: number): MailRow => ({
  ...row(id, unread > 0 ? [] : ['seen']),
  key: `thread-a-${id}`,
  count,
  unread,
})
const page = (...rows: MailRow[]): MailPage => ({ rows, next_cursor: null, total: rows.length })
const changed = (id: string, flags: string[] | null, account_id = 'a') => ({
  account_id,
  at,
  folder: 'INBOX',
  messages: [{ id, thread_id: 't', uid: 1, flags, size_bytes: 1 }],
})
const removed = (id: string) => ({ account_id: 'a', at, messages: [{ id, thread_id: 't' }] })

test('a message that was read and flagged elsewhere is so here, with its labels; others are left as they are', () => {
  const before = page(row('1'), row('2'))
  const after = withChanges(before, changed('2', ['\\Seen', '\\Flagged', '$Work']))
  expect(after.rows[0]).toBe(before.rows[0])
  expect(after.rows[1]).toMatchObject({ unread: 0, message: { flags: ['seen', 'flagged'], keywords: ['$Work'] } })
  expect(withChanges(after, changed('2', [])).rows[1]).toMatchObject({ unread: 1, message: { flags: [] } })
})

test('a fact about another account, about what is not listed, or about a move changes nothing', () => {
  const before = page(row('1'))
  expect(withChanges(before, changed('1', ['\\Seen'], 'b'))).toBe(before)
  expect(withChanges(before, changed('9', ['\\Seen']))).toBe(before)
  expect(withChanges(before, changed('1', null))).toBe(before)
  expect(withoutRemoved(before, removed('9'))).toBe(before)
})

test('a thread has one unread message less when its newest was read', () => {
  const after = withChanges(page(thread('1', 5, 3)), changed('1', ['\\Seen']))
  expect(after.rows[0]).toMatchObject({ count: 5, unread: 2, message: { flags: ['seen'] } })
  expect(withChanges(after, changed('1', ['\\Seen'])).rows[0]).toMatchObject({ unread: 2 })
})

test('what was removed leaves, and is counted no longer; a thread stays while others of it may be there', () => {
  const after = withoutRemoved(page(row('1'), row('2'), thread('3', 2, 0), thread('4', 1, 0)), removed('1'))
  expect([after.rows.map(({ messageId }) => messageId), after.total]).toEqual([['2', '3', '4'], 3])
  expect(withoutRemoved(after, removed('3'))).toBe(after)
  expect(withoutRemoved(after, removed('4')).rows.map(({ messageId }) => messageId)).toEqual(['2', '3'])
})
