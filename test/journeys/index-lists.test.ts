/** Lists from the index on a real mail server: equal to the server's, current, and limited by the caller's rights. */
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { api } from '../../contract/index.ts'
import { type Dovecot, startDovecot } from '../support/dovecot.ts'
import { callTool, connectMcp } from '../support/mcp-client.ts'
import { toRaw } from '../support/mime.ts'
import { type OpenStream, openStream } from '../support/open-stream.ts'
import { startApp } from '../support/people.ts'
import type { RawImap } from '../support/raw-imap.ts'
import { available } from '../support/require.ts'
import { apiKey, type Served, startHere } from '../support/rustymail.ts'
import { structuredMails } from '../support/structured-mails.ts'

type Json = Record<string, unknown>
interface List {
  items: (Json & { id: string; ref: string; thread_id: string; subject: string; flags: string[] })[]
  next_cursor: string | null
  source: string
  as_of: string
}

const authorization = `Bearer ${apiKey}`
const environment = { RUSTYMAIL_INDEX: 'text' }
const onServer = { RUSTYMAIL_INDEX: 'off' }
const people = (count: number) => Array.from({ length: count }, (_, number) => `P${number} <p${number}@x.example>`)

/** Odd headers, each in its own way. */
const oddHeads = [
  'Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nFrom: =?iso-8859-1?q?J=F6rg?= <joerg@x.example>',
  `Subject: many\r\nFrom: ${people(25).join(', ')}\r\nTo: ${people(130).join(', ')}`,
  'Subject: paypal\r\nFrom: "service@paypal.com" <a@evil.example>',
  'Subject: look\r\nFrom: Anna <anna@paypa1.com>',
  `Subject: ${'long '.repeat(400)}\r\nFrom: x@x.example`,
  'From: nobody',
  'X-None: 1',
  'Subject: group\r\nFrom: x@x.example\r\nTo: undisclosed-recipients:;',
  'Subject: one\r\nSubject: two\r\nFrom: a@x.example\r\nFrom: b@x.example',
  'Subject: \u202etxt.exe\r\nFrom: "a\u200bb" <a@x.example>',
  'Subject: bare \xe9\xe8\r\nFrom: \xe9 <e@x.example>',
  'Subject: no id\r\nFrom: x@x.example\r\nDate: yesterday',
  'Subject: id\r\nMessage-ID: <same@x.example>\r\nFrom: x@x.example',
  'Subject: id\r\nMessage-ID: <same@x.example>\r\nFrom: x@x.example',
]

async function fill(imap: RawImap): Promise<void> {
  for (const [name, { root }] of Object.entries(structuredMails)) {
    await imap.append('INBOX', toRaw({ subject: name, from: { name: 'Bob', email: 'bob@test.local' }, root }))
  }
  for (const [index, head] of oddHeads.entries()) {
    const flags = [['\\Seen'], ['zeta', 'Alpha', '\\Flagged'], [], ['\\Deleted', '\\Answered', '\\Seen', '$Work']]
    await imap.append('INBOX', `${head}\r\n\r\nbody of ${index}\r\n`, flags[index % flags.length])
  }
  for (const folder of ['Archive', 'Sent/Old', 'Entw&APw-rfe']) {
    await imap.run(`CREATE "${folder}"`)
    await imap.append(folder, `Subject: in ${folder}\r\nMessage-ID: <${folder}@x>\r\n\r\nhello\r\n`)
  }
  await imap.run('SUBSCRIBE Archive')
}

