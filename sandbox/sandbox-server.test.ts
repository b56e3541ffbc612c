/** The sandbox as a mail client sees it: over real sockets, with imapflow and nodemailer as clients. */
import { connect } from 'node:net'
import { type FetchMessageObject, ImapFlow, type SearchObject } from 'imapflow'
import { createTransport } from 'nodemailer'
import { expect, onTestFinished, test, vi } from 'vitest'
import { type SandboxAccess, type SandboxOptions, SandboxServer } from './sandbox-server.ts'
import { seedMailbox } from './seed-mailbox.ts'

async function startSandbox(options: SandboxOptions = {}): Promise<{ sandbox: SandboxServer; access: SandboxAccess }> {
  const sandbox = new SandboxServer(options)
  onTestFinished(() => sandbox.stop())
  return { sandbox, access: await sandbox.start() }
}

async function logIn(access: SandboxAccess, password = access.password): Promise<ImapFlow> {
  const client = new ImapFlow({
    host: access.host,
    port: access.imapPort,
    secure: false,
    doSTARTTLS: false,
    auth: { user: access.user, pass: password },
    logger: false,
  })
  client.on('error', () => {})
  onTestFinished(() => client.close())
  await client.connect()
  return client
}

async function sendMail(access: SandboxAccess, subject: string, pass = access.password): Promise<void> {
  const mailer = createTransport({ host: access.host, port: access.smtpPort, auth: { user: access.user, pass } })
  onTestFinished(() => mailer.close())
  await mailer.sendMail({ from: access.email, to: 'someone@example.com', subject, text: 'Grüße' })
}

function isOpen(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.unref()
  })
}

async function all(client: ImapFlow, path: string): Promise<FetchMessageObject[]> {
  const lock = await client.getMailboxLock(path, { readOnly: true })
  try {
    const items = { uid: true, flags: true, envelope: true, internalDate: true, size: true, bodyStructure: true }
    return await client.fetchAll('1:*', items, { uid: true })
  } finally {
    lock.release()
  }
}

test('the folders have their roles, and there is mail to look at in each', async () => {
  const { access } = await startSandbox()
  const client = await logIn(access)
  const folders = await client.list({ statusQuery: { messages: true, unseen: true } })
  expect(Object.fromEntries(folders.map(({ path, specialUse }) => [path, specialUse]))).toEqual({
    INBOX: '\\Inbox',
    Archive: '\\Archive',
    Drafts: '\\Drafts',
    Sent: '\\Sent',
    Junk: '\\Junk',
    Trash: '\\Trash',
    Projects: undefined,
    'Projects/Apollo': undefined,
    'Fünf & Söhne': undefined,
  })
  const empty = folders.filter(({ path, status }) => path !== 'Projects' && !status?.messages)
  expect(empty.map(({ path }) => path)).toEqual([])
  const sum = (key: 'messages' | 'unseen') => folders.reduce((total, { status }) => total + (status?.[key] ?? 0), 0)
  expect(sum('messages')).toBeGreaterThan(280)
  expect(sum('unseen')).toBeGreaterThan(25)
  expect(sum('unseen')).toBeLessThan(60)
})

test('every seeded message can be listed, and every part of it downloaded', async () => {
  const { access } = await startSandbox()
  const client = await logIn(access)
  const types = new Set<string>()
  for (const { path, status } of await client.list({ statusQuery: { messages: true } })) {
    const messages = await all(client, path)
    expect(messages.length, path).toBe(status?.messages)
    expect(messages.filter(({ envelope }) => !envelope?.date || !envelope.from?.[0]?.address)).toEqual([])
    const lock = await client.getMailboxLock(path, { readOnly: true })
    for (const { uid, bodyStructure } of messages) {
      for (const { part, type } of leaves(bodyStructure)) {
        const { content } = await client.download(String(uid), part, { uid: true })
        const bytes = content ? Buffer.concat(await content.toArray()) : Buffer.alloc(0)
        expect(bytes.length, `${path} ${uid} part ${part}`).toBeGreaterThan(0)
        if (type.startsWith('text/')) expect(bytes.toString(), `${path} ${uid}`).not.toContain('\ufffd')
        types.add(type)
      }
    }
    lock.release()
  }
  for (const type of ['text/html', 'text/calendar', 'image/png', 'application/pdf', 'text/csv', 'message/rfc822']) {
    expect(types).toContain(type)
  }
})

