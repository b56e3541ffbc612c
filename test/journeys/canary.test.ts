/** Every secret is planted as a distinct word, and searched for in all output, and in the database on disk. */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { join } from 'node:path'
import { TOTP } from 'otpauth'
import { expect, onTestFinished, test } from 'vitest'
import { api } from '../../contract/index.ts'
import { SandboxServer } from '../../sandbox/sandbox-server.ts'
import { AuditChain } from '../../server/audit/audit-chain.ts'
import { SecretBox } from '../../server/platform/secret-box.ts'
import { plantInServices, serviceParrot } from '../support/canary-services.ts'
import { ModelStandIn } from '../support/model-stand-in.ts'
import { openStream } from '../support/open-stream.ts'
import { runCommand } from '../support/run-command.ts'
import { startRustyMail } from '../support/rustymail.ts'
import { startSocketServer } from '../support/socket-server.ts'

interface Heard {
  where: string
  text: string
}

/** Returns the secrets that one response shows, this once. */
type Shows = (json: Record<string, unknown>, cookie: string) => Record<string, string>

const word = () => `canary${randomBytes(12).toString('hex')}`
/** Two words beside it, so that it is no common password. */
const password = () => `${word()} quiet lamps`

/** Encodings in which a program might write it without knowing that it is a secret. */
function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret)
  // Inside a longer text base64 has other boundaries: only the certain middle is searched for.
  const inside = [0, 1, 2].map(shift =>
    Buffer.concat([Buffer.alloc(shift), bytes])
      .toString('base64')
      .slice(shift === 0 ? 0 : 4, -4),
  )
  const forms = [secret, secret.replaceAll('-', ''), encodeURIComponent(secret), secret.replaceAll(' ', '+')]
  return [...new Set([...forms, bytes.toString('hex'), ...inside])]
}

/** Mail servers that echo everything they were sent. */
async function parrots() {
  const linesOf = (socket: Socket, answer: (line: string) => void) => {
    let text = ''
    socket.on('data', chunk => {
      text += chunk.toString()
      const lines = text.split('\r\n')
      text = lines.pop()!
      for (const line of lines) answer(line)
    })
  }
  const imap = (capabilities: string) =>
    startSocketServer(socket => {
      socket.write(`* OK [CAPABILITY IMAP4rev1 ${capabilities}] ready\r\n`)
      let asked = ''
      linesOf(socket, line => {
        const [tag = '', command = ''] = line.split(' ')
        if (/^capability$/i.test(command)) {
          socket.write(`* CAPABILITY IMAP4rev1 ${capabilities}\r\n${tag} OK done\r\n`)
        } else if (/^authenticate plain$/i.test(line.slice(tag.length + 1))) {
          asked = tag
          socket.write('+ \r\n')
        } else if (command === '') {
          const blob = Buffer.from(line, 'base64').toString().replaceAll('\0', ' ')
          socket.write(`${asked} NO [AUTHENTICATIONFAILED] wrong: ${line} that is ${blob}\r\n`)
        } else socket.write(`${tag} NO [AUTHENTICATIONFAILED] wrong: ${line.slice(tag.length + 1)}\r\n`)
      })
    })
  const smtp = startSocketServer(socket => {
    socket.write('220 here\r\n')
    linesOf(socket, line => {
      if (/^ehlo/i.test(line)) socket.write('250-here\r\n250 AUTH PLAIN LOGIN\r\n')
      else socket.write(`535 5.7.8 wrong: ${line}\r\n`)
    })
  })
  const imaps = ['', ...Array(3).fill('AUTH=PLAIN'), ...Array(3).fill('AUTH=PLAIN SASL-IR')].map(imap)
  const all = await Promise.all([...imaps, smtp])
  onTestFinished(async () => void (await Promise.all(all.map(server => server.stop()))))
  return { imapPorts: all.slice(0, -1).map(({ port }) => port), smtpPort: all.at(-1)!.port }
}

