/** Messages and folders as strangers make them. */
import { expect, test } from 'vitest'
import { Attachment, Folder } from '../../../contract/mail.ts'
import { toPartInfo } from '../body-structure.ts'
import { structureOf, toContent, toFolder, toHeader } from './imapflow-message.ts'

const none = { text: null, html: null, isTruncated: false }

test('a message of which nothing is known is an empty one', () => {
  const content = toContent({ seq: 1, uid: 7 }, none)
  expect(content).toMatchObject({ uid: 7, subject: '', from: [], sentAt: null, date: '1970-01-01T00:00:00.000Z' })
})

test('dates that are none, or that no timestamp can hold, are left out', () => {
  for (const date of ['yesterday', '', new Date(Number.NaN), new Date(8.64e15), new Date(-8.64e15)]) {
    expect(toContent({ seq: 1, uid: 7, envelope: { date } }, none).sentAt).toBeNull()
  }
  const date = new Date('2026-11-22T18:14:03.120Z')
  expect(toContent({ seq: 1, uid: 7, envelope: { date } }, none).sentAt).toBe('2026-11-22T18:14:03.120Z')
})

test('half characters and control characters do not get through', () => {
  const envelope = { subject: 'a\ud800b\r\nBcc: x\0', from: [{ name: '\udfff', address: 'a@b' }, {}] }
  const { subject, from } = toHeader({ seq: 1, uid: 7, envelope })
  expect(subject).toBe('a\ufffdb Bcc: x')
  expect(from).toEqual([{ name: '\ufffd', email: 'a@b' }])
})

const partsOf = (bodyStructure: Parameters<typeof structureOf>[0]['bodyStructure']) => {
  const { textBody, htmlBody, attachments, ...rest } = structureOf({ bodyStructure })
  const ids = (parts: typeof textBody) => parts.map(({ section }) => section)
  return { ...rest, textBody: ids(textBody), htmlBody: ids(htmlBody), attachments: attachments.map(toPartInfo) }
}

test('a message is its texts, and every other leaf is listed', () => {
  const { textBody, htmlBody, attachments } = partsOf({
    type: 'multipart/mixed',
    childNodes: [
      {
        type: 'multipart/related',
        part: '1',
        childNodes: [
          {
            type: 'multipart/alternative',
            part: '1.1',
            childNodes: [
              { type: 'text/plain', part: '1.1.1' },
              { type: 'TEXT/HTML', part: '1.1.2' },
            ],
          },
          { type: 'image/png', part: '1.2', id: '<logo@x>', size: 10 },
        ],
      },
      { type: 'text/plain', part: '2', disposition: 'attachment', dispositionParameters: { filename: 'a\0.txt' } },
      { type: 'text/plain', part: '3' },
      { type: 'message/rfc822', part: '4', childNodes: [{ type: 'text/plain', part: '4' }] },
    ],
  })
  expect([textBody, htmlBody]).toEqual([
    ['1.1.1', '3'],
    ['1.1.2', '3'],
  ])
  expect(attachments.map(({ id, name, is_inline, isMessage }) => [id, name, is_inline, isMessage])).toEqual([
    ['1.2', null, true, undefined],
    ['2', 'a .txt', false, undefined],
    ['4', null, false, true],
  ])
  expect(attachments[0]?.content_id).toBe('logo@x')
  for (const { isMessage: _, ...attachment } of attachments) Attachment.parse({ ...attachment, message_ref: null })
})

test('an attached message in a transfer encoding, of which servers know nothing, is a file', () => {
  const inner = { type: 'text/plain', part: '1' }
  for (const [encoding, isMessage] of [
    ['7bit', true],
    ['8bit', true],
    ['base64', undefined],
    ['Quoted-Printable', undefined],
  ] as const) {
    const node = { type: 'message/rfc822', part: '1', encoding, childNodes: [inner] }
    const { attachments } = partsOf({ type: 'multipart/mixed', childNodes: [node] })
    expect([encoding, attachments.map(({ id, isMessage }) => [id, isMessage])]).toEqual([encoding, [['1', isMessage]]])
  }
})

