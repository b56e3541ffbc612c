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
  // Another program may have changed it since, so it is not applied again.
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

test('what was held and is done behind a later change counts behind it', () => {
  const known = new AccountExpectations()
  const inArchive = { path: 'Archive', uidValidity: 8 }
  known.set('1', [leaving(1, { to: 'Junk' }), seen(2)])
  known.set('2', [leaving(1), changeOf(2, { remove: ['\\Seen'] })])
  known.set('2', [leaving(1, { isDone: true }), changeOf(2, { remove: ['\\Seen'], isDone: true })])
  // Followed to where the later one moved it.
  const held = (isDone: boolean) => [leaving(1, { ...inArchive, to: 'Junk', isDone }), seen(2, { isDone })]
  known.set('1', held(false))
  known.set('1', held(true))
  expect(known.placeOf('m1')).toMatchObject({ path: 'Archive', uid: 1 })
  expect(known.adjust(read({ uid: 2, flags: ['\\Seen'] })).changed).toEqual([{ uid: 2, flags: ['\\Seen'] }])
})

test('what did not come about is read again, once, and found by its id until then', () => {
  const known = new AccountExpectations()
  const uidsOf = (uidValidity = 7) => known.toReadAgain('INBOX', uidValidity).map(({ place }) => place.uid)
  const back = (...uids: number[]) => uids.map(uid => ({ ...inbox, uid, messageId: `m${uid}` }))
  known.readAgain([...back(1, 2), { ...inbox, uid: 3 }])
  expect([uidsOf(), uidsOf(8), known.returningTo('m1')?.uid, known.hasLeaving]).toEqual([[1, 2, 3], [], 1, true])
  const [first, ...others] = known.toReadAgain('INBOX', 7)
  known.wereRead([first!])
  expect([uidsOf(), known.returningTo('m1'), known.returningTo('m2')?.uid]).toEqual([[2, 3], undefined, 2])
  // It went wrong once more while it was read.
  known.readAgain(back(2))
  known.wereRead(others)
  expect([uidsOf(), known.returningTo('m2')?.uid]).toEqual([[2], 2])
  const before = known.now
  known.readAgain(back(4))
  known.lookedAtAll(before)
  expect([uidsOf(), known.returningTo('m2'), known.hasLeaving]).toEqual([[4], undefined, true])
  known.lookedAtAll(known.now)
  expect([uidsOf(), known.hasLeaving]).toEqual([[], false])
})

test('a message that leaves twice is found by its id whichever change is forgotten first', () => {
  const known = new AccountExpectations()
  known.set('1', [leaving(1)])
  known.set('2', [leaving(1, { to: 'Junk' })])
  known.set('1', [leaving(1)])
  known.forget('2')
  expect([known.placeOf('m1'), known.hasLeaving]).toMatchObject([{ to: 'Archive' }, true])
  known.set('2', [leaving(1, { to: 'Junk' })])
  known.set('1', [leaving(1)])
  expect(known.placeOf('m1')).toMatchObject({ to: 'Junk' })
  known.forget('1')
  known.forget('2')
  expect([known.placeOf('m1'), known.hasLeaving]).toEqual([undefined, false])
})

test('a message that left is not gone before its new folder was compared since', () => {
  const known = new AccountExpectations()
  known.set('1', [leaving(1, { messageId: null })])
  const before = known.now
  known.set('1', [leaving(1, { messageId: null, isDone: true })])
  known.compared(before)
  expect(known.hasLeaving).toBe(true)
  known.compared(known.now)
  expect(known.hasLeaving).toBe(false)
})

test('a folder that is renamed takes along what is expected in it, and what the index says of it, until it lists the new path', () => {
  const known = new AccountExpectations()
  const asOf = known.now
  known.set('1', [leaving(1), seen(2), changeOf(3, { path: 'Other', leaves: true, to: 'INBOX' })])
  known.set('2', [seen(4)])
  known.set('2', [seen(4, { isDone: true })])
  known.readAgain([{ ...inbox, uid: 5, messageId: 'm5' }])
  known.renameFolder(path => (path === 'INBOX' ? 'Old' : path))
  expect([known.placeOf('m1'), known.placeOf('m3'), known.returningTo('m5')]).toMatchObject([
    { path: 'Old' },
    { to: 'Old' },
    { path: 'Old' },
  ])
  expect([known.countLeaving('INBOX', 7), known.countLeaving('Old', 7)]).toEqual([0, 1])
  expect(known.toReadAgain('Old', 7).map(({ place }) => place.uid)).toEqual([5])
  const batch = { ...read({ uid: 2, flags: [] }, { uid: 4, flags: [] }), path: 'Old' }
  expect(known.adjust(batch, asOf).changed!.map(({ flags }) => flags)).toEqual([['\\Seen'], ['\\Seen']])
  known.renameFolder(path => (path === 'Old' ? 'Older' : path))
  expect([known.pathNow('INBOX'), known.pathNow('Other')]).toEqual(['Older', 'Other'])
  known.listed(asOf)
  expect(known.pathNow('INBOX')).toBe('Older')
  known.listed(known.now)
  expect(known.pathNow('INBOX')).toBe('INBOX')
})

test('readers wait for what is being written, also where that fails', async () => {
  const known = new AccountExpectations()
  const [first, second] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  known.write(first.promise)
  let hurried = 0
  known.write(second.promise, () => hurried++)
  let isWritten = false
  const waiting = known.written()!.then(() => {
    isWritten = true
  })
  second.resolve()
  await second.promise
  expect([isWritten, hurried]).toEqual([false, 1])
  first.reject(new Error('the index is gone'))
  await waiting
  expect(known.written()).toBeUndefined()
})

test('what is remembered for reading again, and of renamed folders, is bounded', () => {
  const known = new AccountExpectations()
  known.readAgain(Array.from({ length: 99_999 }, (_, uid) => ({ ...inbox, uid })))
  known.readAgain([1, 2].map(uid => ({ path: 'Other', uidValidity: 7, uid })))
  known.readAgain([{ path: 'Third', uidValidity: 7, uid: 1 }])
  expect(['Other', 'Third'].map(path => known.toReadAgain(path, 7).length)).toEqual([1, 0])
  const renamed = new AccountExpectations()
  for (let count = 0; count < 1_001; count++) renamed.renameFolder(path => `${path}.`)
  expect(renamed.pathNow('')).toHaveLength(1_000)
})
