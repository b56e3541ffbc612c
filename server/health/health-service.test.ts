/** Readiness tells the database and the accounts apart. */
import { expect, test } from 'vitest'
import { accountsOn } from '../../test/support/accounts.ts'
import { memoryDatabase } from '../../test/support/databases.ts'
import { anonymous, type Principal, scopeSet } from '../platform/principal.ts'
import { HealthService } from './health-service.ts'

const viewer: Principal = { ...anonymous, kind: 'session', scopes: scopeSet(['dashboard:read']), accounts: 'all' }

const server = { host: 'mail.example.com', port: 993, tls: 'implicit', user: 'ann', password: 'x' } as const

async function service(
  pingDatabase: () => Promise<void> = async () => undefined,
  isDraining = false,
  unwritable?: string,
) {
  const { accounts, health } = await accountsOn(await memoryDatabase())
  const clock = { now: 0 }
  const storage = { fault: async () => unwritable }
  const check = new HealthService({
    accounts,
    pingDatabase,
    storage,
    isDraining: () => isDraining,
    now: () => clock.now,
  })
  return { accounts, health, check, clock }
}

test('an empty installation is ready', async () => {
  const { check } = await service()
  expect(await check.readiness(viewer)).toMatchObject({
    status: 'ready',
    parts: { database: { ok: true }, accounts: { ok: true, total: 0 } },
  })
})

test('an account that is not ready makes it degraded, a disabled one does not', async () => {
  const { check, accounts, health, clock } = await service()
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
  for (const [who, told] of [
    ['who may see another account', { ok: true, detail: 'no account is connected yet', ready: 0, total: 0 }],
    ['nobody', { ok: null, detail: 'requires dashboard:read', ready: null, total: null }],
  ] as const) {
    const principal = who === 'nobody' ? anonymous : { ...viewer, accounts: new Set(['another']) }
    const { status, parts } = await check.readiness(principal)
    expect([who, status, parts.accounts]).toEqual([who, 'ready', told])
  }
  health.set(account, { state: 'ready' })
  clock.now += 1_000
  expect(await check.readiness(viewer)).toMatchObject({
    status: 'ready',
    parts: { accounts: { ok: true, ready: 1, total: 1 } },
  })
})

test('a database that answers and takes no writes is not ready, in words, and accounts are told all the same', async () => {
  const { check } = await service(undefined, false, 'cannot be written: the disk is full')
  expect(await check.readiness(viewer)).toEqual({
    status: 'not_ready',
    parts: {
      database: { ok: false, detail: 'cannot be written: the disk is full' },
      accounts: { ok: true, detail: 'no account is connected yet', ready: 0, total: 0 },
    },
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

test('a thousand who ask at once, and who ask within a second, cost the database one look', async () => {
  let pings = 0
  const answer = Promise.withResolvers<void>()
  const { check, clock } = await service(() => {
    pings++
    return answer.promise
  })
  const asked = Array.from({ length: 1_000 }, () => check.readiness(anonymous))
  // The check takes this long.
  clock.now += 1_500
  asked.push(check.readiness(viewer))
  answer.resolve()
  expect(new Set((await Promise.all(asked)).map(({ status }) => status))).toEqual(new Set(['ready']))
  clock.now += 999
  await check.readiness(anonymous)
  expect(pings).toBe(1)
  clock.now += 1
  await check.readiness(anonymous)
  expect(pings).toBe(2)
})