test('a message of one part is downloaded as a whole', () => {
  expect(partsOf({ type: 'text/html', part: '1' })).toMatchObject({ textBody: ['TEXT'], htmlBody: ['TEXT'] })
  expect(partsOf({ type: 'application/pdf' }).attachments).toMatchObject([{ id: '1', type: 'application/pdf' }])
})

test('parts nested without end are not followed without end, which is said', () => {
  let node: Parameters<typeof partsOf>[0] = { type: 'text/plain', part: '1' }
  for (let depth = 0; depth < 10_000; depth++) node = { type: 'multipart/mixed', childNodes: [node] }
  expect(partsOf(node)).toMatchObject({ textBody: [], htmlBody: [], attachments: [], leaves: 0, isTooDeep: true })
  expect(toHeader({ seq: 1, uid: 7, bodyStructure: node }).faults).toEqual(['structure_too_deep'])
})

test('sizes and counts that are none are left out', () => {
  for (const size of [Number.POSITIVE_INFINITY, Number.NaN, -1, 1.5, 1e300]) {
    const bodyStructure = { type: 'application/pdf', part: '1', size }
    expect(toHeader({ seq: 1, uid: 7, size, bodyStructure })).toMatchObject({ sizeBytes: 0, faults: [] })
    expect(partsOf(bodyStructure).attachments[0]?.size_bytes).toBe(0)
    const entry = { path: 'A', pathAsListed: 'A', name: 'A', delimiter: '/', parent: [], parentPath: '', listed: true }
    const status = { path: 'A', messages: size, unseen: size }
    expect(toFolder({ ...entry, subscribed: true, flags: new Set(), status })).toMatchObject({
      total: null,
      unread: null,
    })
  }
})

test('a folder that cannot be opened has no counts', () => {
  const entry = { path: 'A/B', pathAsListed: 'A/B', name: 'B', delimiter: '/', parent: ['A'], parentPath: 'A' }
  const rest = { listed: true, subscribed: false }
  const folder = toFolder({ ...entry, ...rest, flags: new Set(['\\NoSelect']), status: { path: 'A/B', messages: 3 } })
  expect(Folder.parse(folder)).toMatchObject({ selectable: false, total: null, unread: null, role: null })
  const sent = toFolder({ ...entry, ...rest, flags: new Set(), specialUse: '\\Sent' })
  expect(Folder.parse(sent)).toMatchObject({ selectable: true, role: 'sent', total: null })
})

test('what servers write where an address is missing is no address', () => {
  const told = (address: string, name = '') =>
    toHeader({ seq: 1, uid: 7, envelope: { from: [{ name, address }] } }).from
  expect(told('MISSING_MAILBOX@MISSING_DOMAIN')).toEqual([])
  expect(told('MISSING_MAILBOX@MISSING_DOMAIN', 'Anna')).toEqual([{ name: 'Anna', email: '' }])
  for (const domain of ['MISSING_DOMAIN', '.MISSING-HOST-NAME.', '.SYNTAX-ERROR.', 'unspecified-domain']) {
    expect(told(`root@${domain}`), domain).toEqual([{ name: null, email: 'root' }])
    expect(told(`SYNTAX_ERROR@${domain}`), domain).toEqual([])
    expect(told(`INVALID_ADDRESS@${domain}`), domain).toEqual([])
  }
  expect(told('SYNTAX_ERROR')).toEqual([])
  expect(told('MISSING_MAILBOX@example.org')).toEqual([{ name: null, email: '@example.org' }])
  for (const email of ['a@example.org', 'SYNTAX_ERROR@example.org', 'a@MISSING_DOMAIN.example', 'missing_domain@x']) {
    expect(told(email)).toEqual([{ name: null, email }])
  }
})

test('a message marked as deleted says so, and keywords are kept apart from flags', () => {
  const flags = new Set(['\\Seen', '\\DELETED', '\\Recent', '$Forwarded', 'Tax\u00002026'])
  expect(toHeader({ seq: 1, uid: 7, flags })).toMatchObject({
    flags: ['seen', 'deleted'],
    keywords: ['$Forwarded', 'Tax 2026'],
  })
})
