/** Calls that wait for a change: notified once, bounded, and released. */
import { expect, test } from 'vitest'
import { ChangeWaits } from './change-waits.ts'

const { signal } = new AbortController()
const forever = 600_000

test('a change is heard by those of its account, also when it came before they waited', async () => {
  const waits = new ChangeWaits()
  const [one, other] = [waits.open('p', 'a'), waits.open('p', 'b')]
  let hasOther = false
  const waiting = other.next(forever, signal).then(() => (hasOther = true))
  waits.changed('a')
  await one.next(forever, signal)
  const again = one.next(forever, signal)
  waits.changed('a')
  await again
  expect(hasOther).toBe(false)
  waits.changed('b')
  await waiting
  // When the time is over, it is over.
  await one.next(0, signal)
})

test('a person waits so often and no more, and one that ends makes room', () => {
  const waits = new ChangeWaits()
  const open = Array.from({ length: 5 }, () => waits.open('p', 'a'))
  expect(() => waits.open('p', 'b')).toThrow('Too many calls wait')
  waits.open('q', 'a').close()
  open[0]!.close()
  waits.open('p', 'b')
  for (let person = 0; person < 39; person++) for (let call = 0; call < 5; call++) waits.open(`p${person}`, 'a')
  expect(() => waits.open('r', 'a')).toThrow('Too many calls wait')
})

test('a caller that disconnects no longer waits, and at the end all are released', async () => {
  const waits = new ChangeWaits()
  const leaving = new AbortController()
  const left = waits.open('p', 'a').next(forever, leaving.signal)
  leaving.abort(new Error('gone'))
  await expect(left).rejects.toThrow('gone')
  const last = waits.open('p', 'a')
  const waiting = last.next(forever, signal)
  waits.close()
  await waiting
  expect(waits.isClosed).toBe(true)
  await last.next(forever, signal)
})