function leaves(node: FetchMessageObject['bodyStructure']): { part: string; type: string }[] {
  if (!node) return []
  const isLeaf = !node.childNodes?.length || node.type.startsWith('message/')
  return isLeaf ? [{ part: node.part ?? '1', type: node.type }] : (node.childNodes ?? []).flatMap(leaves)
}

test('subjects in any alphabet arrive as they were written', async () => {
  const { access } = await startSandbox()
  const client = await logIn(access)
  const subjects = [...(await all(client, 'INBOX')), ...(await all(client, 'Archive'))].map(m => m.envelope?.subject)
  for (const subject of [
    'استفسار عن محطات الطقس للمزارع',
    'שאלה לגבי חיישן הרוח',
    '気象計50台のお見積りについて',
    'Вопрос о датчике ветра',
    'मौसम केंद्र की स्थापना के बारे में',
    'Manual för väderstationen',
    'Været på gården – målinger fra høsten',
    '🎉 500th station this year! ☀️🌧️',
  ]) {
    expect(subjects).toContain(subject)
  }
})

test('a folder opened read-only gives its newest messages by UID, and reading marks nothing as read', async () => {
  const { access } = await startSandbox()
  const client = await logIn(access)
  const lock = await client.getMailboxLock('INBOX', { readOnly: true })
  expect(client.mailbox).toMatchObject({ readOnly: true })
  expect(await client.search({ uid: '1:5' }, { uid: true })).toEqual([1, 2, 3, 4, 5])
  const before = await client.search({ seen: false }, { uid: true })
  const exists = client.mailbox ? client.mailbox.exists : 0
  const newest = await client.fetchAll(`${exists - 49}:*`, { envelope: true, bodyParts: ['TEXT'] }, { uid: true })
  expect(newest.length).toBe(50)
  const cut = await client.fetchAll('1:3', { bodyParts: [{ key: 'TEXT', maxLength: 20 }] }, { uid: true })
  expect(cut.map(message => message.bodyParts?.get('text')?.length)).toEqual([20, 20, 20])
  expect(await client.search({ seen: false }, { uid: true })).toEqual(before)
  lock.release()
})

test('a search finds words as a reader sees them, in headers and texts and in any alphabet', async () => {
  const { sandbox, access } = await startSandbox()
  const client = await logIn(access)
  await client.mailboxOpen('INBOX', { readOnly: true })
  const from = '=?iso-8859-1?Q?J=FCrgen_K=F6hler?= <juergen@koehler.example>'
  sandbox.deliver({
    from,
    subject: 'Über die Straße nach Süden, ein ziemlich langer Betreff',
    text: 'Das Gerät piept.',
  })
  sandbox.deliver(
    'Subject: =?utf-8?Q?caf?= =?utf-8?Q?=C3=A9?=\r\nContent-Type: text/html; charset=iso-8859-1\r\n' +
      'Content-Transfer-Encoding: quoted-printable\r\n\r\n<p>cr=E8me<br>br=\r\n=FBl=E9e</p>\r\n',
  )
  const find = async (query: SearchObject) => {
    const uids = await client.search(query, { uid: true })
    const rows = uids ? await client.fetchAll(uids, { envelope: true }, { uid: true }) : []
    return rows.map(({ envelope }) => envelope?.subject)
  }
  const long = 'Über die Straße nach Süden, ein ziemlich langer Betreff'
  for (const query of [{ subject: 'STRASSE' }, { body: 'straße' }, { from: 'piept' }])
    expect(await find(query)).toEqual([])
  for (const query of [
    { subject: 'straße nach süden' },
    { from: 'jürgen köhler' },
    { from: 'koehler.example' },
    { body: 'das gerät' },
    { text: 'gerät', or: [{ subject: 'nothing' }, { not: { subject: 'nothing' } }] },
    { body: 'gerät', not: { or: [{ subject: 'nothing' }, { not: { from: 'jürgen' } }] } },
  ]) {
    expect([query, await find(query)]).toEqual([query, [long]])
  }
  expect(await find({ subject: 'café', body: 'crème brûlée' })).toEqual(['café'])
  expect(await find({ subject: '気象計50台' })).toEqual(['気象計50台のお見積りについて'])
  const all = await find({ all: true })
  expect(await find({ not: { larger: 1 } })).toEqual([])
  expect((await find({ from: '@' })).length).toBe(all.length - 1)
})

