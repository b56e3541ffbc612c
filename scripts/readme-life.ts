/**
 * The server of the README's picture: two Dovecots and the sandbox behind it, clients in front of it, and one outage.
 */
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as wait } from 'node:timers/promises'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { arrival } from '../sandbox/seed-arrivals.ts'
import { render } from '../sandbox/seed-mail.ts'
import { Random } from '../sandbox/seed-random.ts'
import { type Dovecot, startDovecot } from '../test/support/dovecot.ts'
import { enter } from '../test/support/signed-in.ts'
import { tempDir } from '../test/support/temp-dir.ts'

interface Mailbox {
  name: string
  user: string
  /** Average interval in milliseconds. */
  mailEveryMs: number
}

type Json = Record<string, unknown>

const root = join(import.meta.dirname, '..')
const minute = 60_000
const mailboxes: readonly Mailbox[][] = [
  [
    { name: 'Support', user: 'alice@test.local', mailEveryMs: 1.5 * minute },
    { name: 'Sales', user: 'bob@test.local', mailEveryMs: 4 * minute },
    { name: 'Billing', user: 'carol@test.local', mailEveryMs: 11 * minute },
  ],
  [
    { name: 'Workshop', user: 'alice@test.local', mailEveryMs: 3 * minute },
    { name: 'Warehouse', user: 'bob@test.local', mailEveryMs: 7 * minute },
  ],
]
/** The second mail server's outage. */
const outage = { afterMs: 5 * minute, forMs: 2 * minute }

export async function startLife() {
  const dir = tempDir('readme')
  const ending = new AbortController()
  const { signal } = ending
  const servers = await Promise.all(mailboxes.map(() => startDovecot()))
  const key = randomBytes(24).toString('base64url')
  const { child, url, setupToken } = await startServer(`${dir.path}/data`, key)
  const cookie = await enter(url, setupToken)
  const admin = talkTo(url, { authorization: `Bearer ${key}`, 'user-agent': 'uptime-check/3.2' })
  const person = talkTo(url, { cookie, origin: url })
  const ids = await connectAccounts(admin, servers)
  const makeToken = async (name: string, scopes: string[]) => {
    const made = await person('POST', '/api/dashboard/tokens', { name, scopes, accounts: ids })
    return String(made.token)
  }
  const [archiver, agent] = [
    await makeToken('Archiver', ['mail:read']),
    await makeToken('Assistant of the help desk', ['mail:read']),
  ]
  const going = [
    ...servers.flatMap((server, index) => mailboxes[index]!.map(box => bringMail(server, box, signal))),
    readMail(talkTo(url, { authorization: `Bearer ${archiver}`, 'user-agent': 'mail-archiver/2.1' }), ids, signal),
    askAsAgent(url, agent, signal),
    every(15_000, signal, () => admin('GET', '/api/dashboard/stats')),
    loseServer(servers[1]!, signal),
  ].map(each => each.catch(error => signal.aborted || console.error(error)))
  return {
    url,
    until: (ms: number) => wait(ms, undefined, { signal }).catch(() => undefined),
    stop: async () => {
      ending.abort()
      await Promise.all(going)
      const closed = once(child, 'close')
      child.kill('SIGTERM')
      await closed
      await Promise.all(servers.map(server => server.stop()))
      dir.remove()
    },
  }
}

async function startServer(dataDir: string, key: string) {
  const child = spawn(process.execPath, ['--max-semi-space-size=16', 'bin/rustymail.js', 'serve', '--demo'], {
    cwd: root,
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      RUSTYMAIL_PORT: '0',
      RUSTYMAIL_DATA_DIR: dataDir,
      RUSTYMAIL_API_KEY: key,
      RUSTYMAIL_PRIVATE_NETWORKS: '127.0.0.0/8',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  for await (const line of createInterface({ input: child.stdout })) {
    const link = /http\S+\/setup#(\S+)/.exec(line)
    if (link) return { child, url: new URL(link[0]).origin, setupToken: link[1]! }
  }
  throw new Error('the server ended before it was ready')
}

function talkTo(url: string, headers: Record<string, string>) {
  return async (method: string, path: string, body?: object): Promise<Json> => {
    const type = body ? { 'content-type': 'application/json' } : {}
    const answer = await fetch(url + path, {
      method,
      headers: { ...headers, ...type },
      ...(body ? { body: JSON.stringify(body) } : {}),
    })
    // While its mail server is down, an account's requests fail with a problem, as expected.
    if (!answer.ok && answer.status < 500) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`)
    return (await answer.json()) as Json
  }
}

type Talk = ReturnType<typeof talkTo>

async function connectAccounts(admin: Talk, servers: readonly Dovecot[]): Promise<string[]> {
  for (const [index, server] of servers.entries()) {
    for (const { name, user } of mailboxes[index]!) {
      const { password } = server.users.find(known => known.user === user)!
      const imap = { host: server.host, port: server.imapPort, tls: 'none', user, password }
      await admin('POST', '/api/dashboard/accounts', { name, email: user, imap })
    }
  }
  const { items } = (await admin('GET', '/api/dashboard/accounts')) as { items: { id: string }[] }
  return items.map(({ id }) => id)
}

async function bringMail(server: Dovecot, { user, name, mailEveryMs }: Mailbox, signal: AbortSignal): Promise<void> {
  const random = new Random([...name].reduce((sum, letter) => sum + letter.charCodeAt(0), server.imapPort))
  for (let count = random.int(0, 17); ; count++) {
    await wait(mailEveryMs * (0.3 + 1.4 * random.next()), undefined, { signal })
    // During the outage no mail arrives.
    await server.appendMessage(user, await render(arrival(random, count, new Date()))).catch(() => undefined)
  }
}

async function readMail(talk: Talk, ids: readonly string[], signal: AbortSignal): Promise<void> {
  let turn = 0
  await every(7_000, signal, async () => {
    const account = `/api/v1/accounts/${ids[turn++ % ids.length]}`
    const { items = [] } = (await talk('GET', `${account}/messages?limit=20`)) as { items?: { ref: string }[] }
    const [newest] = items
    if (newest) await talk('GET', `${account}/messages/${newest.ref}`)
  })
}

async function askAsAgent(url: string, token: string, signal: AbortSignal): Promise<void> {
  const client = new Client({ name: 'help-desk', version: '1.0.0' })
  const headers = { authorization: `Bearer ${token}`, 'user-agent': 'help-desk/1.0' }
  await client.connect(new StreamableHTTPClientTransport(new URL(`${url}/mcp`), { requestInit: { headers } }))
  const { structuredContent } = await client.callTool({ name: 'mail_accounts', arguments: {} })
  const { accounts } = structuredContent as { accounts: { id: string }[] }
  let turn = 0
  try {
    await every(20_000, signal, async () => {
      const account = accounts[turn++ % accounts.length]!.id
      await client.callTool({ name: 'mail_search', arguments: { account, q: 'is:unread', limit: 5 } })
    })
  } finally {
    await client.close()
  }
}

async function loseServer(server: Dovecot, signal: AbortSignal): Promise<void> {
  await wait(outage.afterMs, undefined, { signal })
  await server.halt()
  await wait(outage.forMs, undefined, { signal })
  await server.resume()
}

/** Repeats the work sequentially until the signal. */
async function every(ms: number, signal: AbortSignal, work: () => Promise<unknown>): Promise<void> {
  while (!signal.aborted) {
    await work()
    await wait(ms, undefined, { signal }).catch(() => undefined)
  }
}
