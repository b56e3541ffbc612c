/** Merging new and older pages into a list without moving the reader's place. */
import { expect, test } from 'vitest'
import type { MessageSummary } from '../../contract/mail.ts'
import { awaitsTexts, joinNewest, joinOlder, loadOlder, pagesAtATime, splitAtMark } from './mail-pages.ts'
import { type MailPage, type MailRow, rowOfMessage } from './mail-row.ts'

function message(uid: number): MailRow {
  const ref = `message-${uid}`
  const date = '2026-11-22T18:14:03.120Z'
  const known = { message_id: null, subject: '', from: [], sender_warnings: [], to: [], date, flags: [], keywords: [] }
  const summary: MessageSummary = {
    ref,
    uid,
    uid_validity: 1,
    ...known,
    size_bytes: 1,
    has_attachments: false,
    from_count: 0,
    to_count: 0,
    faults: [],
  }
  return rowOfMessage('a', summary)
}

function page(newest: number, oldest: number, next_cursor: string | null = `before-${oldest}`): MailPage {
  const rows = Array.from({ length: newest - oldest + 1 }, (_, index) => message(newest - index))
  return { rows, next_cursor, total: newest }
}

const uidsOf = ({ rows }: { rows: readonly MailRow[] }) => rows.map(({ message: { uid } }) => uid)

test('new mail comes on top, and older messages that were loaded stay', () => {
  const known = joinOlder(page(20, 16), page(15, 11), 'before-16')
  const joined = joinNewest(known, page(22, 18))
  expect(uidsOf(joined)).toEqual([22, 21, 20, 19, 18, 17, 16, 15, 14, 13, 12, 11])
  expect(joined).toMatchObject({ next_cursor: 'before-11', total: 22 })
})

test('a message that was deleted elsewhere leaves the newest page', () => {
  const newest = { ...page(20, 15), rows: [20, 19, 17, 16, 15].map(message) }
  expect(uidsOf(joinNewest(page(20, 13), newest))).toEqual([20, 19, 17, 16, 15, 14, 13])
})

test('when so much came that there may be a hole, only the newest page is shown', () => {
  const joined = joinNewest(page(20, 16), page(40, 36))
  expect(uidsOf(joined)).toEqual([40, 39, 38, 37, 36])
  expect(joined.next_cursor).toBe('before-36')
})

test('a folder that fits on one page, or that was emptied, is what the server says', () => {
  expect(uidsOf(joinNewest(page(5, 1), page(3, 2, null)))).toEqual([3, 2])
  expect(uidsOf(joinNewest(page(5, 1), { rows: [], next_cursor: null, total: 0 }))).toEqual([])
})

test('an older page that was asked of a list which has changed is left out, and no message stands twice', () => {
  const known = page(20, 16)
  expect(joinOlder(known, page(9, 5), 'before-10')).toBe(known)
  expect(uidsOf(joinOlder(known, page(17, 12), 'before-16'))).toEqual([20, 19, 18, 17, 16, 15, 14, 13, 12])
})

test('while the reader is further down, new messages wait and are counted', () => {
  const { rows } = page(22, 16)
  expect(splitAtMark(rows, undefined)).toEqual({ waiting: 0, shown: rows })
  expect(splitAtMark(rows, 'message-20')).toEqual({ waiting: 2, shown: page(20, 16).rows })
  expect(splitAtMark(rows, 'message-99')).toEqual({ waiting: 0, shown: rows })
})

test('a thread that got an answer comes on top, and leaves the place where it stood', () => {
  const known = joinOlder(page(20, 16), page(15, 11), 'before-16')
  const newest = { ...page(20, 17), rows: [12, 20, 19, 18, 17].map(message) }
  expect(uidsOf(joinNewest(known, newest))).toEqual([12, 20, 19, 18, 17, 16, 15, 14, 13, 11])
})

test('a list of threads is asked for again while the text of new mail is missing, for a minute', () => {
  const cameMs = Date.parse(message(1).message.date)
  const thread = (uid: number, preview: string | null) => {
    const { message: newest, ...row } = message(uid)
    return { ...row, key: `thread-a-${uid}`, message: { ...newest, preview } }
  }
  const listOf = (...rows: MailRow[]) => ({ rows, next_cursor: null, total: null })
  const waiting = listOf(thread(2, null), thread(1, 'hello'))
  expect(awaitsTexts(waiting, cameMs + 1_000)).toBe(true)
  expect(awaitsTexts(waiting, cameMs + 61_000)).toBe(false)
  expect(awaitsTexts(listOf(thread(2, 'tea'), thread(1, 'hello')), cameMs)).toBe(false)
  // If only headers are indexed, there are no previews to wait for.
  expect(awaitsTexts(listOf(thread(2, null), thread(1, null)), cameMs)).toBe(false)
  expect(awaitsTexts(listOf(message(2)), cameMs)).toBe(false)
})

test('far down several pages are loaded as one, as far as there are any and they come', async () => {
  expect([0, 9_999, 10_000, 149_000].map(pagesAtATime)).toEqual([1, 1, 2, 5])
  const pages: Record<string, MailPage> = {
    'before-16': page(15, 11),
    'before-11': page(10, 6),
    'before-6': page(5, 1, null),
  }
  const load = async (cursor: string) => pages[cursor] ?? Promise.reject(new Error(`nothing at ${cursor}`))
  const uids = async (count: number) => {
    const { rows, next_cursor } = await loadOlder(load, 'before-16', count)
    return [uidsOf({ rows }).at(0), uidsOf({ rows }).at(-1), rows.length, next_cursor]
  }
  expect(await uids(1)).toEqual([15, 11, 5, 'before-11'])
  expect(await uids(2)).toEqual([15, 6, 10, 'before-6'])
  expect(await uids(5)).toEqual([15, 1, 15, null])
  delete pages['before-6']
  expect(await uids(5)).toEqual([15, 6, 10, 'before-6'])
  await expect(loadOlder(load, 'before-99', 5)).rejects.toThrow('nothing at before-99')
})
