/** Readiness tells the database and the accounts apart. */
import { expect, test } from 'vitest'
import { accountsOn } from '../../test/support/accounts.ts'
import { memoryDatabase } from '../../test/support/databases.ts'
import { anonymous, type Principal, scopeSet } from '../platform/principal.ts'
import { HealthService } from './health-service.ts'

const viewer: Principal = { ...anonymous, kind: 'session', scopes: scopeSet(['dashboard:read']) }

const server = { host: 'mail.example.com', port: 993, tls: 'implicit', user: 'ann', password: 'x' } as const

async function service(pingDatabase: () => Promise<void> = async () => undefined, isDraining = false) {
  const { accounts, health } = await accountsOn(await memoryDatabase())
  return { accounts, health, check: new HealthService({ accounts, pingDatabase, isDraining: () => isDraining }) }
}

test('an empty installation is ready', async () => {
  const { check } = await service()
  expect(await check.readiness(viewer)).toMatchObject({
    status: 'ready',
    parts: { database: { ok: true }, accounts: { ok: true, total: 0 } },
  })
})

test('an account that is not ready makes it degraded, a disabled one does not', async () => {
  const { check, accounts, health } = await service()
  const account = await accounts.add({ email: 'ann@example.com', imap: server, enabled: true }, { isSandbox: false })
  await accounts.add(
    { email: 'bob@example.com', imap: { ...server, user: 'bob' }, enabled: false },
    { isSandbox: false },
  )
  health.set(account, { state: 'auth_failed' })
  expect(await check.readiness(viewer)).toMatchObject({
    status: 'degraded',
    parts: { accounts: { ok: false, ready: 0, total: 1 } },
  })
  expect(await check.readiness(anonymous)).toMatchObject({
    status: 'degraded',
    parts: { accounts: { ok: false, detail: 'not all are ready', ready: null, total: null } },
  })
  health.set(account, { state: 'ready' })
  expect(await check.readiness(viewer)).toMatchObject({
    status: 'ready',
    parts: { accounts: { ok: true, ready: 1, total: 1 } },
  })
})

test('a database that fails, or a server that stops, is not ready', async () => {
  const broken = await service(() => Promise.reject(new Error('gone')))
  expect(await broken.check.readiness(viewer)).toMatchObject({
    status: 'not_ready',
    parts: { database: { ok: false } },
  })
  const stopping = await service(undefined, true)
  expect(await stopping.check.readiness(viewer)).toMatchObject({
    status: 'not_ready',
    parts: { database: { ok: true } },
  })
})
