/** Pages over several accounts, each with a cursor of its own, return everything once, in order. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { MessageRefs } from '../imap/message-ref.ts'
import { Signer } from '../platform/secret-box.ts'
import {
  compareHits,
  fromCursor,
  type HitPosition,
  type PageEnd,
  secondsBelow,
  tieOf,
  toCursor,
} from './search-order.ts'

const refs = new MessageRefs(new Signer(Buffer.alloc(32, 1)))

test('hits of the same second in several accounts are on one page or the other, never on none or both', () => {
  const accounts = fc.dictionary(
    fc.constantFrom('a', 'B', 'c-1', 'c'),
    fc.uniqueArray(fc.integer({ min: 1, max: 12 }), { maxLength: 12 }),
  )
  fc.assert(
    fc.property(accounts, fc.integer({ min: 1, max: 5 }), (all, limit) => {
      const whole = Object.entries(all)
        .flatMap(([accountId, list]) =>
          list.map((seconds): HitPosition => ({ score: null, seconds, accountId, tie: '' })),
        )
        .sort(compareHits)
      const seen: HitPosition[] = []
      for (let end: PageEnd | undefined; seen.length < whole.length; ) {
        const place = end
        // As each index answers: what is below a row of its own.
        const left = whole.filter(
          ({ accountId, seconds }) => place === undefined || seconds < secondsBelow(place, accountId),
        )
        const page = left.slice(0, limit)
        expect(page.length).toBeGreaterThan(0)
        seen.push(...page)
        end = fromCursor(refs, 'list', toCursor(refs, 'list', page.at(-1)!))
      }
      expect(seen).toEqual(whole)
    }),
  )
})

test('of one second what came into its folder later is in front, and what the index has before all', () => {
  const at = (tie: string): HitPosition => ({ score: null, seconds: 5, accountId: 'a', tie })
  const ties = ['', tieOf(4_294_967_295, 'y'), tieOf(70_000, 'z'), tieOf(9, 'x'), tieOf(1, 'a'), tieOf(1, 'b')]
  expect(ties.toReversed().map(at).sort(compareHits)).toEqual(ties.map(at))
})

test('a cursor keeps all of a place, fits the contract, and is good for its own search alone', () => {
  const end = { score: 12.345, seconds: 4_294_967_295, accountId: 'x'.repeat(40), tie: tieOf(1, 'y'.repeat(20)) }
  const whole = { ...end, top: 4_294_967_295, now: 9_999_999_999_999 }
  const cursor = toCursor(refs, 'one', whole)
  expect(cursor.length).toBeLessThanOrEqual(400)
  expect(fromCursor(refs, 'one', cursor)).toEqual(whole)
  expect(() => fromCursor(refs, 'other', cursor)).toThrow('is not a cursor of this search')
  expect(() => fromCursor(refs, 'one', `${cursor.slice(0, -2)}AA`)).toThrow('is not a cursor')
})