test('anyone who waits in IDLE hears of new mail, of changed flags and of removed messages', async () => {
  const { sandbox, access } = await startSandbox()
  const [watching, other] = [await logIn(access), await logIn(access)]
  await watching.mailboxOpen('INBOX', { readOnly: true })
  const heard: string[] = []
  watching.on('exists', ({ count, prevCount }) => heard.push(`${count - prevCount} new`))
  watching.on('flags', ({ flags }) => heard.push([...(flags ?? [])].join()))
  watching.on('expunge', () => heard.push('gone'))
  const idling = watching.idle()
  await vi.waitFor(() => expect(watching.idling).toBe(true))

  sandbox.deliver({ subject: 'Überraschung', text: 'Da.' })
  await vi.waitFor(() => expect(heard).toEqual(['1 new']))
  await other.mailboxOpen('INBOX')
  const newest = await other.fetchOne('*', { uid: true, envelope: true })
  expect(newest).toMatchObject({ envelope: { subject: 'Überraschung' } })
  await other.messageFlagsAdd('*', ['\\Flagged'])
  await vi.waitFor(() => expect(heard).toContain('\\Flagged'))
  await other.messageDelete('*')
  await vi.waitFor(() => expect(heard).toContain('gone'))
  await watching.noop()
  await idling
})

test('what the account sends arrives in its INBOX and stands in Sent', async () => {
  const { access } = await startSandbox()
  const client = await logIn(access)
  await sendMail(access, 'Ein Gruß 🚀')
  for (const [path, seen] of [
    ['INBOX', false],
    ['Sent', true],
  ] as const) {
    const newest = (await all(client, path)).at(-1)
    expect(newest?.envelope?.subject).toBe('Ein Gruß 🚀')
    expect(newest?.flags?.has('\\Seen')).toBe(seen)
  }
})

test('new mail comes by itself when asked for, and ends with the sandbox', async () => {
  const { sandbox, access } = await startSandbox({ newMailEveryMs: 20 })
  const client = await logIn(access)
  const uidNext = async () => {
    const status = await client.status('INBOX', { uidNext: true })
    return status ? (status.uidNext ?? 0) : 0
  }
  const first = await uidNext()
  await expect.poll(uidNext).toBeGreaterThan(first + 3)
  await sandbox.stop()
  expect(() => sandbox.deliver({ subject: 'Late', text: 'Too late.' })).toThrow('not running')
})

test('a wrong password is refused by both servers', async () => {
  const { access } = await startSandbox()
  await expect(logIn(access, 'wrong')).rejects.toMatchObject({ authenticationFailed: true })
  await expect(sendMail(access, 'Hello', 'wrong')).rejects.toMatchObject({ responseCode: 535 })
})

test('stopping closes both ports and all connections, and a new start is a new mailbox with a new password', async () => {
  const { sandbox, access: first } = await startSandbox({ newMailEveryMs: 50 })
  await expect(sandbox.start()).rejects.toThrow('already running')
  const client = await logIn(first)
  await client.mailboxOpen('INBOX')
  client.idle().catch(() => {})
  await vi.waitFor(() => expect(client.idling).toBe(true))
  const closed = new Promise(resolve => client.once('close', resolve))
  await sandbox.stop()
  await closed
  expect(await Promise.all([isOpen(first.imapPort), isOpen(first.smtpPort)])).toEqual([false, false])

  const second = await sandbox.start()
  expect(second.password).not.toBe(first.password)
  await expect(logIn(second, first.password)).rejects.toMatchObject({ authenticationFailed: true })
  expect((await all(await logIn(second), 'INBOX')).length).toBeGreaterThan(100)
})

test('the same seed gives the same mail to the byte, and another seed other mail', async () => {
  const now = new Date('2026-03-05T11:30:00Z')
  const bytesOf = async (seed: number) =>
    Buffer.concat((await seedMailbox({ seed, now })).flatMap(({ messages }) => messages.map(({ raw }) => raw)))
  const [one, again, other] = [await bytesOf(7), await bytesOf(7), await bytesOf(8)]
  expect(one.equals(again)).toBe(true)
  expect(one.equals(other)).toBe(false)
})
