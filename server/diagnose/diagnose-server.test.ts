/** Real servers, each with one fault: what a diagnosis says of it. */
import { once } from 'node:events'
import { createServer as createWeb } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { connect as connectTls, createServer as createTls, type TLSSocket, type TlsOptions } from 'node:tls'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { Authority, type KeyPair } from '../../test/support/certificates.ts'
import { type Dovecot, startDovecot } from '../../test/support/dovecot.ts'
import { freePorts } from '../../test/support/free-port.ts'
import { available } from '../../test/support/require.ts'
import { SmtpSink } from '../../test/support/smtp-sink.ts'
import { startSocketServer } from '../../test/support/socket-server.ts'
import { tempDir } from '../../test/support/temp-dir.ts'
import type { PasswordLogin } from '../accounts/mail-login.ts'
import { ImapFlowGateway } from '../imap/adapters/imapflow-gateway.ts'
import { checkSmtp } from '../outbox/smtp-check.ts'
import { OutboundGuard } from '../platform/network/outbound-guard.ts'
import { Problem } from '../platform/problem.ts'
import type { Check } from './check.ts'
import { clockCheck } from './clock-check.ts'
import { diagnoseServer, type ServerToDiagnose } from './diagnose-server.ts'
import { inspect } from './diagnose-service.ts'
import { mailboxChecks } from './mailbox-checks.ts'
import { tlsFinding } from './tls-finding.ts'
import { verdictOf } from './verdict.ts'

/** Names under `.test` are on this machine, and certificates are checked there. */
const guard = new OutboundGuard({
  privateNetworks: ['127.0.0.0/8'],
  trusted: [],
  resolve: async host => {
    if (host === 'silent-dns.test') return new Promise(() => undefined)
    if (host === 'inner.test') return [{ address: '10.1.2.3', family: 4 }]
    if (host.endsWith('.test')) return [{ address: '127.0.0.1', family: 4 }]
    throw Object.assign(new Error(`getaddrinfo ENOTFOUND ${host}`), { code: 'ENOTFOUND' })
  },
})
const gateway = new ImapFlowGateway({ guard })

async function diagnose(
  part: 'imap' | 'smtp',
  login: Partial<PasswordLogin>,
  more: Partial<ServerToDiagnose> = {},
  stepMs = 5_000,
) {
  const said: string[] = []
  const whole = {
    host: 'mail.test',
    port: 1,
    tls: 'none',
    user: 'alice@test.local',
    password: 'pw-alice',
    ...login,
  } as const
  const seen = await diagnoseServer(
    { part, login: whole, ...more },
    {
      guard,
      stepMs,
      now: Date.now,
      onLine: () => (from, line) => said.push(`${from} ${line}`),
      logInToImap: (given, timeoutMs, signal) => inspect(gateway, given, { timeoutMs, signal }),
      logInToSmtp: (given, timeoutMs) => checkSmtp(given, timeoutMs, guard),
    },
    AbortSignal.timeout(60_000),
  )
  const of = (id: Check['id']) => seen.checks.find(check => check.id === id)
  return { ...seen, of, said, ...verdictOf(seen.checks) }
}

const place = { host: 'mail.test', port: 1, tls: 'none', user: 'alice@test.local' } as const

const detailOf = (check: Check | undefined, name: string) => check?.details.find(detail => detail.name === name)?.value

