/** Search where nothing is indexed: mail servers in memory are asked, folder by folder, and what they find is merged. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { mailSearchApi } from '../../contract/mail-search.ts'
import { MemoryGateway } from '../imap/adapters/memory-gateway.ts'
import type { Delivery } from '../imap/adapters/memory-message.ts'
import { ConnectionPool } from '../imap/connection-pool.ts'
import { MessageRefs } from '../imap/message-ref.ts'
import { createLogger } from '../platform/logger.ts'
import { everyScope, type Principal, scopeSet } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import { SecretBox, Signer } from '../platform/secret-box.ts'
import { AccountSearch } from './account-search.ts'
import { MailSearch, type SearchQuery } from './mail-search.ts'
import { ServerSearch, type ServerSearchBounds, serverSearchBounds } from './server-search.ts'

const { signal } = new AbortController()
const someone: Principal = { id: 'p', name: 'P', kind: 'session', userId: null, scopes: everyScope, accounts: 'all' }
const refs = new MessageRefs(new Signer(new SecretBox(Buffer.alloc(32, 7)).derive('refs')))

let gateways: Map<string, MemoryGateway>
let pool: ConnectionPool
let disabled: string[]

beforeEach(() => {
  disabled = []
  gateways = new Map(['a', 'b', 'c'].map(id => [id, new MemoryGateway()]))
  const gateway = {
    connect: (login: { user: string }, ...rest: never[]) =>
      gateways.get(login.user)!.connect(...([login, ...rest] as unknown as Parameters<MemoryGateway['connect']>)),
    probe: async () => undefined,
  }
  pool = new ConnectionPool({
    gateway: gateway as never,
    login: async user => ({ host: 'memory', port: 143, tls: 'none', user, password: 'secret' }),
    limits: { connection_timeout_seconds: 5, max_connections: 10, connection_pool_size: 2 },
    health: { setConnections: () => undefined },
    logger: createLogger('silent'),
  })
})
afterEach(() => pool.stop())

function searchWith(bounds: Partial<ServerSearchBounds> = {}): MailSearch {
  const options = {
    pool,
    refs,
    ownerOf: async (_principal: Principal, id: string) => ({
      email: `${id}@own.example`,
      imapHost: 'memory',
      revision: disabled.includes(id) ? null : '1',
    }),
    accountsOf: async () => [...gateways.keys()].map(id => ({ id })),
    index: undefined,
    indexerOf: () => undefined,
  }
  const server = new ServerSearch(pool, { ...serverSearchBounds, ...bounds })
  return new MailSearch(options, new AccountSearch(options, server))
}

type Asked = Partial<SearchQuery> & { as?: Principal; in?: string; bounds?: Partial<ServerSearchBounds> }

async function find(q: string, { as = someone, in: account, bounds, ...query }: Asked = {}) {
  const search = searchWith(bounds)
  const asked = { q, sort: 'date' as const, limit: 50, ...query }
  const found = account
    ? await search.searchAccount(as, account, asked, signal)
    : await search.searchMail(as, asked, signal)
  return mailSearchApi.searchMail.response.parse(found)
}

const subjects = async (q: string, asked?: Asked) => (await find(q, asked)).items.map(({ subject }) => subject)
const at = (minute: number) => new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString()

function deliver(account: string, path: string, delivery: Delivery): void {
  gateways.get(account)!.deliver({ messageId: `<${Math.random()}@x>`, ...delivery }, path)
}

test('all folders of all accounts are searched, and each hit says where it is', async () => {
  deliver('a', 'INBOX', { subject: 'plan', text: 'tea', date: at(1), from: [{ name: 'Bob', email: 'bob@x' }] })
  deliver('a', 'Sent', { subject: 'Re: plan', date: at(3), flags: ['flagged'] })
  deliver('b', 'Archive', { subject: 'our plan', date: at(2) })
  deliver('b', 'INBOX', { subject: 'other', date: at(4) })
  const found = await find('plan', { facets: 'true' })
  expect(found.items).toMatchObject([
    { account_id: 'a', subject: 'Re: plan', folders: ['Sent'], flags: ['flagged'], thread_id: null, snippet: null },
    { account_id: 'b', subject: 'our plan', folders: ['Archive'] },
    { account_id: 'a', subject: 'plan', folders: ['INBOX'], from: [{ email: 'bob@x' }] },
  ])
  expect(found).toMatchObject({ next_cursor: null, total: 3, is_total_exact: false })
  expect(found.facets).toMatchObject({ counted: 0, is_complete: false })
  expect(await find('plan', { total: 'true' })).toEqual({ ...found, facets: null })
  const whole = { answered_by: 'server', is_complete: true, index: null, server_folders: 6, omissions: [] }
  expect(found.coverage).toEqual(
    ['a', 'b', 'c'].map(account_id => ({ account_id, unknown_folders: [], looked_at: null, ...whole })),
  )
  expect(refs.decode('b', found.items[1]!.ref)).toMatchObject({ folder: 'Archive', uid: 1 })
  expect(await subjects('plan', { account: 'b' })).toEqual(['our plan'])
  expect(await subjects('plan', { in: 'a' })).toEqual(['Re: plan', 'plan'])
})

test('folders are named by their path, their role, and in any combination', async () => {
  gateways.get('a')!.addFolder('Fünf & Söhne')
  gateways.get('a')!.addFolder('junk')
  for (const path of ['INBOX', 'Sent', 'Fünf & Söhne', 'Junk', 'junk']) deliver('a', path, { subject: path })
  const all = async (q: string) => (await subjects(q, { in: 'a' })).toSorted()
  expect(await all('in:inbox')).toEqual(['INBOX'])
  expect(await all('in:SENT')).toEqual(['Sent'])
  expect(await all('in:"Fünf & Söhne"')).toEqual(['Fünf & Söhne'])
  expect([await all('in:junk'), await all('in:JUNK')]).toEqual([['junk'], ['Junk']])
  expect(await all('in:sent OR in:junk')).toEqual(['Sent', 'junk'])
  expect(await all('-in:sent -in:junk')).toEqual(['Fünf & Söhne', 'INBOX', 'Junk'])
  expect(await all('subject:inbox OR (in:sent is:unread)')).toEqual(['INBOX', 'Sent'])
  for (const folder of ['Nowhere', 'flagged', 'x'.repeat(450)]) {
    await expect(find(`tea in:${folder}`, { in: 'a' })).rejects.toMatchObject({ code: 'folder_not_found' })
    await expect(find(`tea in:${folder}`)).rejects.toMatchObject({ code: 'folder_not_found' })
  }
  // A folder of one account alone is none that was mistyped.
  const { items, coverage } = await find('in:"Fünf & Söhne"')
  expect(items).toHaveLength(1)
  expect(coverage.map(each => each.unknown_folders)).toEqual([[], ['Fünf & Söhne'], ['Fünf & Söhne']])
})

test('a message in several folders is one hit, and equal ones in one folder are several', async () => {
  const mail = { subject: 'tea', messageId: '<1@x>', date: at(1), sizeBytes: 5 }
  for (const path of ['INBOX', 'Archive', 'INBOX']) deliver('a', path, mail)
  const { items } = await find('tea')
  expect(items.map(({ folders }) => folders.toSorted()).toSorted()).toEqual(
    [['Archive', 'INBOX'], ['INBOX']].toSorted(),
  )
  expect(new Set(items.map(({ id }) => id)).size).toBe(2)
})

test.each(['date', 'relevance'] as const)('pages by %s are stable while mail comes, and end', async sort => {
  for (let number = 0; number < 12; number++) {
    // Many in the same second, and copies of them in another account.
    const mail = {
      subject: `tea ${number}`,
      date: at(Math.floor(number / 4)),
      flags: number % 3 ? [] : ['flagged' as const],
    }
    deliver(number % 2 ? 'a' : 'b', number % 5 ? 'INBOX' : 'Archive', mail)
  }
  const whole = await subjects('tea', { sort })
  expect(new Set(whole).size).toBe(12)
  for (const limit of [1, 5]) {
    const seen: string[] = []
    let cursor: string | undefined
    for (let page = 0; page < 20 && (page === 0 || cursor); page++) {
      const found = await find('tea', { sort, limit, ...(cursor && { cursor }) })
      seen.push(...found.items.map(({ subject }) => subject))
      cursor = found.next_cursor ?? undefined
      // Newer than all of them, so on no later page.
      if (sort === 'date') deliver('a', 'INBOX', { subject: 'tea too', date: at(1_000 + page) })
    }
    expect(seen).toEqual(whole)
    if (sort === 'date')
      for (const gateway of gateways.values()) {
        const inbox = gateway.getFolder('INBOX')
        inbox.messages = inbox.messages.filter(({ subject }) => subject !== 'tea too')
      }
  }
})

test('a cursor is good for its own search alone', async () => {
  for (let number = 1; number <= 3; number++) deliver('a', 'INBOX', { subject: `tea ${number}`, date: at(number) })
  const cursor = (await find('tea', { limit: 2, in: 'a' })).next_cursor!
  expect(await subjects('tea', { limit: 2, in: 'a', cursor })).toEqual(['tea 1'])
  for (const attempt of [
    find('tea 1', { cursor, in: 'a' }),
    find('tea', { cursor, in: 'b' }),
    find('tea', { cursor }),
    find('tea', { cursor, in: 'a', sort: 'relevance' }),
    find('tea', { cursor: 'made-up', in: 'a' }),
    find('tea', { cursor: refs.encodeCursor('a', 'INBOX', { uidValidity: 1, beforeUid: 2 }), in: 'a' }),
  ]) {
    await expect(attempt).rejects.toMatchObject({ code: 'bad_request' })
  }
})

test('somebody who may see no more than the heads of messages learns nothing of what is in them', async () => {
  const as = { ...someone, scopes: scopeSet(['mail:meta']) }
  deliver('a', 'INBOX', { subject: 'your code', text: 'it is 4711' })
  expect(await subjects('4711')).toEqual(['your code'])
  expect(await subjects('4711', { as })).toEqual([])
  expect(await subjects('-4711', { as })).toEqual(['your code'])
  expect(await subjects('4711 OR is:unread', { as })).toEqual(['your code'])
  const found = await find('code', { as, preview: 'true' })
  expect(found.items).toMatchObject([{ snippet: null }])
  expect(JSON.stringify(found)).not.toContain('4711')
  expect((await find('code', { preview: 'true' })).items).toMatchObject([{ preview: 'it is 4711' }])
  for (const q of ['body:4711', '-body:4711', 'has:link', '(a OR filename:x)'])
    await expect(find(q, { as })).rejects.toMatchObject({ code: 'bad_request' })
})

test('what cannot be read, or is not of the caller, asks no mail server', async () => {
  const as: Principal = { ...someone, accounts: new Set(['b']) }
  deliver('a', 'INBOX', { subject: 'tea' })
  await expect(find('tea', { as, in: 'a' })).rejects.toMatchObject({ code: 'account_not_found' })
  await expect(find('tea', { as, account: 'b,a' })).rejects.toMatchObject({ code: 'account_not_found' })
  await expect(find('tea', { account: 'b,nobody' })).rejects.toMatchObject({ code: 'account_not_found' })
  const errors = (q: string) => find(q).catch((error: Problem) => error.extension.errors)
  expect(await errors('tea colour:red')).toMatchObject([{ path: 'query.q', at: 5 }])
  expect(await errors('tea has:attachment')).toMatchObject([{ at: 5, message: expect.stringContaining('local index') }])
  expect([...gateways.values()].map(({ attempts }) => attempts)).toEqual([0, 0, 0])
  expect(await subjects('tea', { as })).toEqual([])
  expect(gateways.get('a')!.attempts).toBe(0)
})

test('a server that fails costs its own account, and alone it is told why', async () => {
  deliver('a', 'INBOX', { subject: 'tea' })
  gateways.get('b')!.delay = step => {
    if (step === 'search') throw new Problem('mail_server_unreachable', 'It is away.')
  }
  disabled = ['c']
  const { items, coverage } = await find('tea')
  expect(items).toMatchObject([{ subject: 'tea' }])
  expect(coverage).toMatchObject([
    { answered_by: 'server', is_complete: true },
    { answered_by: 'none', is_complete: false, omissions: [{ reason: 'server_failed', folders: 6 }] },
    { answered_by: 'none', is_complete: false, omissions: [{ reason: 'account_disabled' }] },
  ])
  await expect(find('tea', { in: 'b' })).rejects.toMatchObject({ code: 'mail_server_unreachable' })
  await expect(find('tea', { in: 'c' })).rejects.toMatchObject({ code: 'account_disabled' })
  await expect(find('tea', { in: 'a', server: 'never' })).rejects.toMatchObject({ code: 'overloaded' })
})

test('bounds are kept and told', async () => {
  for (let number = 0; number < 8; number++) deliver('a', 'Archive', { subject: `tea ${number}`, date: at(number) })
  deliver('a', 'INBOX', { subject: 'tea too', date: at(99) })
  const few = await find('tea', { in: 'a', bounds: { maxFolders: 2, maxFound: 3 } })
  expect(few.coverage[0]).toMatchObject({ is_complete: false, server_folders: 2 })
  expect(few.coverage[0]!.omissions).toMatchObject([
    { reason: 'too_many_folders', folders: 4 },
    { reason: 'too_many_found', folders: 1 },
  ])
  expect(few.items.map(({ subject }) => subject)).toEqual(['tea too', 'tea 7', 'tea 6', 'tea 5'])
  // Folders that cannot hold messages are not counted, and pages continue below what was searched.
  const named = await find('tea in:archive', { in: 'a', limit: 3, bounds: { maxFolders: 1 } })
  expect(named.coverage[0]).toMatchObject({ is_complete: true, server_folders: 1 })
  const held = Promise.withResolvers<void>()
  gateways.get('a')!.delay = (step, ..._rest) => (step === 'search' ? held.promise : undefined)
  const slow = find('tea', { account: 'a', bounds: { maxMs: 20 } })
  await new Promise(resolve => AbortSignal.timeout(40).addEventListener('abort', resolve))
  held.resolve()
  const { coverage } = await slow
  expect(coverage[0]).toMatchObject({ is_complete: false, omissions: [{ reason: 'time_limit' }] })
})

test('a folder that is refused costs itself', async () => {
  deliver('a', 'INBOX', { subject: 'tea' })
  const inbox = gateways.get('a')!
  const getFolder = inbox.getFolder.bind(inbox)
  inbox.getFolder = path => {
    if (path === 'Sent') throw new Problem('mail_server_refused', 'Not this one.')
    return getFolder(path)
  }
  const { items, coverage } = await find('tea', { in: 'a' })
  expect(items).toHaveLength(1)
  expect(coverage[0]).toMatchObject({
    answered_by: 'server',
    is_complete: false,
    omissions: [{ reason: 'folder_unreadable', folders: 1, detail: 'Sent: Not this one.' }],
  })
})
