/** Revocations that the database does not store: each is effective, none delays another, and all are stored later. */
import { expect, onTestFinished, test, vi } from 'vitest'
import { createLogger } from '../platform/logger.ts'
import { everyScope, type Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import { type Revocation, Revocations } from './revocations.ts'

const full = Object.assign(new Error('database or disk is full'), { errcode: 13 })
const principal = (id: string): Principal => ({
  id,
  name: id,
  kind: 'token',
  userId: null,
  scopes: everyScope,
  accounts: 'all',
})

/** Revocations on a database that is full until a test says otherwise. */
function setUp() {
  const revoked: string[] = []
  const lines: string[] = []
  const revocations = new Revocations({
    listener: { revoked: id => void revoked.push(id) },
    logger: createLogger('info', { write: line => void lines.push(line) }),
  })
  const state = { isFull: true, stored: [] as string[] }
  const revoke = (id: string, { fails = () => state.isFull, ...rest }: Rest = {}) =>
    revocations.run({
      ids: [id],
      check: async () => undefined,
      work: async () => {
        if (fails()) throw full
        state.stored.push(id)
      },
      ...rest,
    })
  const denies = (...ids: string[]) => ids.map(id => revocations.denies(principal(id)))
  return { revocations, state, revoked, lines, revoke, denies }
}
type Rest = Partial<Revocation<void>> & { fails?: () => boolean }

const unstored = { status: 503, code: 'revocation_not_stored' }

test('one that keeps failing delays no other', async () => {
  const { revocations, state, revoked, revoke, denies } = setUp()
  onTestFinished(() => revocations.stop())
  await expect(revoke('token-odd', { fails: () => true })).rejects.toMatchObject(unstored)
  await expect(revoke('token-a')).rejects.toMatchObject(unstored)
  await expect(revoke('token-b')).rejects.toMatchObject(unstored)
  expect(revoked).toEqual(['token-odd', 'token-a', 'token-b'])
  state.isFull = false
  await expect.poll(() => state.stored).toEqual(['token-a', 'token-b'])
  expect(denies('token-odd', 'token-a', 'token-c')).toEqual([true, false, false])
})

test('principals stay revoked until every revocation that names them is stored, or finds nothing left', async () => {
  const { revocations, state, lines, revoke, denies } = setUp()
  onTestFinished(() => revocations.stop())
  // The first of the same principal is stored in the next round, the second in none.
  await expect(revoke('token-twice')).rejects.toMatchObject(unstored)
  await expect(revoke('token-twice', { fails: () => true })).rejects.toMatchObject(unstored)
  const work = async () => {
    if (state.isFull) throw full
    throw new Problem('token_not_found', 'There is no such token.')
  }
  await expect(revoke('token-gone', { work })).rejects.toMatchObject(unstored)
  state.isFull = false
  await expect.poll(() => denies('token-gone')).toEqual([false])
  expect(lines.filter(line => line.includes('found nothing left'))).toHaveLength(1)
  expect([state.stored, denies('token-twice')]).toEqual([['token-twice'], [true]])
})

test('a round ends after three failures, and the rest waits for a database that accepts writes', async () => {
  const { revocations, revoke } = setUp()
  onTestFinished(() => revocations.stop())
  const tried = ['a', 'b', 'c', 'd'].map(() => vi.fn(async () => Promise.reject(full)))
  for (const [number, work] of tried.entries())
    await expect(revoke(`token-${number}`, { work })).rejects.toMatchObject(unstored)
  // Two rounds, beside the first attempt.
  await vi.waitFor(() => expect(tried[0]).toHaveBeenCalledTimes(3))
  expect(tried[3]).toHaveBeenCalledOnce()
})

test('repeating one does not fill the queue, and what remains at the stop is logged', async () => {
  const { revocations, state, lines, revoke, denies } = setUp()
  for (let count = 0; count < 1_010; count++) await expect(revoke('token-a')).rejects.toMatchObject(unstored)
  await expect(revoke('token-b')).rejects.toMatchObject(unstored)
  expect(denies('token-a', 'token-b')).toEqual([true, true])
  await revocations.stop()
  expect(lines.at(-1)).toContain('"ids":["token-a","token-b"]')
  expect(state.stored).toEqual([])
})

test('at a thousand that wait, one more is refused and revokes nothing', async () => {
  const { revocations, revoked, revoke, denies } = setUp()
  onTestFinished(() => revocations.stop())
  for (let number = 0; number < 1_000; number++) await expect(revoke(`token-${number}`)).rejects.toMatchObject(unstored)
  await expect(revoke('token-late')).rejects.toBe(full)
  expect([revoked.length, denies('token-999', 'token-late')]).toEqual([1_000, [true, false]])
})

test('a caller without the right revokes nothing, and a fault other than of the database is thrown as it is', async () => {
  const { revocations, revoked, revoke, denies } = setUp()
  onTestFinished(() => revocations.stop())
  const forbidden = new Problem('forbidden', 'That takes an administrator.')
  await expect(revoke('token-a', { check: () => Promise.reject(forbidden) })).rejects.toBe(forbidden)
  const bug = new Error('a bug')
  await expect(revoke('token-a', { work: () => Promise.reject(bug) })).rejects.toBe(bug)
  expect([revoked, denies('token-a')]).toEqual([[], [false]])
})

test('what a user has open is closed; if the database cannot list it, the user is denied all the same', async () => {
  const { revocations, revoked, revoke, denies } = setUp()
  onTestFinished(() => revocations.stop())
  await expect(revoke('user-ann', { opened: async () => ['session-1', 'token-2'] })).rejects.toMatchObject(unstored)
  expect(revoked).toEqual(['session-1', 'token-2'])
  await expect(revoke('token-b', { opened: () => Promise.reject(full) })).rejects.toMatchObject(unstored)
  expect(denies('token-b')).toEqual([true])
})
