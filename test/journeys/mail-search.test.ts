/** Search over accounts and folders as programs and agents use it: with the index on, on SQLite and PostgreSQL, and with the mail server alone. */
import { describe, expect, inject, onTestFinished, test } from 'vitest'
import { api } from '../../contract/index.ts'
import type { SearchAnswer } from '../../contract/mail-search.ts'
import { newPostgresDatabase } from '../support/databases.ts'
import { type Dovecot, startDovecot } from '../support/dovecot.ts'
import { callTool, connectMcp } from '../support/mcp-client.ts'
import { available } from '../support/require.ts'
import { apiKey, type Served, startHere } from '../support/rustymail.ts'
import { enter } from '../support/signed-in.ts'

const pdf = (name: string) =>
  [
    'MIME-Version: 1.0',
    'Content-Type: multipart/mixed; boundary=b',
    '',
    '--b',
    'Content-Type: text/plain; charset=utf-8',
    '',
    'See the enclosed figures of the harvest.',
    '--b',
    `Content-Type: application/pdf; name="${name}"`,
    `Content-Disposition: attachment; filename="${name}"`,
    'Content-Transfer-Encoding: base64',
    '',
    'JVBERg==',
    '--b--',
    '',
  ].join('\n')

const plain = (text: string) => `Content-Type: text/plain; charset=utf-8\n\n${text}\n`

interface Mail {
  to: 'alice' | 'bob'
  folder?: string
  subject: string
  from?: string
  more?: string
  rest: string
  flags?: string[]
}

/** Named by the first word of their subjects. */
const mails: Mail[] = [
  { to: 'alice', subject: 'one tea party', rest: plain('Bring the good milk, please.'), flags: ['\\Seen'] },
  { to: 'alice', subject: 'two budget', from: 'bob@x.example', rest: plain('tea costs: https://example.com/price') },
  { to: 'alice', folder: 'Archive', subject: 'three budget', more: 'Cc: eve@x.example\n', rest: plain('nothing') },
  { to: 'alice', folder: 'Sent', subject: 'four figures', rest: pdf('harvest-2026.pdf') },
  { to: 'alice', subject: 'five =?utf-8?B?5Lya6K2w44Gu6LOH5paZ?=', rest: plain('東京で会います。'), flags: ['Work'] },
  { to: 'bob', subject: 'six tea', rest: plain('With milk and honey.'), flags: ['\\Flagged'] },
  { to: 'bob', folder: 'Archive', subject: 'seven', rest: plain('No leaves left. Größe und Straße.') },
]

async function fill(dovecot: Dovecot): Promise<void> {
  for (const [
    index,
    { to, folder = 'INBOX', subject, from = 'anna@x.example', more = '', rest, flags },
  ] of mails.entries()) {
    const id = `Message-ID: <${index}@x.example>\n`
    const head = `From: Anna <${from}>\nTo: ${to}@test.local\n${id}Subject: ${subject}\n${more}`
    await dovecot.appendMessage(`${to}@test.local`, `${head}${rest}`, folder, flags)
  }
}

async function connect(run: Served, dovecot: Dovecot, name: string): Promise<string> {
  const user = `${name}@test.local`
  const server = { host: '127.0.0.1', port: dovecot.imapPort, tls: 'none', user, password: `pw-${name}` }
  return (await run.call(api.accounts.createAccount, { body: { email: user, imap: server } })).id
}

const wordsOf = ({ items }: SearchAnswer) => items.map(({ subject }) => subject.split(' ')[0]).toSorted()

/** Queries that IMAP supports too. */
const queries: [q: string, found: string[]][] = [
  ['subject:tea', ['one', 'six']],
  ['tea', ['one', 'six', 'two']],
  ['tea -milk', ['two']],
  ['tea OR budget', ['one', 'six', 'three', 'two']],
  ['(tea OR budget) is:read', ['one']],
  ['budget -(from:bob cc:eve) -from:bob', ['three']],
  ['-(tea OR budget OR figures)', ['five', 'seven']],
  ['"good milk"', ['one']],
  ['bud*', ['three', 'two']],
  ['body:milk', ['one', 'six']],
  ['東京', ['five']],
  ['会議', ['five']],
  ['subject:資料 label:work', ['five']],
  ['größe', ['seven']],
  ['cc:eve OR is:flagged', ['six', 'three']],
  ['in:archive', ['seven', 'three']],
  ['in:sent OR subject:seven', ['four', 'seven']],
  ['budget -in:archive', ['two']],
  ['larger:100 after:2020-01-01 subject:tea', ['one', 'six']],
  ['before:2020-01-01', []],
  ['xyzzy', []],
]

