/** Mail that strangers make to be a burden, on a real Dovecot: every message is a row and can be read, and what is left out is said. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Dovecot, startDovecot } from '../../../test/support/dovecot.ts'
import { findMessages } from '../../../test/support/found-messages.ts'
import { available } from '../../../test/support/require.ts'
import type { MailConnection, MessageContent, MessageHeader } from '../mail-gateway.ts'
import { ImapFlowGateway } from './imapflow-gateway.ts'

const multipart = (boundary: string, type = 'mixed') =>
  `Content-Type: multipart/${type}; boundary="${boundary}"\r\n\r\n`
const people = (count: number) => Array.from({ length: count }, (_, i) => `a${i}@example.org`).join(',\r\n ')
const part = (type: string, body: string) => `--b\r\nContent-Type: ${type}\r\n\r\n${body}\r\n`

function nested(depth: number): string {
  const heads = Array.from({ length: depth }, (_, i) => `${multipart(`n${i}`)}--n${i}\r\n`).join('')
  return `${heads}Content-Type: text/plain\r\n\r\ndeep\r\n`
}

const mails = {
  ordinary: `${multipart('b')}${part('text/plain', 'hello')}${part('application/pdf; name=a.pdf', 'pdf')}--b--\r\n`,
  parts: `${multipart('b')}${part('text/plain', 'the text')}${'--b\r\n\r\n\r\n'.repeat(9_000)}--b--\r\n`,
  pictures: `${multipart('b')}${part('text/plain', 'hello')}${part('image/png\r\nContent-ID: <p@x>', 'p').repeat(150)}--b--\r\n`,
  nested: nested(1_000),
  to: `To: ${people(20_000)}\r\nCc: ${people(120)}\r\nBcc: c@x.org\r\nMessage-ID: <to@x>\r\n\r\nhello\r\n`,
  groups: `To: ${Array(500).fill('friends: a@x.org, b@x.org;').join(', ')}\r\nCc: undisclosed-recipients:;\r\n\r\nhello\r\n`,
  subject: `Subject: ${'x '.repeat(512 * 1024)}\r\nMessage-ID: <subject@x>\r\n\r\nhello\r\n`,
  words: `Subject: ${'=?utf-8?B?8J+YgPCfmIDwn5iA8J+YgA==?=\r\n '.repeat(5_000)}\r\n\r\nhello\r\n`,
  parentheses: `Content-Transfer-Encoding: ${'('.repeat(200_000)}\r\nContent-Type: text/plain\r\n\r\nhello\r\n`,
  header: `${'X-Filler: a long line that nobody reads\r\n'.repeat(25_000)}Content-Type: text/plain\r\n\r\nhello\r\n`,
}
type Name = keyof typeof mails

describe.skipIf(!available('dovecot'))('hostile mail on Dovecot', () => {
  let dovecot: Dovecot
  let connection: MailConnection
  const uids = new Map<Name, number>()
  let rows: MessageHeader[]

  beforeAll(async () => {
    dovecot = await startDovecot()
    const [user] = dovecot.users
    if (!user) throw new Error('Dovecot has no user')
    const outside = await dovecot.login(user.user)
    for (const [name, mail] of Object.entries(mails) as [Name, string][]) {
      const from = 'From: Eve <eve@example.org>\r\nMIME-Version: 1.0\r\n'
      uids.set(name, (await outside.append('INBOX', `${from}${mail}`, ['constructor', '__proto__', '\\Seen'])).uid)
    }
    outside.close()
    const login = { host: '127.0.0.1', port: dovecot.imapPort, tls: 'none', ...user } as const
    const options = { timeoutMs: 60_000, signal: new AbortController().signal }
    connection = await new ImapFlowGateway().connect(login, options)
    rows = (await connection.listMessages('INBOX', 50, undefined)).messages
  })
  afterAll(async () => {
    await connection?.close()
    await dovecot?.stop()
  })

  const rowOf = (name: Name) => rows.find(({ uid }) => uid === uids.get(name))
  async function read(name: Name): Promise<MessageContent> {
    const { message } = await connection.getMessage('INBOX', uids.get(name) ?? 0, 1024)
    if (!message) throw new Error(`${name} was not found`)
    return { ...message, text: message.text?.trimEnd() ?? null }
  }

  test('each is a row, with what it has of flags and sender, in a list and in a search', async () => {
    expect(rows).toHaveLength(uids.size)
    for (const row of rows) {
      expect(row).toMatchObject({ flags: ['seen'], from: [{ name: 'Eve', email: 'eve@example.org' }], fromCount: 1 })
    }
    const found = await findMessages(connection, 'INBOX', undefined)
    expect(found.messages).toMatchObject(rows)
  })

  test('ordinary mail is what it was: no fault, and attachments told from pictures', async () => {
    expect(rowOf('ordinary')).toMatchObject({ hasAttachments: true, faults: [], toCount: 0 })
    expect(rowOf('pictures')).toMatchObject({ hasAttachments: false, faults: [] })
    expect(await read('pictures')).toMatchObject({ attachmentCount: 150, faults: [], text: 'hello' })
  })

  test('of thousands of parts the first are there, the text is read, and all are counted', async () => {
    expect(rowOf('parts')).toMatchObject({ hasAttachments: true, faults: ['structure_too_large'] })
    const message = await read('parts')
    expect(message).toMatchObject({ text: 'the text', attachmentCount: 8_951, faults: ['structure_too_large'] })
    expect(message.attachments.length).toBeLessThan(200)
    // The text parts use the first fifty.
    expect(message.attachments[0]).toMatchObject({ id: '51', type: 'text/plain' })
  })

  test('parts within parts within parts are followed for a while', async () => {
    const faults = ['structure_too_large', 'structure_too_deep']
    expect(await read('nested')).toMatchObject({ faults, text: null, attachments: [] })
  })

  test('of thousands of recipients the first are there, all are counted, and Cc stays', async () => {
    const row = rowOf('to')
    expect(row).toMatchObject({ toCount: 20_000, messageId: '<to@x>' })
    expect(row?.to).toHaveLength(100)
    const message = await read('to')
    expect(message).toMatchObject({ toCount: 20_000, ccCount: 120, bccCount: 1, text: 'hello' })
    expect(message.cc[99]).toEqual({ name: null, email: 'a99@example.org' })
  })

  test('groups count for their names and members, and an empty one for its name', async () => {
    expect(rowOf('groups')).toMatchObject({ toCount: 1_500 })
    const message = await read('groups')
    expect(message.to.slice(0, 3)).toEqual([
      { name: 'friends', email: '' },
      { name: null, email: 'a@x.org' },
      { name: null, email: 'b@x.org' },
    ])
    expect(message).toMatchObject({ cc: [{ name: 'undisclosed-recipients', email: '' }], ccCount: 1 })
  })

  // The parser of that field is quadratic: a minute for this one.
  test('a field that would take forever to be read is cut', async () => {
    expect((await read('parentheses')).text).toBe('hello')
  })

  test('an endless subject and an endless header are cut, and what is shown beside them is right', async () => {
    expect(rowOf('subject')).toMatchObject({ messageId: '<subject@x>', faults: ['headers_too_large'] })
    expect(rowOf('subject')?.subject).toMatch(/^(x )+x?$/)
    expect(rowOf('subject')?.subject.length).toBeLessThan(20_000)
    expect(rowOf('words')?.subject.startsWith('😀'.repeat(1_000))).toBe(true)
    expect(rowOf('header')).toMatchObject({ faults: ['headers_too_large'] })
    expect(await read('header')).toMatchObject({ text: 'hello', faults: ['headers_too_large'] })
  })
})
