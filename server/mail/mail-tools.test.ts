/** What a search tells a model of messages, and a list of folders of what it leaves out. */
import { afterAll, expect, test } from 'vitest'
import { partsReader } from '../../test/support/parts-reader.ts'
import { MemoryGateway } from '../imap/adapters/memory-gateway.ts'
import type { Delivery } from '../imap/adapters/memory-message.ts'
import { ConnectionPool } from '../imap/connection-pool.ts'
import { MessageRefs } from '../imap/message-ref.ts'
import { createLogger } from '../platform/logger.ts'
import { everyScope, type Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import { SecretBox, Signer } from '../platform/secret-box.ts'
import { ChangeWaits } from './change-waits.ts'
import { MailSearch } from './mail-search.ts'
import { MailService } from './mail-service.ts'
import { mailTools } from './mail-tools.ts'

const principal: Principal = { id: 'p', name: 'P', kind: 'token', userId: null, scopes: everyScope, accounts: 'all' }
const gateway = new MemoryGateway()
const pool = new ConnectionPool({
  gateway,
  login: async user => ({ host: 'memory', port: 143, tls: 'none', user, password: 'secret' }),
  limits: { connection_timeout_seconds: 5, max_connections: 10, connection_pool_size: 2 },
  health: { setConnections: () => undefined },
  logger: createLogger('silent'),
})
const refs = new MessageRefs(new Signer(new SecretBox(Buffer.alloc(32, 7)).derive('refs')))
const ownerOf = async () => ({ email: 'ann@own.example', imapHost: 'imap.own.example' })
const mail = new MailService({
  pool,
  refs,
  cleaner: { clean: async () => 'busy' },
  parts: partsReader(),
  ownerOf,
})
let seen = ['a']
const accountsOf = async () => seen.map(id => ({ id, email: 'ann@own.example' }))
const none = { index: undefined, indexerOf: () => undefined }
const search = new MailSearch({ pool, refs, ownerOf, accountsOf, ...none })
const indexed = { listById: notIndexed, getThread: notIndexed, listChanges: notIndexed }
const around = { indexed, parts: partsReader(), waits: new ChangeWaits() }
const tools = mailTools({ mail, search, ...around, accounts: { list: accountsOf as never } })

function notIndexed(): never {
  throw new Problem('index_off', 'The mail of this account is not indexed.')
}

afterAll(() => pool.stop())

async function run(name: string, input: object): Promise<unknown> {
  const tool = tools.find(one => one.name === name)
  if (!tool) throw new Error(`there is no tool ${name}`)
  const { signal } = new AbortController()
  const call = { principal, accountId: 'a', input: tool.input.parse(input), signal, note: () => undefined }
  return tool.output.parse(await tool.run(call as never))
}

test('a message of which not all is known says so among the hits, and the others say nothing of it', async () => {
  const deliveries: Delivery[] = [{ subject: 'plain' }, { subject: 'odd', faults: ['unreadable'] }]
  for (const delivery of deliveries) gateway.deliver(delivery)
  const found = await run('mail_search', { q: 'is:unread', account: 'a' })
  expect(found).toMatchObject({ total: 2, hits: [{ subject: 'odd', faults: ['unreadable'] }, { subject: 'plain' }] })
  expect(JSON.stringify(found).match(/faults/g)).toHaveLength(1)
})

test('a hit names its recipients, unless that is the account alone', async () => {
  const own = { name: 'Ann', email: 'Ann@own.example' }
  const [bob, cy, di, eve] = ['bob', 'cy', 'di', 'eve'].map(name => ({ name: null, email: `${name}@example.org` }))
  let minute = 0
  for (const [subject, to] of Object.entries({
    own: [own],
    sent: [bob!],
    both: [own, bob!],
    many: [bob!, cy!, di!, eve!],
    none: [],
  })) {
    const date = new Date(Date.UTC(2026, 0, 1, 0, minute++)).toISOString()
    gateway.deliver({ subject: `to ${subject}`, to, date })
  }
  const { hits } = (await run('mail_search', { q: 'subject:"to "', account: 'a' })) as {
    hits: { subject: string; to?: string; more_to?: number }[]
  }
  const told = hits.map(({ subject, to, more_to }) => [subject, to, more_to])
  expect(told.toReversed()).toEqual([
    ['to own', undefined, undefined],
    ['to sent', 'bob@example.org', undefined],
    ['to both', 'Ann@own.example, bob@example.org', undefined],
    ['to many', 'bob@example.org, cy@example.org, di@example.org', 1],
    ['to none', undefined, undefined],
  ])
})

test('a search without an account looks into all of them, and says where a hit is and what was left out', async () => {
  gateway.deliver({ subject: 'tea', text: 'green', messageId: '<tea@x>' }, 'Archive')
  seen = ['a', 'b']
  const found = await run('mail_search', { q: 'subject:tea in:archive' })
  expect(found).toMatchObject({
    hits: [
      { subject: 'tea', folder: 'Archive' },
      { subject: 'tea', folder: 'Archive' },
    ],
    total: 2,
  })
  const { hits } = found as { hits: { ref: string }[] }
  expect(hits.map(({ ref }) => ref.split('.')[0])).toEqual(['a', 'b'])
  expect(found).not.toHaveProperty('not_searched')
  gateway.delay = step => {
    if (step === 'search') throw new Problem('mail_server_unreachable', 'It is away.')
  }
  expect(await run('mail_search', { q: 'tea' })).toMatchObject({
    hits: [],
    not_searched: [
      { account: 'a', why: 'It is away.' },
      { account: 'b', why: 'It is away.' },
    ],
  })
  gateway.delay = () => undefined
  seen = ['a']
})

interface FolderAnswer {
  folders: { path: string; total?: number }[]
  omitted?: number
  cursor?: string
}

test('folders come page by page, by a part of their path and by their role, and those that cannot be named are counted', async () => {
  gateway.addFolder('x'.repeat(2_000))
  for (let number = 0; number < 600; number++) gateway.addFolder(`F${number}`)
  const list = async (input: object = {}) => (await run('mail_folders', { account: 'a', ...input })) as FolderAnswer
  const first = await list()
  const rest = await list({ cursor: first.cursor })
  expect([first.folders.length, rest.folders.length, first.omitted, rest.cursor]).toEqual([500, 106, 1, undefined])
  expect(new Set([...first.folders, ...rest.folders].map(({ path }) => path)).size).toBe(606)
  expect((await list({ name: 'f59', counts: false })).folders).toHaveLength(11)
  expect((await list({ role: 'sent' })).folders).toEqual([{ path: 'Sent', role: 'sent', total: 0, unread: 0 }])
  expect((await list({ role: 'sent', counts: false })).folders).toEqual([{ path: 'Sent', role: 'sent' }])
})

test('while folders are being counted, a list says so instead of numbers', async () => {
  gateway.countsInList = false
  const held = Promise.withResolvers<void>()
  gateway.delay = step => (step.startsWith('countFolders') ? held.promise : undefined)
  const list = () => run('mail_folders', { account: 'b', role: 'sent' })
  expect(await list()).toMatchObject({ folders: [{ path: 'Sent', role: 'sent' }], counting: true })
  held.resolve()
  await expect.poll(list).toMatchObject({ folders: [{ path: 'Sent', total: 0, unread: 0 }] })
})
