/** Mail as programs get it, on a mail server in memory. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { mailApi } from '../../contract/mail.ts'
import { partsReader } from '../../test/support/parts-reader.ts'
import { MemoryGateway } from '../imap/adapters/memory-gateway.ts'
import { ConnectionPool } from '../imap/connection-pool.ts'
import { MessageRefs } from '../imap/message-ref.ts'
import { createLogger } from '../platform/logger.ts'
import { everyScope, type Principal, scopeSet } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import { SecretBox, Signer } from '../platform/secret-box.ts'
import { cleanHtml } from '../reading/clean-html.ts'
import { MailService } from './mail-service.ts'

const { signal } = new AbortController()
const someone: Principal = { id: 'p', name: 'P', kind: 'session', userId: null, scopes: everyScope, accounts: 'all' }
const cleaner = { clean: async (source: string, remote: boolean) => cleanHtml({ source, remote }) }
const refs = new MessageRefs(new Signer(new SecretBox(Buffer.alloc(32, 7)).derive('refs')))

const ownerOf = async () => ({ email: 'ann@own.example', imapHost: 'imap.gmail.com' })
let gateway: MemoryGateway
let pool: ConnectionPool
let mail: MailService

beforeEach(() => {
  gateway = new MemoryGateway()
  pool = new ConnectionPool({
    gateway,
    login: async user => ({ host: 'memory', port: 143, tls: 'none', user, password: 'secret' }),
    limits: { connection_timeout_seconds: 5, max_connections: 10, connection_pool_size: 2 },
    health: { setConnections: () => undefined },
    logger: createLogger('silent'),
  })
  mail = new MailService({ pool, refs, cleaner, parts: partsReader(), ownerOf })
})
afterEach(() => pool.stop())

const list = (query: { folder?: string; limit?: number; cursor?: string } = {}, account = 'a') =>
  mail.listMessages(someone, account, { folder: 'INBOX', limit: 50, ...query }, signal)

async function refOf(subject: string): Promise<string> {
  const found = (await list()).items.find(item => item.subject === subject)
  if (!found) throw new Error(`no message ${subject}`)
  return found.ref
}

test('what is answered is what the contract promises', async () => {
  gateway.deliver({ subject: 'hello', text: 'hi', from: [{ name: 'Bob', email: 'bob@x' }] })
  mailApi.listFolders.response.parse(await mail.listFolders(someone, 'a', { counts: true, limit: 100 }, signal))
  mailApi.listMessages.response.parse(await list())
  const message = mailApi.getMessage.response.parse(await mail.getMessage(someone, 'a', await refOf('hello'), signal))
  expect(message).toMatchObject({ subject: 'hello', text: 'hi', uid: 1, uid_validity: 1000 })
})

test('what is not known of a message is said in the list and in the message, with how much there is of it', async () => {
  const people = Array.from({ length: 100 }, (_, index) => ({ name: null, email: `a${index}@x` }))
  const file = { id: '2', name: 'f', type: 'a/b', size_bytes: 1, is_inline: false, content_id: null }
  const lists = { to: people, toCount: 100_000, attachments: Array(150).fill(file), attachmentCount: 9_999 }
  gateway.deliver({ subject: 'much', faults: ['structure_too_large'], hasAttachments: true, ...lists })
  const said = { faults: ['structure_too_large'], to_count: 100_000, has_attachments: true }
  const [listed] = mailApi.listMessages.response.parse(await list()).items
  expect(listed).toMatchObject({ ...said, to: people.slice(0, 20) })
  const message = mailApi.getMessage.response.parse(await mail.getMessage(someone, 'a', await refOf('much'), signal))
  expect(message).toMatchObject({ ...said, to: people, attachment_count: 9_999 })
  expect(message.attachments).toHaveLength(100)
})

test('a list says how messages begin for callers that ask for it and may read mail, and stands without it too', async () => {
  gateway.deliver({ subject: 'text', text: `Dear Ann,\n\nthe plan is   ready. ${'x'.repeat(400)}\n\n> what you wrote` })
  gateway.deliver({ subject: 'none', html: '<p>only this</p>' })
  const previews = async (query: { preview?: 'true' | 'false' }, as = someone) => {
    const found = await mail.listMessages(as, 'a', { folder: 'INBOX', limit: 50, ...query }, signal)
    return mailApi.listMessages.response.parse(found).items.map(({ preview }) => preview)
  }
  const [none, text] = await previews({ preview: 'true' })
  expect(none).toBeNull()
  expect(text).toMatch(/^Dear Ann, the plan is ready\. x+…$/)
  expect(text).toHaveLength(200)
  const heads: Principal = { ...someone, scopes: scopeSet(['mail:meta']) }
  expect([
    await previews({}),
    await previews({ preview: 'false' }),
    await previews({ preview: 'true' }, heads),
  ]).toEqual(Array(3).fill([undefined, undefined]))
  gateway.delay = step => {
    if (step === 'listPreviews') throw new Problem('mail_server_refused', 'Not now.')
  }
  expect(await previews({ preview: 'true' })).toEqual([null, null])
})

test('a cursor leads through all messages once, newest first, also when new ones come in between', async () => {
  for (let number = 1; number <= 7; number++) gateway.deliver({ subject: `${number}` })
  const seen: string[] = []
  let cursor: string | undefined
  do {
    const page = await list({ limit: 3, ...(cursor ? { cursor } : {}) })
    seen.push(...page.items.map(item => item.subject))
    cursor = page.next_cursor ?? undefined
    gateway.deliver({ subject: 'new' })
  } while (cursor)
  expect(seen).toEqual(['7', '6', '5', '4', '3', '2', '1'])
})

test('an account that the caller may not see does not exist for it', async () => {
  const stranger: Principal = { ...someone, accounts: new Set(['b']) }
  await expect(mail.listFolders(stranger, 'a', { counts: true, limit: 100 }, signal)).rejects.toMatchObject({
    code: 'account_not_found',
  })
})

test('a folder that is not there, or that nothing can be named, is not found', async () => {
  for (const folder of ['Nowhere', 'IN\r\nBOX', 'x'.repeat(1000)]) {
    await expect(list({ folder })).rejects.toMatchObject({ code: 'folder_not_found', status: 404 })
  }
})

describe('references', () => {
  test('lead to their message in any folder name that a server allows', async () => {
    for (const folder of ['Übergrößen/日本', 'x'.repeat(430)]) {
      gateway.addFolder(folder)
      gateway.deliver({ subject: 'there' }, folder)
      const [item] = (await list({ folder })).items
      expect(mailApi.getMessage.params?.safeParse({ account_id: 'a', ref: item?.ref }).success).toBe(true)
      expect((await mail.getMessage(someone, 'a', item?.ref ?? '', signal)).subject).toBe('there')
    }
  })

  test('of another account, changed in one place, cut or invented are not found', async () => {
    gateway.deliver({ subject: 'mine' })
    const ref = await refOf('mine')
    const swapped = ref.slice(0, 6) + (ref[6] === 'A' ? 'B' : 'A') + ref.slice(7)
    const cursor = refs.encodeCursor('a', 'INBOX', { uidValidity: 1000, beforeUid: 1 })
    for (const forged of [swapped, ref.slice(0, -1), `${ref}A`, 'AAAAAAAAAAAA', '', '%%%', cursor]) {
      await expect(mail.getMessage(someone, 'a', forged, signal)).rejects.toMatchObject({ code: 'message_not_found' })
    }
    await expect(mail.getMessage(someone, 'b', ref, signal)).rejects.toMatchObject({ code: 'message_not_found' })
  })

  test('to a message that is gone are not found, and to a folder recreated are stale', async () => {
    gateway.deliver({ subject: 'soon gone' })
    const ref = await refOf('soon gone')
    gateway.getFolder('INBOX').messages = []
    await expect(mail.getMessage(someone, 'a', ref, signal)).rejects.toMatchObject({ code: 'message_not_found' })
    gateway.getFolder('INBOX').uidValidity++
    await expect(mail.getMessage(someone, 'a', ref, signal)).rejects.toMatchObject({ code: 'stale_ref' })
  })
})

test('a cursor of another folder or account is refused, and one of a folder recreated is stale', async () => {
  for (let number = 0; number < 3; number++) gateway.deliver()
  const cursor = (await list({ limit: 1 })).next_cursor ?? ''
  await expect(list({ cursor, folder: 'Archive' })).rejects.toMatchObject({ code: 'bad_request' })
  await expect(list({ cursor }, 'b')).rejects.toMatchObject({ code: 'bad_request' })
  await expect(list({ cursor: 'made-up' })).rejects.toMatchObject({ code: 'bad_request' })
  gateway.getFolder('INBOX').uidValidity++
  await expect(list({ cursor })).rejects.toMatchObject({ code: 'stale_cursor' })
})

describe('the document for the frame', () => {
  const htmlOf = async (subject: string, remote = false) =>
    mail.messageHtml(someone, 'a', await refOf(subject), remote, signal)

  test('opens links elsewhere and does not say where they were', async () => {
    gateway.deliver({ subject: 'links', html: '<a href="https://x.example" rel="opener" target="_self">go</a>' })
    const html = await htmlOf('links')
    expect(html).toMatch(/^<!doctype html><html><head><meta charset="utf-8">/)
    const rights = 'target="_blank" rel="noopener noreferrer" referrerpolicy="no-referrer"'
    expect(html).toContain(`<a href="https://x.example/" ${rights}>go</a>`)
    expect(html).not.toMatch(/opener"|_self/)
  })

  test('names a picture from outside only when the reader asked for it', async () => {
    gateway.deliver({ subject: 'remote', html: '<img src="https://x.example/p.png" alt="A picture">' })
    expect(await htmlOf('remote')).toContain('<img alt="A picture">')
    expect(await htmlOf('remote', true)).toContain('<img src="https://x.example/p.png" alt="A picture">')
  })

  test('shows a message without HTML as its text, and no markup in it counts', async () => {
    gateway.deliver({ subject: 'text', text: '1 < 2 & <script>alert(1)</script>' })
    expect(await htmlOf('text')).toContain(
      '<body><pre dir="auto">1 &lt; 2 &amp; &lt;script&gt;alert(1)&lt;/script&gt;</pre></body>',
    )
  })

  test('takes the direction of a message from its words, unless its sender states one', async () => {
    const hebrew = '\u05e9\u05dc\u05d5\u05dd'
    gateway.deliver({ subject: 'auto', html: `<p>${hebrew}` })
    expect(await htmlOf('auto')).toContain(`<body dir="auto"><p>${hebrew}`)
    gateway.deliver({ subject: 'stated', html: `<html dir="LTR"><body bgcolor="#fff"><p>${hebrew}` })
    expect(await htmlOf('stated')).toContain('<body bgcolor="#fff" dir="ltr">')
    gateway.deliver({ subject: 'both', html: `<html dir="rtl"><body dir="ltr"><p>${hebrew}` })
    expect(await htmlOf('both')).toContain('<body dir="ltr">')
  })

  test('says why there is only the text, when the HTML cannot be shown or has to wait', async () => {
    gateway.deliver({ subject: 'hostile', text: 'a < b', html: '<div>'.repeat(100_000) })
    for (const [why, words] of [
      ['gave_up', 'too large or too deeply nested'],
      ['busy', 'in a moment'],
    ] as const) {
      mail = new MailService({ pool, refs, cleaner: { clean: async () => why }, parts: partsReader(), ownerOf })
      const html = await htmlOf('hostile')
      expect(html).toContain(words)
      expect(html).toContain('This is its text.</p><pre dir="auto">a &lt; b</pre>')
      expect(html).not.toContain('<div>')
    }
  })

  test('shows the pictures that the message carries, read over the same connection, and marks nothing as seen', async () => {
    const logo = { id: '1.2', name: null, type: 'image/png', size_bytes: 4, is_inline: true, content_id: 'logo@x' }
    const html = '<img src="cid:logo@x"><img src="cid:lost@x">'
    gateway.deliver({ subject: 'pictures', html, attachments: [logo], parts: { '1.2': Buffer.from([1, 2, 3]) } })
    expect(await htmlOf('pictures')).toContain('<img src="data:image/png;base64,AQID"><img src="data:,">')
    expect(gateway.attempts).toBe(1)
    const message = await mail.getMessage(someone, 'a', await refOf('pictures'), signal)
    expect(message).toMatchObject({ html, flags: [] })
  })

  test('reads no further picture for a reader who has gone', async () => {
    const logo = { id: '2', name: null, type: 'image/png', size_bytes: 4, is_inline: true, content_id: 'a' }
    const attachments = [logo, { ...logo, id: '3', content_id: 'b' }]
    const parts = { '2': Buffer.from([1]), '3': Buffer.from([2]) }
    gateway.deliver({ subject: 'gone', html: '<img src="cid:a"><img src="cid:b">', attachments, parts })
    const ref = await refOf('gone')
    const leaving = new AbortController()
    let reads = 0
    gateway.delay = step => {
      if (step !== 'findPart') return
      reads++
      leaving.abort(new Error('the reader has gone'))
    }
    await expect(mail.messageHtml(someone, 'a', ref, false, leaving.signal)).rejects.toThrow('the reader has gone')
    expect(reads).toBe(1)
  })
})
