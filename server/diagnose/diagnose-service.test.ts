/** What the service adds to looking at servers: whose rights count, what is not tried again, and what happens once at a time. */
import { expect, onTestFinished, test } from 'vitest'
import type { Account } from '../../contract/accounts.ts'
import { startSocketServer } from '../../test/support/socket-server.ts'
import type { LoginSource } from '../accounts/mail-login.ts'
import { ProtocolLog } from '../accounts/protocol-log.ts'
import { MemoryGateway } from '../imap/adapters/memory-gateway.ts'
import { revoked } from '../mail-oauth/grant-problems.ts'
import { OutboundGuard } from '../platform/network/outbound-guard.ts'
import type { Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import { DiagnoseService } from './diagnose-service.ts'

type Options = ConstructorParameters<typeof DiagnoseService>[0]

const principal = (scopes: string[], accounts: Principal['accounts'] = 'all') =>
  ({ kind: 'session', id: 'u', name: 'Ada', scopes: new Set(scopes), accounts }) as unknown as Principal
const operator = principal(['dashboard:read', 'dashboard:operate'])

async function world(more: Partial<Options> = {}) {
  const greeting = await startSocketServer(socket => {
    socket.write('* OK [CAPABILITY IMAP4rev1] ready\r\n')
    socket.on('data', chunk => {
      const [tag = ''] = String(chunk).split(' ')
      socket.write(`* CAPABILITY IMAP4rev1 AUTH=PLAIN AUTH=XOAUTH2\r\n${tag} OK done\r\n`)
    })
  })
  onTestFinished(() => greeting.stop())
  const server = { host: '127.0.0.1', port: greeting.port, tls: 'none', user: 'ann' } as const
  const account = {
    ...{
      id: 'a',
      name: 'Ann',
      email: 'ann@example.org',
      auth: { kind: 'password' },
      imap: server,
      smtp: null,
      enabled: true,
      state: 'ready',
    },
    ...{ state_since: '2026-11-29T08:00:00.000Z', updated_at: '1', created_at: '2026-11-01T08:00:00.000Z' },
    ...{ last_error: null, next_retry_at: null, last_mail_at: null, watched_folders: [] },
    connections: { open: 2, busy: 0, idle: 1, watching: 1, connecting: 0, waiting: 0, max: 3, server_limit: 2 },
  } as unknown as Account
  const listeners = new Map<string, (data: object) => void>()
  const gateway = new MemoryGateway()
  const login = { ...server, password: 'secret' }
  const grant = { kind: 'password' as 'password' | 'oauth', source: undefined as LoginSource | undefined }
  const known = () => ({ server, kind: grant.kind, source: grant.source ?? (async () => ({ ...login })) })
  const protocol = new ProtocolLog()
  const lent: string[] = []
  const kept = new Map<string, { revision: string; at: string }>()
  const diagnosing = new DiagnoseService({
    refusals: {
      find: async (id, part) => kept.get(`${id} ${part}`),
      keep: async (id, part, refusal) => void kept.set(`${id} ${part}`, refusal),
      forget: async (id, part) => void kept.delete(`${id} ${part}`),
    },
    accounts: { get: async () => ({ ...account }), servers: async () => ({ imap: known(), smtp: undefined }) },
    hub: {
      stateSigns: () => [],
      listen: ((type: string, listener: (data: object) => void) => {
        listeners.set(type, listener)
        return () => undefined
      }) as Options['hub']['listen'],
    },
    gateway,
    pool: {
      run: async (id, _priority, work, signal) => {
        lent.push(id)
        gateway.maxConnections = 1
        const connection = await gateway.connect(login, { timeoutMs: 1_000, signal })
        return work(connection)
      },
    },
    guard: new OutboundGuard({ privateNetworks: ['127.0.0.0/8'], trusted: [] }),
    protocol,
    smtp: async () => undefined,
    indexOf: async () => {
      throw new Problem('overloaded', 'The index is not available right now.')
    },
    timeoutMs: () => 10_000,
    frame: { version: '0.0.0', facts: [['Platform', 'test']] },
    ...more,
  })
  onTestFinished(() => diagnosing.stop())
  const loginOf = async (retryLogin = false) => {
    const made = await diagnosing.diagnose(operator, 'a', { retryLogin })
    return made.checks.find(({ id }) => id === 'login')
  }
  const tell = (type: string, data: object) => listeners.get(type)?.({ account_id: 'a', ...data })
  return { grant, server, diagnosing, gateway, account, login, protocol, lent, loginOf, tell }
}

test('a refused password is tried once, then not until somebody asks, the account changes, or it is connected again', async () => {
  const { gateway, account, login, loginOf } = await world()
  login.password = 'wrong'
  expect(await loginOf()).toMatchObject({ state: 'failed' })
  expect(await loginOf()).toMatchObject({ state: 'skipped', words: expect.stringContaining('lock the account') })
  expect(gateway.attempts).toBe(1)
  expect(await loginOf(true)).toMatchObject({ state: 'failed' })
  expect(gateway.attempts).toBe(2)
  account.state_since = new Date(Date.now() + 60_000).toISOString()
  await loginOf()
  expect(gateway.attempts).toBe(3)
  login.password = 'secret'
  account.updated_at = '2'
  expect(await loginOf()).toMatchObject({ state: 'ok' })
  // The watch has found out already.
  account.state = 'auth_failed'
  expect(await loginOf()).toMatchObject({ state: 'skipped' })
  expect(await loginOf(true)).toMatchObject({ state: 'ok' })
})

test('access that was revoked, or a provider that is away: all that needs no login is looked at, and the verdict says what to do', async () => {
  const { grant, account, diagnosing, gateway } = await world()
  grant.kind = 'oauth'
  Object.assign(account, {
    ...{ auth: { kind: 'oauth', provider: 'google', grant_id: 'g' }, state: 'auth_failed' },
    last_error: { cause: 'revoked', detail: 'Over.', server_response: null, at: '2026-11-29T08:00:00.000Z' },
  })
  grant.source = () => Promise.reject(revoked('The access was revoked or has expired.'))
  const made = await diagnosing.diagnose(operator, 'a', { retryLogin: true })
  const stateOf = (id: string) => made.checks.find(check => check.id === id && check.part === 'imap')?.state
  expect(['dns', 'port', 'greeting', 'login'].map(stateOf)).toEqual(['ok', 'ok', 'ok', 'failed'])
  const login = made.checks.find(({ id }) => id === 'login')
  expect(login).toMatchObject({ words: 'Access was revoked or has expired: sign in again.' })
  expect(made.checks.find(({ id }) => id === 'state')?.words).toContain('its access was revoked or has expired')
  expect(made.verdict).toBe('Reading mail (IMAP): Access was revoked or has expired: sign in again.')
  expect(made.advice[0]).toContain('Press Sign in again')
  expect(made.advice.join()).not.toMatch(/password/i)
  grant.source = () =>
    Promise.reject(new Problem('mail_server_unreachable', 'Google is away.', { fault: 'sign_in_provider' }))
  account.state = 'unreachable'
  account.last_error!.cause = 'sign_in_provider'
  const away = await diagnosing.diagnose(operator, 'a', { retryLogin: false })
  expect(away.checks.find(({ id }) => id === 'login')).toMatchObject({
    ...{ state: 'failed', words: 'There is no access token to log in with: Google is away.' },
  })
  expect(away.advice.join()).toContain('retries automatically')
  expect(gateway.attempts).toBe(0)
})

test('a rejected access token is refreshed once; no token of both is in the last lines', async () => {
  const { grant, server, account, protocol, loginOf, gateway } = await world()
  grant.kind = 'oauth'
  account.auth = { kind: 'oauth', provider: 'google', grant_id: 'g' }
  const asked: (string | undefined)[] = []
  grant.source = async rejected => {
    asked.push(rejected)
    return { ...server, accessToken: rejected === undefined ? 'stale-token' : 'secret' }
  }
  expect(await loginOf()).toMatchObject({ state: 'ok' })
  expect(asked).toEqual([undefined, 'stale-token'])
  grant.source = async () => ({ ...server, accessToken: 'stale-token' })
  expect(await loginOf()).toMatchObject({
    ...{ state: 'failed', words: 'The mail server rejects the access token of this account.' },
  })
  // It is remembered, as a password is.
  const attempts = gateway.attempts
  expect(await loginOf()).toMatchObject({
    state: 'skipped',
    words: expect.stringContaining('access token was refused'),
  })
  expect(gateway.attempts).toBe(attempts)
  expect(JSON.stringify(protocol.linesOf('a'))).not.toMatch(/stale-token|secret/)
})

test('where the server has room for no further connection, one that is open answers', async () => {
  const { gateway, lent, loginOf } = await world()
  gateway.maxConnections = 0
  expect(await loginOf()).toMatchObject({ state: 'ok' })
  expect(lent).toEqual(['a'])
})

test('two who ask at once get one diagnosis, and of too many at once the last are turned away', async () => {
  const { diagnosing, gateway } = await world()
  const ask = (id: string) => diagnosing.diagnose(operator, id, { retryLogin: false })
  const [one, other] = await Promise.all([ask('a'), ask('a')])
  expect(one).toBe(other)
  expect(gateway.attempts).toBe(1)
  const many = await Promise.allSettled(['b', 'c', 'd', 'e', 'f'].map(ask))
  const refused = many.filter(result => result.status === 'rejected')
  expect(refused.map(({ reason }) => (reason as Problem).code)).toEqual(['overloaded'])
})

test('stopping waits for what is under way, and then nothing begins', async () => {
  const { promise: asked, resolve: isAsked } = Promise.withResolvers<void>()
  const { grant, diagnosing } = await world()
  grant.source = async () => {
    isAsked()
    throw new Problem('mail_server_unreachable', 'Away.', { fault: 'sign_in_provider' })
  }
  const heard: string[] = []
  const made = diagnosing.diagnose(operator, 'a', { retryLogin: false }).then(
    () => heard.push('made'),
    () => heard.push('made'),
  )
  await asked
  const stopped = diagnosing.stop().then(() => heard.push('stopped'))
  await Promise.all([made, stopped])
  expect(heard).toEqual(['made', 'stopped'])
  await expect(diagnosing.diagnose(operator, 'a', { retryLogin: false })).rejects.toMatchObject({ code: 'overloaded' })
})

test('rights: other accounts are not there, and trying a refused password takes an operator', async () => {
  const { diagnosing } = await world()
  const ask = (who: Principal, retryLogin = false) => diagnosing.diagnose(who, 'a', { retryLogin })
  await expect(ask(principal(['dashboard:read'], new Set(['other'])))).rejects.toMatchObject({
    code: 'account_not_found',
  })
  await expect(ask(principal(['dashboard:read']), true)).rejects.toMatchObject({ code: 'forbidden' })
  expect((await ask(principal(['dashboard:read']))).state).toBe('warning')
})

test('a report is of the last diagnosis, while that is recent and the account as it was', async () => {
  let now = Date.parse('2026-11-29T09:00:00.000Z')
  const { diagnosing, gateway, protocol, tell } = await world({ now: () => now })
  await diagnosing.report(operator, 'a')
  const { text, file_name } = await diagnosing.report(operator, 'a')
  expect(file_name).toBe('rustymail-diagnosis-2026-11-29-09-00.txt')
  expect(text).not.toMatch(/\bann\b|example\.org/i)
  expect(gateway.attempts).toBe(1)
  now += 11 * 60_000
  await diagnosing.report(operator, 'a')
  expect(gateway.attempts).toBe(2)
  tell('account_updated', { changed: [] })
  await diagnosing.report(operator, 'a')
  expect(gateway.attempts).toBe(3)
  expect(protocol.linesOf('a').length).toBeGreaterThan(0)
  tell('account_removed', {})
  expect(protocol.linesOf('a')).toEqual([])
})
