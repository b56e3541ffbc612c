/**
 * What the trail records of read messages: all of them, however many folders they are in and whatever those are called.
 */
import { expect, test } from 'vitest'
import { readNotes } from './message-reader.ts'

test('messages are told by folder, and each once', () => {
  const places = [771, 772, 771].map(uid => ({ folder: 'INBOX', uidValidity: 3, uid }))
  const other = { folder: 'A"; "B" 1:2', uidValidity: 4, uid: 1 }
  expect(readNotes([...places, other])).toEqual({ read: '"INBOX" 3:771,772; "A\\"; \\"B\\" 1:2" 4:1' })
  expect(readNotes([])).toEqual({})
})

test.each([
  ['one folder', () => 0],
  ['two folders', (index: number) => (index === 0 ? 0 : 1)],
  ['five folders', (index: number) => index % 5],
  ['twelve folders', (index: number) => Math.max(0, index - 8)],
  ['twenty folders', (index: number) => index],
])('twenty messages of %s with the longest names fit into one entry', (_, folderOf) => {
  for (const letter of ['"', 'é', '\ud83d\ude00', 'a']) {
    const uids = Array.from({ length: 20 }, (_, index) => 4_294_967_295 - index)
    const places = uids.map((uid, index) => {
      const folder = `${letter.repeat(430 / Buffer.byteLength(letter) - 10)}${folderOf(index)}`
      return { folder, uidValidity: 4_294_967_295, uid }
    })
    const notes = Object.values(readNotes(places))
    // The bounds of an audit entry: ten names, with 700 characters each.
    expect(notes.length).toBeLessThanOrEqual(10)
    expect(Math.max(...notes.map(note => note.length))).toBeLessThanOrEqual(700)
    expect(notes.join().isWellFormed()).toBe(true)
    expect(uids.filter(uid => !notes.join().includes(`${uid}`))).toEqual([])
    const folders = new Set(notes.flatMap(note => note.split('; ')).map(note => note.slice(0, note.lastIndexOf(' '))))
    expect(folders.size).toBe(new Set(places.map(({ folder }) => folder)).size)
  }
})

test('what hides or turns round words in the name of a folder is written as its number', () => {
  const note = readNotes([{ folder: 'a\u202eb\u{e0041}"', uidValidity: 1, uid: 2 }]).read
  expect(note).toBe('"a\\u202eb\\udb40\\udc41\\"" 1:2')
  const long = readNotes([{ folder: '\u202e'.repeat(500), uidValidity: 1, uid: 2 }]).read!
  expect(long).toMatch(/^"(\\u202e)+"…[\da-f]{12} 1:2$/)
  expect(long.length).toBeLessThan(300)
})