describe.skipIf(!available('dovecot'))('at Dovecot', () => {
  let dovecot: Dovecot
  beforeAll(async () => {
    dovecot = await startDovecot({ quotaKib: 40 })
  })
  afterAll(() => dovecot.stop())
  const login = (more: Partial<PasswordLogin> = {}) => ({ host: '127.0.0.1', port: dovecot.imapPort, ...more })

  test('a healthy account passes every step, with its folders, extensions and quota', async () => {
    const { checks, of, verdict, isIn, said } = await diagnose(
      'imap',
      login({ port: dovecot.imapsPort, tls: 'implicit' }),
    )
    expect(checks.map(({ id, state }) => `${id} ${state}`)).toEqual([
      ...['dns ok', 'port ok', 'tls ok', 'greeting ok', 'login_methods ok', 'login ok', 'quota ok', 'folders ok'],
      'capabilities ok',
    ])
    expect({ verdict, isIn }).toEqual({ verdict: 'Everything works.', isIn: true })
    expect(of('tls')).toMatchObject({ words: expect.stringContaining('self-signed') })
    expect(detailOf(of('tls'), 'Protocol')).toBe('TLSv1.3')
    expect(detailOf(of('folders'), 'sent')).toBe('Sent')
    expect(detailOf(of('capabilities'), 'IDLE')).toBe('yes')
    expect(detailOf(of('capabilities'), 'OBJECTID')).toContain('no: ')
    expect(said).toContain('client d1 CAPABILITY')
    expect(said.join()).not.toContain('pw-alice')
    const starttls = await diagnose('imap', login({ tls: 'starttls' }))
    expect(starttls.checks.map(({ id }) => id).slice(2, 6)).toEqual(['greeting', 'starttls', 'tls', 'login_methods'])
    expect(starttls.verdict).toBe('Everything works.')
  })

  test('a mailbox that is nearly full is a warning, and one that is full a fault', async () => {
    const filled = (kib: number) =>
      `Subject: large\n\n${'x'
        .repeat(76)
        .concat('\n')
        .repeat((kib * 1024) / 77)}`
    await dovecot.appendMessage('bob@test.local', filled(37))
    const bob = { user: 'bob@test.local', password: 'pw-bob' }
    const nearly = await diagnose('imap', login(bob))
    expect(nearly.of('quota')).toMatchObject({ state: 'warning', words: expect.stringMatching(/nearly full: 9\d %/) })
    expect(nearly).toMatchObject({ state: 'warning', advice: [expect.stringContaining('Delete')] })
    const [full] = mailboxChecks({
      ...nearly.facts!,
      quota: { bytes: { used: 40_960, limit: 40_960 }, messages: undefined },
    })
    expect(full).toMatchObject({ state: 'failed', words: expect.stringContaining('full: 100 %') })
  })

  test('a wrong password is told as that, once, with what the server said', async () => {
    const refused = await diagnose('imap', login({ password: 'not-it' }))
    expect(refused.of('login')).toMatchObject({
      state: 'failed',
      words: expect.stringContaining('password is refused'),
    })
    expect(detailOf(refused.of('login'), 'The server said')).toContain('AUTHENTICATIONFAILED')
    expect(refused.verdict).toMatch(/^Reading mail \(IMAP\): The password is refused/)
    expect(refused.refused).toBeDefined()
    expect(JSON.stringify(refused.checks)).not.toContain('not-it')
    const whyNoLogin = 'Not tried: it was refused.'
    const again = await diagnose('imap', login(), { whyNoLogin })
    expect(again.of('login')).toMatchObject({ state: 'skipped', words: whyNoLogin })
    expect(again).toMatchObject({ isIn: false, facts: undefined })
  })

  test('the TLS port with STARTTLS, and the plain port with implicit TLS', async () => {
    const waits = await diagnose('imap', login({ port: dovecot.imapsPort, tls: 'starttls' }), {}, 1_000)
    expect(waits.of('greeting')?.words).toContain('waits for TLS from the first byte')
    const plain = await diagnose('imap', login({ tls: 'implicit' }))
    expect(plain.of('tls')).toMatchObject({ state: 'failed', words: expect.stringContaining('does not use TLS') })
    expect(plain.of('login')).toMatchObject({
      state: 'skipped',
      words: expect.stringContaining('no password was sent'),
    })
  })
})

