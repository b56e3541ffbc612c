/** Exchanges end with what entitles to them, once, for the first reason, and are cut if they do not; none hears of what is not theirs. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createLogger } from '../platform/logger.ts'
import { everyScope, type Principal } from '../platform/principal.ts'
import { type ExchangeKind, ExchangeRegistry, endingMs, maxCallMs } from './exchange-registry.ts'

const someone: Principal = { id: 'p', name: 'P', kind: 'token', userId: null, scopes: everyScope, accounts: 'all' }

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function world() {
  const exchanges = new ExchangeRegistry({ now: () => Date.now(), logger: createLogger('silent') })
  exchanges.start()
  const heard: string[] = []
  const open = (kind: ExchangeKind, principal = someone) =>
    exchanges.open(principal, {
      kind,
      toolsChanged: () => heard.push(`${principal.id} changed`),
      publish: () => heard.push(`${principal.id} published`),
      end: ({ code }) => heard.push(`${principal.id} ${code}`),
      cut: () => heard.push(`${principal.id} cut`),
    })
  const pass = (ms: number) => {
    vi.advanceTimersByTime(ms)
    return heard.splice(0)
  }
  return { exchanges, heard, open, pass }
}

test('a change is announced only to those that may know of it', () => {
  const { exchanges, open, heard } = world()
  open('stream')
  open('stream', { ...someone, id: 'q' })
  open('call', { ...someone, id: 'q' })
  exchanges.publish({ changes: [{ of: 'resources' }], mayReceive: ({ id }) => id === 'q' })
  expect(heard).toEqual(['q published'])
  exchanges.stop()
})

test('an exchange ends within a second of its credentials, and a call after its time; others go on', () => {
  const { exchanges, open, pass } = world()
  open('stream', { ...someone, id: 'expires', endsAt: Date.now() + 10_000 })
  open('call', { ...someone, id: 'long' })
  open('stream')
  expect(pass(9_000)).toEqual([])
  expect(pass(1_500)).toEqual(['expires unauthorized'])
  expect(new Set(pass(maxCallMs - 11_000))).toEqual(new Set(['expires cut']))
  expect(pass(1_000)).toContain('long overloaded')
  exchanges.stop()
})

test('one that was told to end is cut after its time, however often it is told again', () => {
  const { exchanges, open, pass, heard } = world()
  open('call')
  exchanges.revoked('p')
  expect(pass(endingMs - 500)).toEqual(['p unauthorized'])
  exchanges.revoked('p')
  heard.splice(0)
  expect(pass(500)).toEqual(['p cut'])
  // Its reason stays the first one.
  exchanges.stop()
  expect(heard).not.toContain('p draining')
})

test('a freeze ends the exchanges that it stops, and no others', () => {
  const { exchanges, open, heard } = world()
  open('stream')
  open('call', { ...someone, id: 'q' })
  exchanges.endWhere(({ id }) => id === 'q')
  expect(heard).toEqual(['q frozen'])
  exchanges.stop()
})

test('rights that are the same as before are announced to no one; the newest count', () => {
  const { exchanges, open, heard } = world()
  open('stream')
  exchanges.changed({ ...someone })
  expect(heard).toEqual([])
  exchanges.changed({ ...someone, accounts: new Set(['a']) })
  exchanges.changed({ ...someone, accounts: new Set(['a']) })
  expect(heard).toEqual(['p changed'])
  exchanges.stop()
})

test('where nothing is open a stop leaves nothing running, and no more once the last has ended', () => {
  const { exchanges } = world()
  exchanges.stop()
  expect(vi.getTimerCount()).toBe(0)
  const other = world()
  const close = other.open('call')
  other.exchanges.stop()
  other.exchanges.stop()
  close()
  expect(vi.getTimerCount()).toBe(0)
})