const get = async (run: Served, path: string) => {
  const answer = await run.send('GET', path)
  const text = await answer.text()
  if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${text}`)
  return JSON.parse(text) as Json
}

const listPath = (id: string, query: Record<string, string> = {}) =>
  `/api/v1/accounts/${id}/messages?${new URLSearchParams(query)}`
const list = async (run: Served, id: string, query: Record<string, string> = {}) =>
  (await get(run, listPath(id, query))) as unknown as List

/** Returns all pages of a folder, checked against the contract. */
async function allPages(run: Served, id: string, folder: string, source: string): Promise<Json[]> {
  const pages: Json[] = []
  for (let cursor: string | null = ''; cursor !== null; ) {
    const query = { folder, limit: '7', preview: 'true', ...(cursor !== '' && { cursor }) }
    const page = await list(run, id, query)
    expect([folder, page.source]).toEqual([folder, source])
    expect(api.mail.listMessages.response.parse(page)).toEqual(page)
    pages.push(page as unknown as Json)
    cursor = page.next_cursor
  }
  return pages
}

/** Removes what only the index knows, and when. */
function withoutAdded(page: Json): Json {
  const { source: _source, as_of: _asOf, ...rest } = page
  const items = (rest.items as Json[]).map(({ id: _id, thread_id: _thread, preview: _preview, ...item }) => item)
  return { ...rest, items }
}

const untilIndexed = (run: Served, id: string, folders = ['INBOX']) =>
  expect
    .poll(
      async () => Promise.all(folders.map(async folder => (await list(run, id, { folder, preview: 'true' })).source)),
      {
        timeout: 60_000,
        interval: 50,
      },
    )
    .toEqual(folders.map(() => 'index'))

const startedStream = async (run: Served, types: string) => {
  const stream = await openStream(`${run.url}/api/dashboard/events?types=${types}`, { authorization })
  await stream.next('welcome')
  return stream
}
const received = async (stream: OpenStream) => (await stream.next('mail_received')).data as Json

describe.skipIf(!available('dovecot'))('on Dovecot', () => {
  let dovecot: Dovecot
  const body = (user: string) => {
    const imap = { host: '127.0.0.1', port: dovecot.imapPort, tls: 'none', user: `${user}@test.local` }
    return { email: `${user}@test.local`, imap: { ...imap, password: `pw-${user}` } }
  }
  const add = async (run: Served, user: string) => (await run.call(api.accounts.createAccount, { body: body(user) })).id
  const login = async (user: string) => {
    const imap = await dovecot.login(`${user}@test.local`)
    onTestFinished(() => imap.close())
    return imap
  }

  beforeAll(async () => {
    dovecot = await startDovecot()
    return () => dovecot.stop()
  })

  test('after a restart lists come from the index before the mail server has answered anything', async () => {
    // A Dovecot of its own, since it is frozen.
    const dovecot = await startDovecot()
    onTestFinished(() => dovecot.stop())
    const message = (name: string) => `Subject: ${name}\nMessage-ID: <${name}@x>\n\nhello\n`
    await dovecot.appendMessage('alice@test.local', message('here'))
    const first = await startHere({ environment })
    const { dataDir } = first
    const imap = { host: '127.0.0.1', port: dovecot.imapPort, tls: 'none', user: 'alice@test.local' }
    const account = { email: 'alice@test.local', imap: { ...imap, password: 'pw-alice' } }
    const { id } = await first.call(api.accounts.createAccount, { body: account })
    await untilIndexed(first, id)
    const before = await list(first, id)
    await first.stop()
    const stopped = Date.now()

    dovecot.freeze()
    const second = await startHere({ environment, dataDir })
    const after = await list(second, id)
    expect(after).toMatchObject({ items: before.items, source: 'index' })
    expect(Date.parse(after.as_of)).toBeLessThan(stopped)
    dovecot.thaw()
    await dovecot.appendMessage('alice@test.local', message('new'))
    const now = async () => (await list(second, id)).items.map(({ subject }) => subject)
    await expect.poll(now).toEqual(['new', 'here'])
  })

  test('lists and folders are the same from the index and from the mail server', async () => {
    const user = dovecot.newUser()
    const imap = await login(user)
    await fill(imap)
    const run = await startHere({ environment })
    const { dataDir } = run
    const id = await add(run, user)
    const folders = ['INBOX', 'Archive', 'Sent/Old', 'Entwürfe']
    // Immediately, before anything is indexed.
    expect((await list(run, id)).items).toHaveLength(50)
    await untilIndexed(run, id, folders)
    const indexed = await Promise.all(folders.map(folder => allPages(run, id, folder, 'index')))
    const foldersPath = `/api/v1/accounts/${id}/folders`
    const [counted, bare] = [await get(run, foldersPath), await get(run, `${foldersPath}?counts=false`)]
    expect([counted.source, bare.source]).toEqual(['index', 'index'])
    expect(api.mail.listFolders.response.parse(counted)).toEqual(counted)
    await run.stop()

    const other = await startHere({ environment: onServer, dataDir })
    const asked = await Promise.all(folders.map(folder => allPages(other, id, folder, 'mail_server')))
    for (const [index, pages] of indexed.entries()) {
      expect(pages.map(withoutAdded)).toEqual(asked[index]!.map(withoutAdded))
    }
    const shown = ({ items, omitted, next_cursor }: Json) => ({ items, omitted, next_cursor })
    await expect.poll(async () => ((await get(other, foldersPath)).counts as Json).state).toBe('complete')
    expect(shown(counted)).toEqual(shown(await get(other, foldersPath)))
    expect(shown(bare)).toEqual(shown(await get(other, `${foldersPath}?counts=false`)))
    await other.stop()
  })

  test('a flag that another program sets is in the list once it is told, and a moved message is found by its id', async () => {
    const user = dovecot.newUser()
    const imap = await login(user)
    await imap.run('CREATE Archive')
    for (const subject of ['one', 'two', 'three']) {
      await imap.append(
        'INBOX',
        `Subject: ${subject}\r\nMessage-ID: <${subject}@x>\r\nFrom: a@x.example\r\n\r\n${subject}\r\n`,
      )
    }
    const run = await startHere({ environment })
    const id = await add(run, user)
    await untilIndexed(run, id, ['INBOX', 'Archive'])
    const stream = await startedStream(run, 'mail_changed,mail_removed,mail_received')
    const [newest, second] = (await list(run, id)).items
    await imap.run('SELECT INBOX')
    await imap.run('UID STORE 3 +FLAGS (\\Flagged later)')
    await stream.next('mail_changed')
    const after = await list(run, id)
    expect(after).toMatchObject({
      source: 'index',
      items: [{ id: newest!.id, flags: ['flagged'], keywords: ['later'] }, {}, {}],
    })

    const messagePath = (name: string) => `/api/v1/accounts/${id}/messages/${name}`
    expect(await get(run, messagePath(newest!.id))).toEqual(await get(run, messagePath(newest!.ref)))
    await imap.run('UID MOVE 3 Archive')
    const moved = await get(run, messagePath(newest!.id))
    expect(moved).toMatchObject({ subject: 'three', text: expect.stringContaining('three') })
    expect(moved.ref).not.toBe(newest!.ref)
    expect((await run.send('GET', messagePath(newest!.ref))).status).toBe(404)
    expect((await list(run, id, { folder: 'Archive' })).items).toMatchObject([{ id: newest!.id, ref: moved.ref }])
    const part = await run.send('GET', `${messagePath(newest!.id)}/attachments/1`)
    expect([part.status, await part.text()]).toEqual([200, 'three\r\n'])
    const client = await connectMcp(run.url, { authorization })
    const refs = [`${id}.${newest!.id}`]
    expect((await callTool(client, 'mail_read', { refs })).value).toMatchObject({ messages: [{ subject: 'three' }] })
    expect((await callTool(client, 'mail_folders', { role: 'archive' })).value).toEqual({
      folders: [{ path: 'Archive', role: 'archive', total: 1, unread: 1 }],
    })

    await imap.run('UID STORE 2 +FLAGS (\\Deleted)')
    await imap.run('UID EXPUNGE 2')
    expect((await run.send('GET', messagePath(second!.id))).status).toBe(404)
    expect((await run.send('GET', messagePath('AAAAAAAAAAAAAAAAAAAA'))).status).toBe(404)
    await run.stop()
  })

  test('new mail is announced by its id, once, and not when it is moved back', async () => {
    const user = dovecot.newUser()
    const imap = await login(user)
    await imap.run('CREATE Archive')
    const deliver = (subject: string) =>
      imap.append(
        'INBOX',
        `Subject: ${subject}\r\nMessage-ID: <${subject}@x>\r\nFrom: a@x.example\r\n\r\n${subject}\r\n`,
      )
    await deliver('before')
    const run = await startHere({ environment })
    const { dataDir } = run
    const id = await add(run, user)
    await untilIndexed(run, id, ['INBOX', 'Archive'])
    const stream = await startedStream(run, 'mail_received,mail_changed')
    await deliver('first')
    const first = await received(stream)
    const [listed] = (await list(run, id)).items
    expect(first).toMatchObject({ id: listed!.id, thread_id: listed!.thread_id, ref: listed!.ref, subject: 'first' })

    await imap.run('SELECT INBOX')
    await imap.run(`UID MOVE ${first.uid} Archive`)
    // Answered once its current place is known.
    await get(run, `/api/v1/accounts/${id}/messages/${first.id}`)
    await imap.run('SELECT Archive')
    await imap.run('UID MOVE 1 INBOX')
    const { uid } = await deliver('second')
    expect(await received(stream)).toMatchObject({ uid, subject: 'second' })
    const { id: lastEventId } = stream.events.findLast(({ event }) => event === 'mail_received')!
    await run.stop()

    await deliver('missed')
    const again = await startHere({ environment, dataDir })
    const resumed = await openStream(`${again.url}/api/dashboard/events?types=mail_received`, {
      authorization,
      'last-event-id': lastEventId!,
    })
    expect(await received(resumed)).toMatchObject({
      id: expect.stringMatching(/^.{20}$/),
      thread_id: expect.any(String),
    })
    await deliver('last')
    const last = await received(resumed)
    await untilIndexed(again, id)
    expect((await list(again, id)).items).toMatchObject([{ id: last.id }, {}, {}, {}, { subject: 'before' }])
    expect(resumed.events.filter(({ event }) => event === 'mail_received')).toHaveLength(2)
    await again.stop()
  })

  test('callers that may see less get no more from the index', async () => {
    const { people: all } = await startApp({ environment })
    const make = (user: string) =>
      all.tell<{ id: string }>(all.admin, 'POST', api.accounts.createAccount.path, body(user))
    const user = dovecot.newUser()
    const imap = await login(user)
    await imap.append('INBOX', 'Subject: secret\r\nMessage-ID: <s@x>\r\nFrom: a@x.example\r\n\r\nhiddenwords\r\n')
    const [{ id: dave }, { id: bob }] = [await make(user), await make(dovecot.newUser())]
    const query = { preview: 'true' }
    const listed = async (proof: Record<string, string>) => all.ask(proof, 'GET', listPath(dave, query))
    await expect.poll(async () => JSON.parse((await listed(all.admin)).text).source).toBe('index')
    const whole = JSON.parse((await listed(all.admin)).text) as List
    expect(whole.items).toMatchObject([{ preview: 'hiddenwords', subject: 'secret' }])

    const meta = (await all.token(['mail:meta'], [dave])).proof
    const seen = JSON.parse((await listed(meta)).text) as List
    expect(seen.items).toMatchObject([{ id: whole.items[0]!.id, subject: 'secret' }])
    expect(seen.items[0]).not.toHaveProperty('preview')
    expect(JSON.stringify(seen)).not.toContain('hiddenwords')

    const narrow = (await all.token(['mail:read'], [bob])).proof
    const message = `/api/v1/accounts/${dave}/messages/${whole.items[0]!.id}`
    const paths = [listPath(dave, query), message, `${message}/attachments/1`, `/api/v1/accounts/${dave}/folders`]
    for (const path of paths) {
      const { status, text } = await all.ask(narrow, 'GET', path)
      expect([path, status]).toEqual([path, 404])
      expect(text).not.toMatch(/secret|hiddenwords/)
    }
    // The id of another account's message matches nothing in one's own.
    expect((await all.ask(narrow, 'GET', message.replace(dave, bob))).status).toBe(404)
    for (const path of [message, `${message}/attachments/1`])
      expect((await all.ask(meta, 'GET', path)).status).toBe(403)
  })
})
