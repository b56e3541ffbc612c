/** Who may decide what agents ask, how much may wait, and how it ends. */
import { afterEach, expect, test, vi } from 'vitest'
import { type Principal, scopeSet } from '../platform/principal.ts'
import { PermissionPrompts } from './permission-prompts.ts'

const token: Principal = {
  ...{ id: 'token-t1', name: 'Claude', kind: 'token', userId: 'u1' },
  ...{ scopes: scopeSet(['mail:read']), accounts: 'all' },
}
const key: Principal = { ...token, id: 'api-key', kind: 'api_key', userId: null }
const user = (userId: string, admin = false): Principal => ({
  ...{ id: `session-${userId}`, name: userId, kind: 'session', userId, accounts: 'all' },
  scopes: scopeSet(admin ? ['dashboard:admin'] : ['mail:draft']),
})
const asked = { tool_name: 'Bash', description: 'lists', input_preview: '{"command":"ls"}' }
const alive = () => new AbortController().signal

function make(bounds = {}) {
  const told: string[] = []
  const prompts = new PermissionPrompts({
    now: Date.now,
    changed: () => void told.push('changed'),
    opened: id => void told.push(id),
    bounds,
  })
  return { prompts, told }
}

afterEach(() => void vi.useRealTimers())

test('the owner of the token decides, an administrator for programs without one, and no token', async () => {
  const { prompts } = make()
  const mine = prompts.request(token, asked, alive())
  const nobodys = prompts.request(key, asked, alive())
  const [first] = prompts.list(user('u1'))
  expect(prompts.list(user('u2', true)).map(({ asks }) => asks.id)).toEqual(['api-key'])
  for (const other of [user('u2', true), token, key]) {
    expect(() => prompts.decide(other, first!.id, 'allow')).toThrow('There is no such permission prompt')
  }
  prompts.decide(user('u1'), first!.id, 'allow')
  expect(await mine).toBe('allowed')
  const [second] = prompts.list(user('u2', true))
  prompts.decide(user('u2', true), second!.id, 'deny')
  expect(await nobodys).toBe('denied')
  expect(() => prompts.decide(user('u1'), first!.id, 'deny')).toThrow('no longer waiting')
})

test('a prompt ends with its session, with its token, with the server, and by itself', async () => {
  vi.useFakeTimers()
  const { prompts } = make()
  const ending = new AbortController()
  const withdrawn = prompts.request(token, asked, ending.signal)
  ending.abort()
  expect(await withdrawn).toBe('cancelled')
  const revoked = prompts.request(token, asked, alive())
  prompts.revoked(token.id)
  expect(await revoked).toBe('cancelled')
  const expired = prompts.request(token, asked, alive())
  vi.advanceTimersByTime(10 * 60_000)
  expect(await expired).toBe('expired')
  const isOver = vi.fn()
  void prompts.request({ ...token, endsAt: Date.now() + 60_000 }, asked, alive()).then(isOver)
  void prompts.request({ ...key, endsAt: Date.now() + 60_000, audience: 'https://here' }, asked, alive()).then(isOver)
  await vi.advanceTimersByTimeAsync(59_000)
  expect(isOver).not.toHaveBeenCalled()
  await vi.advanceTimersByTimeAsync(1_000)
  expect(isOver.mock.calls).toEqual([['expired']])
  const shortened = prompts.request(token, asked, alive())
  prompts.changed({ ...token, endsAt: Date.now() + 1_000 })
  vi.advanceTimersByTime(1_000)
  expect(await shortened).toBe('expired')
  const stopped = prompts.request(token, asked, alive())
  prompts.stop()
  expect(await stopped).toBe('cancelled')
  expect(prompts.list(user('u1'))).toEqual([])
})

test('over HTTP the program that asked hears of it, and it is withdrawn when that asks no more', async () => {
  vi.useFakeTimers()
  const { prompts } = make()
  const { id } = prompts.open(token, asked)
  expect(await prompts.wait(token, id, 0, alive())).toBe('waiting')
  await expect(prompts.wait(key, id, 0, alive())).rejects.toMatchObject({ code: 'not_found' })
  const answer = prompts.wait(token, id, 25_000, alive())
  prompts.decide(user('u1'), id, 'allow')
  expect(await answer).toBe('allowed')
  // An answer that was lost is there for a moment.
  expect(await prompts.wait(token, id, 25_000, alive())).toBe('allowed')
  const left = prompts.open(token, asked)
  vi.advanceTimersByTime(60_000)
  expect(prompts.list(user('u1'))).toEqual([])
  await expect(prompts.wait(token, left.id, 0, alive())).rejects.toMatchObject({ code: 'not_found' })
  expect(() => prompts.open(user('u1'), asked)).toThrow('for programs')
})

test('so many wait of one principal, and of all', () => {
  const { prompts, told } = make({ perPrincipal: 2, inAll: 3 })
  prompts.open(token, asked)
  prompts.open(token, asked)
  expect(() => prompts.open(token, asked)).toThrow('Too many')
  prompts.open(key, asked)
  expect(() => prompts.open({ ...token, id: 'token-t2' }, asked)).toThrow('Too many')
  expect(told.filter(each => each === 'changed')).toHaveLength(3)
  prompts.stop()
})

test('so many wait of one person, whatever the number of their tokens, and others find room', async () => {
  const { prompts } = make()
  let opened = 0
  const refused = () => {
    for (let number = 0; number < 10; number++) {
      const each = { ...token, id: `token-${number}` }
      try {
        for (;;) {
          prompts.open(each, asked)
          opened++
        }
      } catch (error) {
        expect(error).toMatchObject({ code: 'too_many_requests' })
      }
    }
  }
  refused()
  expect(opened).toBe(40)
  // Withdrawing them frees no place held by another user's prompt.
  const other = { ...token, id: 'token-of-u2', userId: 'u2' }
  const decided = Array.from({ length: 20 }, () => prompts.open(other, asked).id)
  for (const id of decided) prompts.decide(user('u2'), id, 'allow')
  for (const { id, asks } of prompts.list(user('u1'))) prompts.cancel({ ...token, id: asks.id }, id)
  for (let turn = 0; turn < 30; turn++) {
    const each = { ...token, id: `token-${turn % 10}` }
    const mine = Array.from({ length: 20 }, () => prompts.open(each, asked).id)
    for (const id of mine) prompts.cancel(each, id)
  }
  for (const id of decided) expect(await prompts.wait(other, id, 0, alive())).toBe('allowed')
  prompts.open(key, asked)
  expect(prompts.list(user('u2', true))).toHaveLength(1)
  prompts.stop()
})

test('a program that withdraws all that it asks shuts no other out, and what waits keeps its place', async () => {
  const { prompts } = make({ perPrincipal: 2, inAll: 3 })
  const other = { ...token, id: 'token-t2' }
  const { id } = prompts.open(other, asked)
  for (let turn = 0; turn < 10; turn++) prompts.cancel(token, prompts.open(token, asked).id)
  expect(prompts.open(other, asked)).toMatchObject({ asks: { id: 'token-t2' } })
  prompts.decide(user('u1'), id, 'allow')
  for (let turn = 0; turn < 10; turn++) prompts.cancel(token, prompts.open(token, asked).id)
  // Its program has not received the decision yet.
  expect(await prompts.wait(other, id, 0, alive())).toBe('allowed')
  prompts.stop()
})