describe('certificates', () => {
  const dir = tempDir('certificates')
  const authority = new Authority(dir.path)
  afterAll(() => dir.remove())

  test.each([
    [
      'expired',
      { name: 'mail.test', from: '20200101000000Z', to: '20200301000000Z' },
      /expired \d{4} days ago/,
      'renew',
    ],
    [
      'from tomorrow on',
      { name: 'mail.test', from: '20990101000000Z', to: '20990301000000Z' },
      /not valid yet/,
      'slow',
    ],
    ['for another name', { name: 'other.test' }, /not for mail\.test, but for other\.test/, 'other.test'],
    ['self-signed', { name: 'mail.test', isSelfSigned: true }, /self-signed/, 'NODE_EXTRA_CA_CERTS'],
    ['of an unknown issuer', { name: 'mail.test' }, /chain is incomplete.*Test Authority/, 'whole chain'],
  ])('one that is %s is named, and no password is sent', async (_what, wanted, words, advice) => {
    const heard: string[] = []
    const port = await tlsServer(authority.issue(wanted), socket => {
      socket.write('* OK ready\r\n')
      socket.on('data', chunk => heard.push(String(chunk)))
    })
    for (const part of ['imap', 'smtp'] as const) {
      const seen = await diagnose(part, { port, tls: 'implicit' })
      expect(seen.of('tls')).toMatchObject({ state: 'failed', words: expect.stringMatching(words) })
      expect(seen.advice.join()).toContain(advice)
      expect(seen.of('login')).toMatchObject({
        state: 'skipped',
        words: expect.stringContaining('no password was sent'),
      })
      expect(detailOf(seen.of('tls'), 'Name asked for (SNI)')).toBe('mail.test')
      expect(clockCheck([seen], Date.now()).state).toBe(advice === 'slow' ? 'warning' : 'skipped')
    }
    expect(heard).toEqual([])
  })

  test('one that is sent with its authority, which is unknown here, names the authority', async () => {
    const { cert, key } = authority.issue({ name: 'mail.test' })
    const port = await tlsServer({ cert: Buffer.concat([cert, authority.certificate]), key }, () => undefined)
    const { of } = await diagnose('imap', { port, tls: 'implicit' })
    expect(of('tls')?.words).toContain('issued by Test Authority, which is not a known authority')
    expect(detailOf(of('tls'), 'Certificate 2')).toContain('Test Authority')
  })

  test('a good one is good, and one that ends soon is a warning', async () => {
    const port = await tlsServer(authority.issue({ name: 'mail.test' }), () => undefined)
    const socket = connectTls({
      port,
      host: '127.0.0.1',
      servername: 'mail.test',
      ca: authority.certificate,
      rejectUnauthorized: false,
    })
    onTestFinished(() => void socket.destroy())
    await once(socket, 'secureConnect')
    const at = (days: number) => tlsFinding(socket, 'imap', 'mail.test', Date.now() + days * 86_400_000).finding
    expect(at(0)).toMatchObject({ state: 'ok', words: expect.stringContaining('valid for mail.test') })
    expect(at(80)).toMatchObject({ state: 'warning', words: expect.stringMatching(/expires in \d days/) })
    expect(at(91)).toMatchObject({ state: 'failed', words: expect.stringContaining('expired') })
  })
})

test('names: one that does not exist, one on a private network, and a name server that is silent', async () => {
  const unknown = await diagnose('imap', { host: 'imap.nowhere.invalid', tls: 'implicit' })
  expect(unknown.verdict).toBe('Reading mail (IMAP): There is no server named imap.nowhere.invalid.')
  expect(unknown.checks.slice(1).every(({ state }) => state === 'skipped')).toBe(true)
  const inner = await diagnose('imap', { host: 'inner.test' })
  expect(inner.of('dns')).toMatchObject({ state: 'failed', words: expect.stringContaining('private network') })
  expect(detailOf(inner.of('dns'), 'A')).toBe('10.1.2.3, on a private network, not allowed')
  const silent = await diagnose('smtp', { host: 'silent-dns.test' }, {}, 50)
  expect(silent.of('dns')?.words).toContain('did not answer in time')
})

test('ports: one that is closed, and one that takes connections and says nothing', async () => {
  const [closed = 0] = await freePorts(1)
  const refused = await diagnose('imap', { port: closed })
  expect(refused.of('port')).toMatchObject({ state: 'failed', words: expect.stringContaining('refused') })
  expect(refused.advice[0]).toContain('993')
  const hanging = await startSocketServer(() => undefined)
  onTestFinished(() => hanging.stop())
  for (const tls of ['none', 'starttls', 'implicit'] as const) {
    const hung = await diagnose('smtp', { port: hanging.port, tls }, {}, 100)
    const id = tls === 'implicit' ? 'tls' : 'greeting'
    expect(hung.of(id), tls).toMatchObject({
      state: 'failed',
      words: expect.stringMatching(/says nothing|did not end in time/),
    })
  }
})

