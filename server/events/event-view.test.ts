/** What a view lets through is counted right from every place, and not fact by fact for each who comes back. */

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import type { Fact } from '../../contract/event.ts'
import { administrator } from '../../test/support/administrator.ts'
import type { LogEntry } from './event-log.ts'
import { EventView, parseFilter } from './event-view.ts'

const admin = administrator('api_key')
const at = '2026-11-28T12:00:00.000Z'
const held = 1_000

/** Two of every five facts are of a type that the view does not see, unevenly spread over two accounts. */
function factOf(number: number): Fact {
  const account_id = number % 7 < 3 ? 'a' : 'b'
  if (number % 5 < 2) return { type: 'account_removed', data: { account_id, at } } as Fact
  return { type: 'mail_received', data: { account_id, folder: 'INBOX', uid: number, uid_validity: 1, at } } as Fact
}

function memory() {
  let looked = 0
  const log = {
    newest: 0,
    get oldestHeld() {
      return Math.max(1, this.newest - held + 1)
    },
    find(number: number): LogEntry | undefined {
      looked++
      if (number < this.oldestHeld || number > this.newest) return undefined
      return { number, fact: factOf(number), frame: Buffer.alloc(0), endOffset: 0 }
    },
  }
  const looksOf = (work: () => void) => {
    const before = looked
    work()
    return looked - before
  }
  return { log, looksOf }
}

const oneByOne = (view: EventView, after: number, newest: number) =>
  Array.from({ length: newest - after }, (_, index) => factOf(after + 1 + index)).filter(fact => view.accepts(fact))
    .length

test.each([
  ['all accounts', undefined],
  ['one', new Set(['a'])],
])('of %s, the count is right from every place, while the log grows and forgets', (_what, accounts) => {
  const { log } = memory()
  const view = new EventView(admin, { types: new Set(['mail_received']), accounts })
  for (log.newest = 100; log.newest < 3_000; log.newest += 171) {
    for (let after = log.oldestHeld - 1; after <= log.newest; after += 13) {
      const right = oneByOne(view, after, log.newest)
      expect(view.countAfter(log, after, 10_001)).toBe(right)
      expect(view.countAfter(log, after, 100)).toBe(Math.min(right, 100))
    }
  }
})

test('a stream that resumes with a view that others have is not counted fact by fact', () => {
  const { log, looksOf } = memory()
  log.newest = 5_000
  const view = new EventView(admin, { types: undefined, accounts: undefined })
  const count = (after: number) => looksOf(() => view.countAfter(log, after, 10_001))
  expect(count(4_000)).toBe(held)
  // Two ends of blocks of 256.
  for (let after = 4_000; after < 5_000; after += 17) expect(count(after)).toBeLessThan(512)
  log.newest += 300
  expect(count(4_300)).toBeLessThan(768)
  view.retire()
  expect(count(4_300)).toBe(held)
})

test('a filter keeps nothing of the head that it was cut from, which holds the secret of its reader', () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  // Longer ones Node keeps outside the heap.
  const rest = 'x'.repeat(512 * 1024)
  const heads = 128
  collect()
  const before = process.memoryUsage().heapUsed
  const kept = Array.from({ length: heads }, (_, index) => {
    // As the front reads it: one string of the bytes, of which the parts are slices.
    const head = Buffer.from(`types=mail_received,account_state_changed&account_id=account-number-${index}&${rest}`)
    const [types, account] = head
      .toString('latin1')
      .split('&')
      .map(part => part.split('=')[1]!)
    return parseFilter({ types, account_id: account })
  })
  collect()
  const grownMiB = (process.memoryUsage().heapUsed - before) / 1024 / 1024
  expect(kept[1]?.accounts).toEqual(new Set(['account-number-1']))
  expect(kept[1]?.types).toEqual(new Set(['mail_received', 'account_state_changed']))
  expect(grownMiB).toBeLessThan(heads / 8)
})