/** A provider whose errors echo everything it was sent. */
async function oidcParrot(): Promise<string> {
  const server = createServer(async (request, response) => {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    let body = ''
    for await (const chunk of request) body += chunk
    const { authorization = '' } = request.headers
    const basic = Buffer.from(authorization.replace(/^Basic /, ''), 'base64').toString()
    const isDiscovery = request.url?.includes('.well-known')
    const metadata = {
      issuer: url,
      authorization_endpoint: `${url}/auth`,
      token_endpoint: `${url}/token`,
      jwks_uri: `${url}/jwks`,
      response_types_supported: ['code'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['RS256'],
    }
    const refusal = { error: 'invalid_client', error_description: `not ${authorization} ${basic} ${body}` }
    response
      .writeHead(isDiscovery ? 200 : 400, { 'content-type': 'application/json' })
      .end(JSON.stringify(isDiscovery ? metadata : refusal))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function filesIn(dir: string): string[] {
  return readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .map(name => join(dir, name))
    .filter(path => statSync(path, { throwIfNoEntry: false })?.isFile())
}

test('no secret comes out, nor lies in the database as it was given', async () => {
  const secrets = new Map<string, string>()
  const plant = (name: string, value = word()) => {
    secrets.set(name, value)
    return value
  }
  const heard: Heard[] = []
  /** Request bodies, from which an attacker could compute digests of the audit trail. */
  const sentInputs: { query: object; body: unknown }[] = []

  const key = randomBytes(32)
  plant('secret key', key.toString('base64'))
  plant('secret key in base64url', key.toString('base64url'))
  plant('secret key in hex', key.toString('hex'))
  const apiKey = plant('API key')
  const providerKey = plant('provider key', `sk-${word()}`)
  const clientSecret = plant('OIDC client secret')
  await using model = await ModelStandIn.start('openai', {
    does: 'refuse',
    status: 401,
    words: `Incorrect API key provided: ${providerKey}`,
  })
  const { imapPorts, smtpPort } = await parrots()
  const sandbox = new SandboxServer()
  onTestFinished(() => sandbox.stop())
  const box = await sandbox.start()
  plant('password of a real account', box.password)
  const parrot = await serviceParrot()

  const environment = {
    RUSTYMAIL_LOG_LEVEL: 'trace',
    RUSTYMAIL_SECRET_KEY: key.toString('base64'),
    RUSTYMAIL_API_KEY: apiKey,
    OPENAI_API_KEY: providerKey,
    OPENAI_BASE_URL: `${model.url}/v1`,
    RUSTYMAIL_OIDC_ISSUER: await oidcParrot(),
    RUSTYMAIL_OIDC_CLIENT_ID: 'rustymail',
    RUSTYMAIL_OIDC_CLIENT_SECRET: clientSecret,
    RUSTYMAIL_OIDC_ROLES: 'everyone=viewer',
    OTEL_EXPORTER_OTLP_ENDPOINT: parrot.url,
    OTEL_EXPORTER_OTLP_HEADERS: `authorization=Bearer%20${plant('OTLP header')}`,
  }
  const run = await startRustyMail({ isSetUp: false, environment })
  let log = run.log()
  for (const output of [run.process.stderr!, run.process.stdout!]) {
    output.on('data', (chunk: Buffer) => {
      log += chunk.toString()
    })
  }

  const ask = async (
    method: string,
    path: string,
    { proof = {}, body, shows }: { proof?: Record<string, string>; body?: unknown; shows?: Shows } = {},
  ) => {
    const isText = typeof body === 'string'
    const query = Object.fromEntries(new URLSearchParams(path.split('?')[1] ?? ''))
    if (body !== undefined) sentInputs.push({ query, body })
    const sent = body === undefined ? {} : { body: isText ? body : JSON.stringify(body) }
    const headers = { origin: run.url, ...proof, ...(body === undefined ? {} : { 'content-type': 'application/json' }) }
    const answer = await fetch(run.url + path, { method, headers, redirect: 'manual', ...sent })
    const raw = await answer.text()
    let text = `${answer.status} ${JSON.stringify([...answer.headers])} ${raw}`
    const cookie = answer.headers.getSetCookie()[0]?.split(';')[0] ?? ''
    const isJson = /json(;|$)/.test(answer.headers.get('content-type') ?? '')
    const json = isJson ? (JSON.parse(raw) as Record<string, unknown>) : {}
    for (const [name, value] of Object.entries(shows?.(json, cookie) ?? {})) {
      // The secret is in this response; otherwise its absence elsewhere would prove nothing.
      expect([name, value.length > 8 && text.includes(value)]).toEqual([name, true])
      plant(name, value)
      text = text.replaceAll(value, '')
      if (name === 'authenticator') text = text.replace(/"qr_svg":"[^"]*"/, '')
    }
    heard.push({ where: `${method} ${path}`, text })
    return { status: answer.status, cookie, json, headers: answer.headers }
  }
  const withKey = { authorization: `Bearer ${apiKey}` }
  const stream = await openStream(`${run.url}${api.events.streamEvents.path}`, withKey)

  // The first administrator.
  const setup_token = plant('set-up token', new URL(run.setupLink).hash.slice(1))
  const ada = { email: 'ada@example.com', name: 'Ada', password: plant('password', password()) }
  const cookieOf: Shows = (_json, cookie) => ({ [`session ${secrets.size}`]: cookie.split('=')[1]! })
  const setUp = await ask('POST', api.access.setUp.path, { body: { setup_token, ...ada }, shows: cookieOf })
  expect(setUp.status).toBe(201)
  const session = { cookie: setUp.cookie }
  await ask('POST', api.access.setUp.path, { body: { setup_token, ...ada } })

  // Sets up a second factor, and signs in with it.
  const current_password = ada.password
  const begun = await ask('POST', api.profile.beginTotp.path, {
    proof: session,
    body: { current_password },
    shows: json => ({ authenticator: String(json.secret) }),
  })
  const authenticator = new TOTP({ secret: String(begun.json.secret) })
  await ask('POST', api.profile.confirmTotp.path, {
    proof: session,
    body: { code: authenticator.generate() },
    shows: ({ recovery_codes }) =>
      Object.fromEntries((recovery_codes as string[]).map((code, index) => [`recovery code ${index}`, code])),
  })
  const credentials = { email: ada.email, password: ada.password }
  const [first] = await Promise.all([ask('POST', api.access.openSession.path, { body: credentials })])
  const { challenge } = first.json
  await ask('POST', api.access.giveSecondFactor.path, { body: { challenge, code: 'wrong-code-here' } })
  const second = await ask('POST', api.access.giveSecondFactor.path, {
    body: { challenge, code: secrets.get('recovery code 3') },
    shows: cookieOf,
  })
  expect(second.status).toBe(201)
  await ask('POST', api.access.openSession.path, {
    body: { email: 'ada@example.com', password: plant('typed wrongly') },
  })
  await ask('POST', api.access.openSession.path, { body: { email: plant('typed as email'), password: word() } })
  await ask('POST', api.access.openSession.path, { body: `{"email":"ada@example.com","password":"${plant('torn')}` })

  // A second user, by a link, who changes the password.
  const linkOf =
    (name: string): Shows =>
    ({ link }) => ({ [name]: String(link).split('#')[1]! })
  const eve = { email: 'eve@example.com', name: 'Eve', role: 'operator', accounts: 'all' }
  const invited = await ask('POST', api.users.inviteUser.path, {
    proof: session,
    body: eve,
    shows: linkOf('invitation'),
  })
  const link_token = secrets.get('invitation')
  await ask('POST', api.users.readLink.path, { body: { link_token } })
  const evePassword = plant('password of Eve', password())
  await ask('POST', api.users.acceptLink.path, { body: { link_token, password: plant('a short one', 'c4naryQ8z') } })
  const came = await ask('POST', api.users.acceptLink.path, {
    body: { link_token, password: evePassword },
    shows: cookieOf,
  })
  expect(came.status).toBe(201)
  const change = { current_password: evePassword, new_password: plant('new password of Eve', password()) }
  const changed = await ask('PUT', api.profile.changePassword.path, { proof: { cookie: came.cookie }, body: change })
  expect(changed.status).toBe(204)
  const { id: userId } = invited.json.user as { id: string }
  const reset = api.users.resetUser.path.replace('{user_id}', userId)
  await ask('POST', reset, { proof: session, shows: linkOf('reset link') })

  // Tokens.
  const tokenOf =
    (name: string): Shows =>
    ({ token }) => ({ [name]: String(token) })
  const wanted = { name: 'reader', scopes: ['dashboard:read'], accounts: [] }
  const made = await ask('POST', api.tokens.createToken.path, { proof: session, body: wanted, shows: tokenOf('token') })
  const { id: tokenId } = made.json.info as { id: string }
  const rotate = api.tokens.rotateToken.path.replace('{token_id}', tokenId)
  await ask('POST', rotate, { proof: session, shows: tokenOf('token after') })
  for (const name of ['token', 'token after']) {
    const token = secrets.get(name)!
    await ask('GET', api.metrics.getStats.path, { proof: { authorization: `Bearer ${token}` } })
    await ask('GET', `${api.metrics.getStats.path}?token=${token}`, { proof: { authorization: `Bearer ${token}x` } })
  }

  // Mail servers: a real one, and some that echo what they are sent.
  const login = { host: box.host, tls: 'none', user: box.user, password: box.password }
  const real = { email: box.email, imap: { ...login, port: box.imapPort }, smtp: { ...login, port: box.smtpPort } }
  const connected = await ask('POST', api.accounts.createAccount.path, { proof: session, body: real })
  expect(connected.status).toBe(201)
  const accountIds = [String(connected.json.id)]
  // Names of several lengths, since the length shifts the base64 of what follows.
  for (const [index, port] of imapPorts.entries()) {
    const imap = {
      host: '127.0.0.1',
      port,
      tls: 'none',
      user: `ann${'x'.repeat(index)}`,
      password: plant(`IMAP password ${index}`),
    }
    const smtp = { ...imap, port: smtpPort, password: plant(`SMTP password ${index}`) }
    const body = { email: `ann${index}@example.com`, imap, smtp }
    const refused = await ask('POST', api.accounts.createAccount.path, { proof: session, body })
    expect(refused.json).toMatchObject({ code: 'mail_login_refused' })
    await ask('POST', api.accounts.createAccount.path, {
      proof: session,
      body: { ...body, surprise: 1, email: 'none' },
    })
    const kept = await ask('POST', `${api.accounts.createAccount.path}?verify=false`, { proof: session, body })
    expect(kept.status).toBe(201)
    accountIds.push(String(kept.json.id))
  }
  for (const account_id of accountIds) {
    const account = api.accounts.getAccount.path.replace('{account_id}', account_id)
    await ask('POST', `${account}/verify`, { proof: session })
    await ask('GET', api.mail.listMessages.path.replace('{account_id}', account_id), { proof: session })
    await expect
      .poll(async () => (await ask('GET', account, { proof: session })).json.state)
      .toBe(account_id === accountIds[0] ? 'ready' : 'auth_failed')
    const next = { imap: { password: plant(`next password of ${account_id}`) } }
    await ask('PATCH', account, { proof: session, body: next })
    await ask('PATCH', `${account}?verify=false`, { proof: session, body: next })
  }

  await plantInServices({ ask, plant, session, accountIds }, parrot.url)

  // Other services that might echo what they were sent.
  await ask('POST', api.assistant.queryChatbot.path, { proof: session, body: { query: 'hello' } })
  const out = await ask('GET', '/api/dashboard/session/oidc')
  expect(out.status).toBe(302)
  const state = new URL(out.headers.get('location')!).searchParams.get('state')!
  const back = `/api/dashboard/session/oidc/callback?code=${plant('OIDC code')}&state=${state}&iss=none`
  await ask('GET', back.replace('&iss=none', ''), { proof: { cookie: out.cookie } })

  // Everything readable.
  const lists = Object.values(api).flatMap(group => Object.values(group))
  for (const { method, path, stream: kind } of lists) {
    if (method !== 'GET' || kind === 'always' || path.includes('{')) continue
    for (const proof of [session, withKey, {}]) await ask('GET', path, { proof })
  }
  for (const path of ['/metrics', '/openapi.json', '/api/dashboard/audit/export?format=csv']) {
    await ask('GET', path, { proof: withKey })
  }
  await ask('GET', '/api/dashboard/audit/export?format=jsonl', { proof: withKey })
  await ask('GET', `${api.audit.listAudit.path}?limit=100`, { proof: withKey })
  await ask('GET', `${api.logs.listLogs.path}?limit=500`, { proof: withKey })
  await ask('GET', '/api/dashboard/logs/export', { proof: withKey })
  await ask('DELETE', api.access.closeSession.path, { proof: session })
  await ask('GET', api.access.getSession.path, { proof: session })

  // While the server runs, the newest changes are in the database's log beside it.
  const atRest = filesIn(run.dataDir).map(path => ({ where: path, text: readFileSync(path, 'latin1') }))
  heard.push({ where: 'the command line', text: readFileSync(`/proc/${run.process.pid}/cmdline`, 'latin1') })
  const { RUSTYMAIL_SECRET_KEY, RUSTYMAIL_API_KEY } = environment
  for (const words of ['diagnose ann0@example.com', 'diagnose ann0@example.com --report']) {
    const surroundings = { RUSTYMAIL_SECRET_KEY, RUSTYMAIL_API_KEY, RUSTYMAIL_PRIVATE_NETWORKS: '127.0.0.0/8' }
    const said = await runCommand(words.split(' '), { dataDir: run.dataDir, environment: surroundings })
    heard.push({ where: words, text: `${said.stdout} ${said.stderr}` })
  }
  await run.stop()
  heard.push(...parrot.traces.map(text => ({ where: 'traces and metrics', text })))
  atRest.push(...filesIn(run.dataDir).map(path => ({ where: path, text: readFileSync(path, 'latin1') })))
  heard.push(...stream.events.map(({ event, data }) => ({ where: `event ${event}`, text: JSON.stringify(data) })))
  heard.push(...log.split('\n').map(text => ({ where: 'log', text })))

  // The output was captured and the database was read: what is not secret is found.
  const all = (list: Heard[]) => list.map(({ text }) => text).join('\n')
  expect(all(atRest)).toContain('eve@example.com')
  expect(all(heard.filter(({ where }) => where === 'log'))).toContain('a session was opened')
  expect(all(heard.filter(({ where }) => where.includes('export')))).toContain('users.inviteUser')
  expect(all(heard.filter(({ where }) => where.includes('logs')))).toContain('a session was opened')
  expect(new Set(stream.events.map(({ event }) => event))).toContain('token_created')
  expect(all(heard.filter(({ where }) => where.includes('traces')))).toContain('assistant')
  expect(all(heard.filter(({ where }) => where.startsWith('diagnose')))).toContain('127.0.0.1')
  expect(secrets.size).toBeGreaterThan(80)

  // Even with the key and the trail no secret can be guessed: no digest is of an input that held one.
  const guesser = new AuditChain(new SecretBox(key))
  const trail = all(heard.filter(({ where }) => where.includes('export?format=jsonl')))
  const guessed = (isSecret: boolean) =>
    sentInputs.filter(input => {
      const holds = [...secrets.values()].some(secret => JSON.stringify(input.body).includes(secret))
      const forms = [input, { body: input.body }]
      return holds === isSecret && forms.some(form => trail.includes(guesser.digest(form)))
    })
  expect(guessed(true)).toEqual([])
  expect(guessed(false)).not.toEqual([])

  const found = [...heard, ...atRest].flatMap(({ where, text }) =>
    [...secrets].flatMap(([name, secret]) => {
      const form = formsOf(secret).find(one => text.includes(one))
      return form === undefined ? [] : [`${name} in ${where}: …${around(text, form)}…`]
    }),
  )
  const raw = atRest.filter(({ text }) => text.includes(key.toString('latin1'))).map(({ where }) => where)
  expect([...new Set([...found, ...raw])]).toEqual([])
})

function around(text: string, part: string): string {
  const at = text.indexOf(part)
  return text.slice(Math.max(0, at - 150), at + part.length + 50)
}