test('a server that lets in once, and no second time, has not passed', async () => {
  const server = await startSocketServer(() => void server.stop())
  const seen = await diagnose('imap', { port: server.port })
  expect(seen.checks.map(({ id, state }) => `${id} ${state}`).slice(0, 4)).toEqual([
    ...['dns ok', 'port ok', 'greeting failed', 'starttls skipped'],
  ])
  expect(seen).toMatchObject({ state: 'failed', isIn: false })
})

test('what is not a mail server is named by what it looks like', async () => {
  const web = createWeb((_request, response) => response.end('hello')).listen(0, '127.0.0.1')
  await once(web, 'listening')
  onTestFinished(() => {
    web.closeAllConnections()
    web.close()
  })
  const http = await diagnose('imap', { port: (web.address() as AddressInfo).port }, {}, 1_000)
  expect(http.of('greeting')?.words).toContain('looks like a web server (HTTP)')
  for (const [part, greeting, what] of [
    ['imap', '+OK POP3 ready', 'a POP3 server'],
    ['imap', '220 mx.test ESMTP', 'an SMTP server'],
    ['smtp', '* OK IMAP4rev1 ready', 'an IMAP server'],
    ['smtp', '220 ProFTPD FTP server', 'an FTP server'],
    ['imap', 'SSH-2.0-OpenSSH_9', 'an SSH server'],
    ['imap', 'moin', 'is not known'],
  ] as const) {
    const { port } = await scripted(socket => socket.write(`${greeting}\r\n`))
    const seen = await diagnose(part, { port })
    expect(seen.of('greeting'), greeting).toMatchObject({ state: 'failed', words: expect.stringContaining(what) })
  }
  const { port } = await scripted(socket => socket.end('* BYE too many connections\r\n'))
  expect((await diagnose('imap', { port })).verdict).toContain('turns connections away. It said: * BYE too many')
})

test('IMAP without STARTTLS, and with logins disabled', async () => {
  const { port, heard } = await imapServer('IMAP4rev1 LOGINDISABLED')
  const missing = await diagnose('imap', { port, tls: 'starttls' })
  expect(missing.of('starttls')).toMatchObject({
    state: 'failed',
    words: expect.stringContaining('does not offer STARTTLS'),
  })
  expect(missing.of('login')?.state).toBe('skipped')
  const disabled = await diagnose('imap', { port, host: 'localhost.test' })
  expect(disabled.of('login_methods')).toMatchObject({
    state: 'failed',
    words: expect.stringContaining('LOGINDISABLED'),
  })
  expect(heard.join('')).not.toContain('pw-alice')
  const oauth = await imapServer('IMAP4rev1 AUTH=XOAUTH2 AUTH=OAUTHBEARER LOGINDISABLED STARTTLS')
  const only = await diagnose('imap', { port: oauth.port })
  expect(detailOf(only.of('login_methods'), 'Login methods')).toBe('XOAUTH2, OAUTHBEARER')
})

test('login methods of an account that signs in by OAuth2: tokens are wanted, and passwords are of no use', async () => {
  const token = { login: { ...place, accessToken: 'ya29.token' } }
  const takes = await imapServer('IMAP4rev1 AUTH=XOAUTH2 LOGINDISABLED')
  const by = (port: number) => ({ login: { ...token.login, port } })
  expect((await diagnose('imap', {}, by(takes.port))).of('login_methods')).toMatchObject({
    ...{ state: 'ok', words: expect.stringContaining('access tokens') },
  })
  const plain = await imapServer('IMAP4rev1 AUTH=PLAIN')
  const without = await diagnose('imap', {}, by(plain.port))
  expect(without.of('login_methods')).toMatchObject({ state: 'failed', words: expect.stringContaining('XOAUTH2') })
  expect(plain.heard.join('')).not.toContain('ya29')
  const sink = new SmtpSink({
    onCommand: line => (/^EHLO/i.test(line) ? '250-sink.test\r\n250 AUTH XOAUTH2' : undefined),
  })
  onTestFinished(() => sink.stop())
  const port = await sink.start()
  expect((await diagnose('smtp', {}, by(port))).of('login_methods')?.state).toBe('ok')
  const password = await diagnose('smtp', { port })
  expect(password.of('login_methods')).toMatchObject({
    state: 'warning',
    words: expect.stringContaining('only OAuth2'),
  })
  expect(password.advice).toContainEqual(expect.stringContaining('Sign in at the provider'))
  // Known facts about the access are reported even if the server is unreachable.
  const [closed] = await freePorts(1)
  const why = new Problem('mail_login_refused', 'It is over.', { fault: 'revoked' })
  const revoked = await diagnose('imap', {}, { login: { ...place, port: closed!, why } })
  expect(revoked.of('port')?.state).toBe('failed')
  expect(revoked.of('login')).toMatchObject({ state: 'failed', words: expect.stringContaining('sign in again') })
  const elsewhere = await diagnose('imap', {}, { login: { ...place, port: takes.port, why: 'Not from here.' } })
  expect(elsewhere.of('login')).toMatchObject({ state: 'skipped', words: 'Not from here.' })
})