/** Queries that only the index supports. */
const ofIndex: [q: string, found: string[]][] = [
  ['has:attachment', ['four']],
  ['has:link', ['two']],
  ['filename:harvest', ['four']],
  ['tea OR filename:harv*', ['four', 'one', 'six', 'two']],
]

async function indexedAccounts(environment: Record<string, string>) {
  const dovecot = await startDovecot()
  onTestFinished(() => dovecot.stop())
  await fill(dovecot)
  const run = await startHere({ environment })
  const [alice, bob] = [await connect(run, dovecot, 'alice'), await connect(run, dovecot, 'bob')]
  const find = (q: string, query: Record<string, string> = {}) =>
    run.call(api.mailSearch.searchMail, { query: { q, ...query } })
  return { dovecot, run, alice, bob, find }
}

async function untilIndexed(run: Served, ...accounts: string[]): Promise<void> {
  for (const account_id of accounts) {
    const state = async () => (await run.call(api.mailIndex.getIndex, { params: { account_id } })).state
    await expect.poll(state, { interval: 50 }).toBe('complete')
  }
}

function suite(database: () => Promise<Record<string, string>>): void {
  test('one language finds the same in the index as on the mail server, over all folders and accounts', async () => {
    const { run, alice, bob, find, dovecot } = await indexedAccounts({ ...(await database()), RUSTYMAIL_INDEX: 'text' })
    await untilIndexed(run, alice, bob)
    for (const [q, found] of [...queries, ...ofIndex]) expect([q, wordsOf(await find(q))]).toEqual([q, found])
    const answer = await find('milk', { facets: 'true', preview: 'true' })
    expect(answer.coverage).toMatchObject(
      [alice, bob].map(account_id => ({ account_id, answered_by: 'index', is_complete: true, server_folders: 0 })),
    )
    expect(answer).toMatchObject({ total: 2, is_total_exact: true, next_cursor: null })
    const { text = '', hits = [] } = answer.items.find(({ account_id }) => account_id === alice)?.snippet ?? {}
    expect(hits.map(([from = 0, to]) => text.slice(from, to))).toEqual(['milk'])
    expect(answer.items.map(({ preview }) => preview)).toContain('With milk and honey.')
    const all = (await find('x.example', { facets: 'true' })).facets!
    expect(all.folders).toContainEqual({ account_id: bob, path: 'INBOX', count: 1 })
    expect(all.senders[0]).toEqual({ email: 'anna@x.example', name: 'Anna', count: 6 })
    expect(all.years.map(({ count }) => count)).toEqual([7])
    expect(all).toMatchObject({ counted: 7, is_complete: true })
    // The same searches by the mail servers alone.
    const other = await startHere({ environment: { RUSTYMAIL_INDEX: 'off' } })
    for (const name of ['alice', 'bob']) await connect(other, dovecot, name)
    for (const [q, found] of queries) {
      const asked = await other.call(api.mailSearch.searchMail, { query: { q } })
      expect([q, wordsOf(asked)]).toEqual([q, found])
      expect(asked.coverage.every(each => each.answered_by === 'server' && each.is_complete)).toBe(true)
    }
    const refused = await other.send('GET', `${api.mailSearch.searchMail.path}?q=tea+has:attachment`)
    const { errors } = (await refused.json()) as { errors: unknown }
    expect([refused.status, errors]).toEqual([
      400,
      [{ path: 'query.q', at: 5, message: expect.stringContaining('requires the local index') }],
    ])
  })

  test('pages stay as they are while mail comes, and a token sees its own accounts and no texts', async () => {
    const { run, alice, bob, find, dovecot } = await indexedAccounts({ ...(await database()), RUSTYMAIL_INDEX: 'text' })
    await untilIndexed(run, alice, bob)
    for (const sort of ['date', 'relevance']) {
      const whole = (await find('x.example', { sort })).items.map(({ id }) => id)
      expect(whole).toHaveLength(sort === 'date' ? 7 : 8)
      const seen: string[] = []
      for (let cursor: string | null | undefined; cursor !== null; ) {
        const page = await find('x.example', { sort, limit: '3', ...(cursor && { cursor }) })
        seen.push(...page.items.map(({ id }) => id))
        if (cursor === undefined && sort === 'date') {
          const news = `From: new@x.example\nMessage-ID: <new@x.example>\nSubject: eight\n${plain('tea')}`
          await dovecot.appendMessage('alice@test.local', news)
          await expect.poll(async () => wordsOf(await find('eight'))).toEqual(['eight'])
        }
        cursor = page.next_cursor
      }
      expect(seen).toEqual(whole)
    }
    const made = await fetch(run.url + api.tokens.createToken.path, {
      method: 'POST',
      headers: { origin: run.url, cookie: await enter(run.url), 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'heads', scopes: ['mail:meta'], accounts: [alice] }),
    })
    const { token } = api.tokens.createToken.response.parse(await made.json())
    const ask = async (path: string) => {
      const answer = await fetch(run.url + path, { headers: { authorization: `Bearer ${token}` } })
      return { status: answer.status, body: await answer.text() }
    }
    const search = async (q: string, more = '') =>
      JSON.parse(
        (await ask(`${api.mailSearch.searchMail.path}?q=${encodeURIComponent(q)}${more}`)).body,
      ) as SearchAnswer
    expect(wordsOf(await search('tea'))).toEqual(['one'])
    for (const q of ['milk', '"good milk"', '東京', 'harvest', 'mil*', 'milk OR 東京']) {
      const found = await search(q, '&sort=relevance&facets=true&preview=true')
      expect([q, found.items, found.total, found.facets]).toEqual([
        q,
        [],
        0,
        { folders: [], senders: [], years: [], counted: 0, is_complete: true },
      ])
    }
    const all = wordsOf(await search('is:unread OR is:read'))
    for (const q of ['-milk', '-東京', '-(harvest milk)']) expect([q, wordsOf(await search(q))]).toEqual([q, all])
    for (const q of ['body:milk', '-body:milk', 'has:link', 'a OR filename:harvest']) {
      const { status, body } = await ask(`${api.mailSearch.searchMail.path}?q=${encodeURIComponent(q)}`)
      expect([q, status, body]).toEqual([q, 400, expect.stringContaining('requires mail:read')])
    }
    const { body } = await ask(`${api.mailSearch.searchMail.path}?q=budget&facets=true&preview=true`)
    expect(body).not.toMatch(/price|nothing|snippet":\{/)
    expect(JSON.stringify(await search('x.example', '&facets=true'))).not.toContain(bob)
    const hidden = await ask(`${api.mailSearch.searchMail.path}?q=tea&account=${bob}`)
    const absent = await ask(`${api.mailSearch.searchMail.path}?q=tea&account=0123456789abcdef`)
    expect([hidden.status, absent.status]).toEqual([404, 404])
    expect((await ask(`/api/v1/accounts/${bob}/search?q=tea`)).status).toBe(404)
    // Threads show how their newest message begins, to callers that may read it.
    const threads = `/api/v1/accounts/${alice}/threads`
    const { items } = await run.call(api.mailIndex.listThreads, {
      params: { account_id: alice },
      query: { preview: 'true' },
    })
    const milk = items.find(({ newest }) => newest.preview === 'Bring the good milk, please.')!
    const query = { preview: 'true' } as const
    const params = { account_id: alice, thread_id: milk.id }
    const whole = await run.call(api.mailIndex.getThread, { params, query })
    expect(whole.messages.map(({ preview }) => preview)).toContain('Bring the good milk, please.')
    for (const path of [threads, `${threads}/${milk.id}`]) {
      const plainly = await (await run.send('GET', path)).text()
      const asked = await ask(`${path}?preview=true`)
      expect([path, asked.status, asked.body]).toEqual([path, 200, plainly])
      expect(plainly).not.toMatch(/"preview"|milk/)
      expect((await ask(`${path.replace(alice, bob)}?preview=true`)).status).toBe(404)
      expect((await ask(`${path}?preview=yes`)).status).toBe(400)
    }
    const client = await connectMcp(run.url, { authorization: `Bearer ${token}` })
    const { value } = await callTool(client, 'mail_search', { q: 'tea' })
    expect(value).toMatchObject({ hits: [{ subject: 'one tea party' }], total: 1 })
    expect(JSON.stringify(value)).not.toContain('snippet')
    // The API key may read all of it.
    const { value: read } = await callTool(
      await connectMcp(run.url, { authorization: `Bearer ${apiKey}` }),
      'mail_search',
      { q: 'milk' },
    )
    expect(read).toMatchObject({ total: 2 })
    expect((read.hits as { snippet?: string }[]).map(({ snippet }) => snippet)).toContain('With milk and honey.')
  })
}

describe.skipIf(!available('dovecot'))('on Dovecot, with SQLite', () => suite(async () => ({})))

const postgresUrl = inject('postgresUrl')
describe.skipIf(!available('dovecot') || postgresUrl === undefined)('on Dovecot, with PostgreSQL', () =>
  suite(async () => ({ RUSTYMAIL_DATABASE_URL: await newPostgresDatabase(postgresUrl!) })),
)
