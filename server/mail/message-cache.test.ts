/** Messages are kept within a bound in bytes, each account has its share, and nothing outlives its account or its time. */
import { expect, onTestFinished, test, vi } from 'vitest'
import { emptyMessage } from '../imap/adapters/memory-message.ts'
import type { MessageContent } from '../imap/mail-gateway.ts'
import { MessageCache, type MessageName } from './message-cache.ts'

const mib = 1024 * 1024
const counts = { fromCount: 0, toCount: 0, ccCount: 0, bccCount: 0, replyToCount: 0, attachmentCount: 0 }

/** A message of about this size. */
function messageOf(bytes: number): MessageContent {
  return { ...emptyMessage, ...counts, uid: 1, date: '2026-11-28T12:00:00.000Z', text: 'x'.repeat(bytes / 2) }
}

const nameOf = (accountId: string, place: string, revision = '1'): MessageName => ({ accountId, place, revision })

function cacheOf(messages: [accountId: string, place: string, bytes: number][]) {
  const cache = new MessageCache()
  for (const [accountId, place, bytes] of messages) cache.add(nameOf(accountId, place), messageOf(bytes))
  const kept = (accountId: string, ...places: string[]) =>
    places.filter(place => cache.find(nameOf(accountId, place)) !== undefined)
  return { cache, kept }
}

test('a message and what was made of it are found again, of this account alone, and not after it changed', () => {
  const { cache, kept } = cacheOf([['a', 'one', 1000]])
  cache.find(nameOf('a', 'one'))?.keep('html', 'clean')
  expect(cache.find(nameOf('a', 'one'))?.outcome('html')).toBe('clean')
  expect(cache.find(nameOf('a', 'one'))?.outcome('text')).toBeUndefined()
  expect(cache.find(nameOf('b', 'one'))).toBeUndefined()
  expect(cache.find(nameOf('a', 'one', '2'))).toBeUndefined()
  // What was read with other credentials is removed, not just hidden.
  expect(kept('a', 'one')).toEqual([])
  expect(cache.bytes).toBe(0)
})

test('48 MiB are kept, with what was made of messages, and what was asked for longest ago goes', () => {
  const { cache, kept } = cacheOf([
    ['a', 'one', 12 * mib],
    ['a', 'two', 12 * mib],
    ['a', 'three', 12 * mib],
  ])
  expect(kept('a', 'two', 'one', 'three')).toHaveLength(3)
  cache.find(nameOf('a', 'three'))?.keep('html', 'x'.repeat(5 * mib))
  expect(cache.bytes).toBeGreaterThan(46 * mib)
  cache.add(nameOf('a', 'four'), messageOf(6 * mib))
  expect(kept('a', 'one', 'two', 'three', 'four')).toEqual(['one', 'three', 'four'])
  expect(cache.bytes).toBeLessThanOrEqual(48 * mib)
})

test('an account that reads much pushes out its own messages, not those of the others', () => {
  const { cache, kept } = cacheOf([['quiet', 'mail', 2 * mib]])
  for (let number = 0; number < 20; number++) cache.add(nameOf('busy', `${number}`), messageOf(6 * mib))
  expect(kept('quiet', 'mail')).toEqual(['mail'])
  expect(kept('busy', '0', '12', '13', '19')).toEqual(['13', '19'])
})

test('one message takes no more than half of it, with all that was made of it', () => {
  const { cache, kept } = cacheOf([
    ['a', 'small', 100],
    ['a', 'much', 30 * mib],
    ['a', 'half', 16 * mib],
  ])
  expect(kept('a', 'small', 'much', 'half')).toEqual(['small', 'half'])
  const half = cache.find(nameOf('a', 'half'))
  half?.keep('html', 'x'.repeat(5 * mib))
  half?.keep('text', 'short')
  expect([half?.outcome('html'), half?.outcome('text')]).toEqual([undefined, 'short'])
})

test('an account that is gone leaves nothing behind, and neither does time', () => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  let now = 0
  const cache = new MessageCache(() => now)
  for (const [accountId, place] of [
    ['a', '1'],
    ['a', '2'],
    ['b', '1'],
    ['b', '2'],
  ] as const) {
    cache.add(nameOf(accountId, place), messageOf(1000))
  }
  cache.dropAccount('a')
  expect(['1', '2'].map(place => cache.find(nameOf('a', place)))).toEqual([undefined, undefined])
  const pass = (ms: number) => {
    now += ms
    vi.advanceTimersByTime(ms)
  }
  pass(4 * 60_000)
  cache.find(nameOf('b', '2'))
  pass(4 * 60_000)
  expect(cache.find(nameOf('b', '1'))).toBeUndefined()
  expect(cache.bytes).toBeGreaterThan(1000)
  pass(10 * 60_000)
  expect(cache.bytes).toBe(0)
  expect(vi.getTimerCount()).toBe(0)
})