test('SMTP: one that works, one that refuses the login, and one whose clock is wrong', async () => {
  const sink = new SmtpSink({ password: 'pw-alice', extensions: ['SIZE 10485760', '8BITMIME'] })
  onTestFinished(() => sink.stop())
  await sink.start()
  const works = await diagnose('smtp', { port: sink.port })
  expect(works).toMatchObject({ state: 'ok', isIn: true })
  expect(detailOf(works.of('login_methods'), 'Largest message')).toBe('10 MiB')
  const refused = await diagnose('smtp', { port: sink.port, password: 'wrong', host: 'smtp.test' })
  expect(refused.verdict).toMatch(/^Sending mail \(SMTP\): The password is refused/)
  expect(detailOf(refused.of('login'), 'The server said')).toMatch(/^535/)
  expect(sink.commands.filter(line => line.startsWith('AUTH'))).toHaveLength(2)
  sink.script = { ...sink.script, greeting: () => '220-mx.test ESMTP Exim 4.96\r\n220 Sat, 28 Nov 2020 10:00:00 +0000' }
  const wrong = clockCheck([await diagnose('smtp', { port: sink.port })], Date.now())
  expect(wrong).toMatchObject({ state: 'warning', words: expect.stringContaining('minutes apart') })
})

test('a server that talks without end is left, and everything ends when the time is over', async () => {
  const { port } = await scripted(socket => socket.write('* OK ready\r\n') && socket.write('* '.padEnd(200_000, 'x')))
  const flooded = await diagnose('imap', { port }, {}, 1_000)
  expect(flooded.state).toBe('failed')
  const hanging = await scripted(socket => socket.write('* OK ready\r\n'))
  const over = new AbortController()
  const options = { guard, stepMs: 3_600_000, now: Date.now }
  const never = () => new Promise<never>(() => undefined)
  const ending = diagnoseServer(
    { part: 'imap', login: { host: 'mail.test', port: hanging.port, tls: 'none', user: 'a', password: 'b' } },
    { ...options, logInToImap: never, logInToSmtp: never, onLine: () => () => over.abort() },
    over.signal,
  )
  expect(verdictOf((await ending).checks)).toMatchObject({ state: 'failed' })
})

async function tlsServer(pair: KeyPair & TlsOptions, serve: (socket: TLSSocket) => void): Promise<number> {
  const sockets = new Set<Socket>()
  const server = createTls(pair, socket => {
    sockets.add(socket.on('error', () => undefined))
    serve(socket)
  }).listen(0, '127.0.0.1')
  server.on('tlsClientError', () => undefined)
  await once(server, 'listening')
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise(resolve => server.close(resolve))
  })
  return (server.address() as AddressInfo).port
}

async function scripted(serve: (socket: Socket) => void) {
  const server = await startSocketServer(serve)
  onTestFinished(() => server.stop())
  return server
}

/** Answers everything with its capabilities. */
async function imapServer(capabilities: string) {
  const heard: string[] = []
  const { port } = await scripted(socket => {
    socket.write('* OK ready\r\n')
    socket.on('data', chunk => {
      heard.push(String(chunk))
      for (const line of String(chunk).split('\r\n').filter(Boolean)) {
        const [tag, command] = line.split(' ')
        if (command === 'CAPABILITY') socket.write(`* CAPABILITY ${capabilities}\r\n${tag} OK done\r\n`)
        else socket.write(`${tag} NO not here\r\n`)
      }
    })
  })
  return { port, heard }
}
