/** What is expected of messages: it is shown over what is read, until the mail server was asked after it was done. */
import { expect, test } from 'vitest'
import { AccountExpectations, type ExpectedChange } from './expected-changes.ts'
import type { FolderBatch, MessageRecord } from './index-types.ts'

const inbox = { path: 'INBOX', uidValidity: 7 }

function changeOf(uid: number, more: Partial<ExpectedChange> = {}): ExpectedChange {
  const nothing = { leaves: false, to: undefined, add: [], remove: [], isDone: false }
  return { ...inbox, uid, messageId: `m${uid}`, ...nothing, ...more }
}

const seen = (uid: number, more: Partial<ExpectedChange> = {}) => changeOf(uid, { add: ['\\Seen'], ...more })
const leaving = (uid: number, more: Partial<ExpectedChange> = {}) =>
  changeOf(uid, { leaves: true, to: 'Archive', ...more })

function read(...rows: { uid: number; flags: string[] }[]): FolderBatch {
  return { ...inbox, changed: rows, added: rows as MessageRecord[], announces: false }
}

test('what is read while a change waits is shown as it will be, in the order of the changes', () => {
  const known = new AccountExpectations()
  known.set('2', [changeOf(1, { add: ['later'], remove: ['\\SEEN'] })])
  known.set('1', [seen(1), leaving(2)])
  const { changed, added } = known.adjust(read({ uid: 1, flags: ['x'] }, { uid: 2, flags: [] }, { uid: 3, flags: [] }))
  expect(changed).toEqual([
    { uid: 1, flags: ['x', 'later'] },
    { uid: 2, flags: [] },
    { uid: 3, flags: [] },
  ])
  expect(added!.map(({ uid }) => uid)).toEqual([1, 3])
  const other = { ...read({ uid: 1, flags: [] }), uidValidity: 8 }
  expect(known.adjust(other)).toEqual(other)
  expect(known.flagsAt({ ...inbox, uid: 1 }, ['\\seen'])).toEqual(['later'])
  expect(known.batches()).toEqual([
    { ...inbox, leaving: [2], flags: [{ uids: [1], add: ['\\Seen'], remove: [] }] },
    { ...inbox, leaving: [], flags: [{ uids: [1], add: ['later'], remove: ['\\SEEN'] }] },
  ])
})

test('what was read before it was done does not undo it, what was read afterwards counts', () => {
  const known = new AccountExpectations()
  known.set('1', [seen(1)])
  const before = known.now
  known.set('1', [seen(1, { isDone: true })])
  const after = known.now
  const flags = (asOf: number) => known.adjust(read({ uid: 1, flags: [] }), asOf).changed![0]!.flags
  expect([flags(before), flags(after)]).toEqual([['\\Seen'], []])
  known.compared(before, 'INBOX')
  expect(flags(before)).toEqual(['\\Seen'])
  known.compared(after, 'Archive')
  expect(flags(before)).toEqual(['\\Seen'])
  known.compared(after, 'INBOX')
  expect(flags(before)).toEqual([])
  // Somebody else may have changed it since: it is not done a second time.
  known.set('1', [seen(1, { isDone: true }), seen(2)])
  expect(known.batches()).toEqual([{ ...inbox, leaving: [], flags: [{ uids: [2], add: ['\\Seen'], remove: [] }] }])
  expect(flags(before)).toEqual([])
})

test('a message that leaves its folder is counted there and found by its id, until its new folder was compared', () => {
  const known = new AccountExpectations()
  known.set('1', [leaving(1), leaving(2)])
  expect([known.countLeaving('INBOX', 7), known.countLeaving('INBOX', 8), known.hasLeaving]).toEqual([2, 0, true])
  known.set('1', [leaving(1, { isDone: true }), leaving(2)])
  expect([known.countLeaving('INBOX', 7), known.placeOf('m1')?.uid]).toEqual([1, 1])
  known.compared(known.now, 'INBOX')
  expect(known.placeOf('m1')?.uid).toBe(1)
  known.compared(known.now, 'Archive')
  expect([known.placeOf('m1'), known.placeOf('m2')?.uid]).toEqual([undefined, 2])
  known.set('1', [])
  expect([known.countLeaving('INBOX', 7), known.hasLeaving, known.placeOf('m2')]).toEqual([0, false, undefined])
})

test('what did not come about is read again, once', () => {
  const known = new AccountExpectations()
  known.readAgain([1, 2].map(uid => ({ ...inbox, uid })))
  expect([known.toReadAgain('INBOX', 7), known.toReadAgain('INBOX', 8)]).toEqual([[1, 2], []])
  known.wereRead('INBOX', 7, [1])
  expect(known.toReadAgain('INBOX', 7)).toEqual([2])
})

test('readers wait for what is being written, also where that fails', async () => {
  const known = new AccountExpectations()
  const [first, second] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  known.write(first.promise)
  known.write(second.promise)
  let isWritten = false
  const waiting = known.writing!.then(() => {
    isWritten = true
  })
  second.resolve()
  await second.promise
  expect(isWritten).toBe(false)
  first.reject(new Error('the index is gone'))
  await waiting
  expect(known.writing).toBeUndefined()
})
