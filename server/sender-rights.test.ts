/** Who handed in a message may send it as long as they could hand it in again: each way in which that ends. */
import { expect, test } from 'vitest'
import { minute, setUp } from '../test/support/tokens-on.ts'
import { SessionStore } from './access/session-store.ts'
import type { Sender } from './approvals/sender-state.ts'
import { deciderOf, senderRights } from './sender-rights.ts'

test('a token that was revoked, narrowed, or has expired, or whose owner was, may not send any more', async () => {
  const { tokens, clock, signIn, become, db } = await setUp()
  const ann = await signIn('ann', 'administrator', 'all')
  await signIn('root', 'administrator', 'all')
  const maySend = senderRights({ db, hasApiKey: false, now: () => clock.now })
  const expires_at = new Date(clock.now + 60 * minute).toISOString()
  const make = async (more = {}) => {
    const input = { name: 'Bot', scopes: ['mail:send' as const], accounts: ['a', 'b'], allowed_addresses: [] }
    return (await tokens.create(ann, { ...input, expires_at: null, ...more })).info.id
  }
  const senderOf = (id: string, account_id = 'a'): Sender => ({
    ...{ principal_kind: 'token', principal_id: `token-${id}`, user_id: 'ann', account_id },
  })
  const [kept, revoked, noScope, noAccount, expiring] = [
    ...[await make(), await make(), await make(), await make(), await make({ expires_at })],
  ] as [string, string, string, string, string]
  const all = [kept, revoked, noScope, noAccount, expiring]
  const mayAll = () => Promise.all(all.map(id => maySend(senderOf(id))))
  expect(await mayAll()).toEqual([true, true, true, true, true])
  expect(await maySend(senderOf(kept, 'c'))).toBe(false)
  await tokens.revoke(ann, revoked)
  await tokens.change(ann, noScope, { scopes: ['mail:draft'] })
  await tokens.change(ann, noAccount, { accounts: ['b'] })
  clock.now += 60 * minute
  expect(await mayAll()).toEqual([true, false, false, false, false])
  expect(await maySend(senderOf(noAccount, 'b'))).toBe(true)
  const own: Sender = { principal_kind: 'session', principal_id: 'session-x', user_id: 'ann', account_id: 'a' }
  expect(await maySend(own)).toBe(true)
  await become('ann', { role: 'operator', accounts: 'all', disabled: false })
  expect([await maySend(senderOf(kept)), await maySend(own)]).toEqual([false, false])
  await become('ann', { role: 'administrator', accounts: 'all', disabled: true })
  expect([await maySend(senderOf(kept)), await maySend(own)]).toEqual([false, false])
  await become('ann', { role: 'administrator', accounts: 'all', disabled: false })
  expect([await maySend(senderOf(kept)), await maySend(own)]).toEqual([true, true])
  expect(await maySend({ ...own, user_id: 'gone' })).toBe(false)
})

test('who decides has the rights of now, and none once the session or the user has ended', async () => {
  const { signIn, become, db } = await setUp()
  const sessions = new SessionStore(db)
  const ann = { ...(await signIn('ann', 'administrator', 'all')), id: 'session-s1' }
  const at = new Date().toISOString()
  const times = { created_at: at, last_seen_at: at, expires_at: '2099-01-01T00:00:00.000Z' }
  const from = { ip_address: '192.0.2.1', user_agent: 'test' }
  await sessions.insert({ id: 's1', token_hash: 'x', user_id: 'ann', method: 'password', ...from, ...times })
  const find = deciderOf(db)
  const mayNow = async () => (await find(ann))?.scopes.has('mail:send')
  expect(await mayNow()).toBe(true)
  await become('ann', { role: 'operator', accounts: ['b'], disabled: false })
  expect([await mayNow(), (await find(ann))?.accounts]).toEqual([false, new Set(['b'])])
  await become('ann', { role: 'administrator', accounts: 'all', disabled: true })
  expect(await find(ann)).toBe(undefined)
  await become('ann', { role: 'administrator', accounts: 'all', disabled: false })
  expect(await mayNow()).toBe(true)
  await sessions.delete('s1')
  expect(await find(ann)).toBe(undefined)
})

test('the API key may send while the environment has one', async () => {
  const { db } = await setUp()
  const key: Sender = { principal_kind: 'api_key', principal_id: 'api-key', user_id: null, account_id: 'a' }
  const may = (hasApiKey: boolean) => senderRights({ db, hasApiKey, now: Date.now })(key)
  expect([await may(true), await may(false)]).toEqual([true, false])
})
