/** Every text and list of a message or folder that a stranger decides of, at its bound and past it; the contract takes all that comes out. */
import { expect, test } from 'vitest'
import { type Address, Folder, Message, MessageSummary, mailBounds } from '../../contract/mail.ts'
import { announcedSubject } from '../../contract/text-bounds.ts'
import { asciiAddress } from '../mail/ascii-address.ts'
import { cutText } from '../reading/stranger-text.ts'
import type { MessageContent } from './mail-gateway.ts'
import { toAnnounced, toFolders, toMessage, toSummary } from './message-bounds.ts'

const placed = { ref: 'abcdefgh', uid_validity: 1 }
const long = (length: number) => '😀'.repeat(length)
const anna = { name: 'Anna', email: 'anna@example.org' }
const many = (count: number): Address[] => Array.from({ length: count }, () => anna)

const content = (changes: Partial<MessageContent>): MessageContent => ({
  uid: 1,
  messageId: null,
  subject: '',
  from: [],
  fromCount: 0,
  to: [],
  toCount: 0,
  date: '2026-01-01T00:00:00.000Z',
  flags: [],
  keywords: [],
  sizeBytes: 1,
  hasAttachments: false,
  faults: [],
  cc: [],
  ccCount: 0,
  bcc: [],
  bccCount: 0,
  replyTo: [],
  replyToCount: 0,
  sender: [],
  head: '',
  sentAt: null,
  inReplyTo: null,
  text: null,
  html: null,
  isTruncated: false,
  attachments: [],
  attachmentCount: 0,
  ...changes,
})

/** What it takes more than the message to say. */
const unknown = {
  sender_warnings: [],
  auth: null,
  parts_differ: false,
  text_from: null,
  calendar: null,
  unsubscribe: null,
  attached_to: null,
}

test('whatever a stranger makes endless, the answer is one that the contract takes', () => {
  const endless = long(50_000)
  const people = Array.from({ length: 500 }, () => ({ name: endless, email: endless }))
  const file = { id: endless, name: endless, type: endless, size_bytes: 1, is_inline: false, content_id: endless }
  const all = content({
    messageId: endless,
    inReplyTo: endless,
    subject: endless,
    from: people,
    to: people,
    cc: people,
    bcc: people,
    replyTo: people,
    attachments: Array(10_000).fill(file),
  })
  const message = Message.parse({ ...placed, ...toMessage(all, () => null), ...unknown })
  expect(message).toMatchObject({ message_id: null, in_reply_to: null, to_count: 500, attachment_count: 10_000 })
  expect([message.from.length, message.to.length, message.attachments.length]).toEqual([100, 100, 100])
  const summary = MessageSummary.parse({ ...placed, ...toSummary(all), sender_warnings: [] })
  expect([summary.from.length, summary.to.length]).toEqual([20, 20])
  expect(JSON.stringify(message).length).toBeLessThan(1_000_000)
  expect(JSON.stringify(summary).length).toBeLessThan(50_000)
  expect(JSON.stringify([message, summary]).isWellFormed()).toBe(true)
  const folder = {
    path: 'A',
    namespace: 'personal' as const,
    name: endless,
    delimiter: endless,
    role: null,
    selectable: true,
    subscribed: true,
    total: 1,
    unread: 1,
  }
  for (const item of toFolders([folder]).items) Folder.parse(item)
})

test('what is at its bound stays as it is, and what is past it is cut or left out', () => {
  const id = `<${'i'.repeat(mailBounds.id - 2)}>`
  const email = `${'e'.repeat(mailBounds.email - 2)}@x`
  const name = 'n'.repeat(mailBounds.name)
  const subject = 's'.repeat(mailBounds.subject)
  expect(toSummary(content({ messageId: id, subject, from: [{ name, email }] }))).toMatchObject({
    message_id: id,
    subject,
    from: [{ name, email }],
  })
  expect(
    toSummary(
      content({ messageId: `${id}i`, subject: `${subject}s`, from: [{ name: `${name}n`, email: `${email}x` }] }),
    ),
  ).toMatchObject({
    message_id: null,
    subject: `${'s'.repeat(mailBounds.subject - 1)}…`,
    from: [{ name: `${'n'.repeat(mailBounds.name - 1)}…`, email: `${email.slice(0, mailBounds.email - 1)}…` }],
  })
  expect(toSummary(content({ to: many(20) }))).toMatchObject({ to: many(20), to_count: 20 })
  expect(toSummary(content({ to: many(100), toCount: 100_000 }))).toMatchObject({ to: many(20), to_count: 100_000 })
  expect(toMessage(content({ cc: many(100), ccCount: 101 }), () => null)).toMatchObject({
    cc: many(100),
    cc_count: 101,
  })
})

test('an address too long to be one is shown by its beginning, and is no address', () => {
  const [from] = toSummary(content({ from: [{ name: null, email: `${'x'.repeat(400)}@example.org` }] })).from
  expect(from).toEqual({ name: null, email: `${'x'.repeat(mailBounds.email - 1)}…` })
  expect(asciiAddress(from!.email)).toBeUndefined()
})

test('a cut never leaves half of a character', () => {
  for (let length = 1; length < 9; length++) {
    const cut = cutText('😀é😀é😀é', length)
    expect(cut.isWellFormed()).toBe(true)
    expect(cut).not.toContain('\ufffd')
    expect(cut.length).toBeLessThanOrEqual(length)
    expect(cut.endsWith('…') || cut === '😀é😀é😀é').toBe(true)
  }
  expect(cutText('abc', 3)).toBe('abc')
})

test('folders past the bound, and those that could not be requested, are counted', () => {
  const folder = {
    path: 'A',
    name: 'A',
    namespace: 'personal' as const,
    delimiter: '/',
    role: null,
    selectable: true,
    subscribed: true,
    total: 1,
    unread: 1,
  }
  expect(toFolders([folder, { ...folder, path: 'x'.repeat(1_001) }])).toEqual({ items: [folder], omitted: 1 })
  const { items, omitted } = toFolders(Array(10_005).fill(folder))
  expect([items.length, omitted]).toEqual([10_000, 5])
  expect(toFolders([{ ...folder, delimiter: '//' }]).items[0]?.delimiter).toBeNull()
})

test('of mail that arrives the first sender and the beginning of the subject are announced', () => {
  expect(toAnnounced({ subject: 'Hello', from: [anna, { name: null, email: 'bob@example.org' }] })).toEqual({
    from: anna,
    subject: 'Hello',
  })
  const { from, subject } = toAnnounced({ subject: long(500), from: [{ name: long(500), email: 'a'.repeat(1000) }] })
  expect(subject!.length).toBeLessThanOrEqual(announcedSubject)
  expect(subject!.endsWith('…')).toBe(true)
  expect(from!.name!.length).toBeLessThanOrEqual(mailBounds.name)
  expect(from!.email.length).toBeLessThanOrEqual(mailBounds.email)
  expect(toAnnounced({ subject: '', from: [] })).toEqual({ from: null, subject: '' })
  expect(toAnnounced(undefined)).toEqual({ from: null, subject: null })
})
