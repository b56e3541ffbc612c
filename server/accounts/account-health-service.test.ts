/** What went wrong with an account: bounded, newest first, for callers that may see it; and an immediate retry. */

import { afterEach, expect, test, vi } from 'vitest'
import { maxRecentErrors } from '../../contract/account-health.ts'
import type { AccountInput } from '../../contract/accounts.ts'
import { accountsOn } from '../../test/support/accounts.ts'
import { administrator } from '../../test/support/administrator.ts'
import { memoryDatabase } from '../../test/support/databases.ts'
import type { Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import { AccountHealthService } from './account-health-service.ts'

const admin = administrator()
const server = { host: 'mail.example.com', port: 993, tls: 'implicit', user: 'ann', password: 'secret' } as const
const input: AccountInput = { email: 'ann@example.com', imap: server, enabled: true }
const noConnections = { watching: 0, open: 0, busy: 0, idle: 0, connecting: 0, waiting: 0, max: 0, server_limit: null }
const refused = new Problem('mail_server_unreachable', 'Nothing answers.', { fault: 'refused' })

afterEach(() => {
  vi.useRealTimers()
})

async function start() {
  const { accounts, health } = await accountsOn(await memoryDatabase())
  const { id, name } = await accounts.create(admin, input, { verify: false })
  return { accounts, health, account: { id, name }, service: new AccountHealthService({ accounts, health }) }
}

test('errors come newest first; the same error in a row is one with its count', async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.parse('2026-11-28T11:00:00.000Z') })
  const { service, health, account } = await start()
  health.noteProblem(account.id, refused)
  vi.setSystemTime(Date.parse('2026-11-28T11:01:00.000Z'))
  health.noteProblem(account.id, refused)
  health.noteProblem(account.id, new Problem('mail_server_timeout', 'Too slow.', { fault: 'timeout' }))
  expect(await service.listErrors(admin, account.id)).toMatchObject([
    { code: 'mail_server_timeout', cause: 'timeout', count: 1, at: '2026-11-28T11:01:00.000Z' },
    { code: 'mail_server_unreachable', count: 2, first_at: '2026-11-28T11:00:00.000Z', at: '2026-11-28T11:01:00.000Z' },
  ])
})

test('what is kept is bounded: the oldest errors go', async () => {
  const { service, health, account } = await start()
  for (let turn = 0; turn < maxRecentErrors + 5; turn++) {
    health.noteProblem(account.id, new Problem('mail_server_timeout', `Try ${turn}.`, { fault: 'timeout' }))
  }
  expect((await service.listErrors(admin, account.id)).map(({ detail }) => detail)).toEqual(
    Array.from({ length: maxRecentErrors }, (_, index) => `Try ${maxRecentErrors + 4 - index}.`),
  )
})

test('how few connections a mail server allows is said of the account, and nothing where it refused none', async () => {
  const { accounts, health, account } = await start()
  const note = async (server_limit: number | null) => {
    health.setConnections(account.id, { ...noConnections, server_limit })
    return (await accounts.get(admin, account.id)).note
  }
  expect(await note(1)).toContain('one connection')
  expect(await note(3)).toContain('3 connections')
  expect(await note(null)).toBeNull()
})

test('another try is asked for at once; not for a disabled account, and not by callers that may not see it', async () => {
  const { service, accounts, account } = await start()
  const asked: string[] = []
  accounts.onReconnect(id => asked.push(id))
  const stranger: Principal = { ...admin, accounts: new Set() }
  await expect(service.reconnect(stranger, account.id)).rejects.toMatchObject({ code: 'account_not_found' })
  await expect(service.listErrors(stranger, account.id)).rejects.toMatchObject({ code: 'account_not_found' })
  expect(asked).toEqual([])
  expect(await service.reconnect(admin, account.id)).toMatchObject({ id: account.id })
  expect(asked).toEqual([account.id])
  await accounts.update(admin, account.id, { enabled: false }, { verify: false })
  await expect(service.reconnect(admin, account.id)).rejects.toMatchObject({ code: 'account_disabled' })
  expect(asked).toEqual([account.id])
})

test('of what was removed nothing is kept', async () => {
  const { health, account } = await start()
  health.set(account, { state: 'ready' })
  health.noteProblem(account.id, refused)
  health.setConnections(account.id, { ...noConnections, open: 2 })
  const known = health.byAccount.get(account.id)
  expect([known?.state, known?.connections.open]).toEqual(['ready', 2])
  health.forget(account.id)
  expect(health.errorsOf(account.id)).toEqual([])
  expect(health.byAccount.get(account.id)).toBeUndefined()
  expect(health.get(account.id, true)).toMatchObject({ state: 'connecting', connections: { open: 0 } })
})
