/** A message as a file, and all of its attachments as one: what is in them, under which names, and how they end. */
import { beforeEach, expect, test } from 'vitest'
import { attached, file, leaf, multipart, text, toDelivery, toRaw } from '../../test/support/mime.ts'
import { partsReader } from '../../test/support/parts-reader.ts'
import { readZip } from '../../test/support/read-zip.ts'
import { MemoryGateway } from '../imap/adapters/memory-gateway.ts'
import type { MailConnection } from '../imap/mail-gateway.ts'
import { MessageRefs } from '../imap/message-ref.ts'
import { everyScope, type Principal } from '../platform/principal.ts'
import { Signer } from '../platform/secret-box.ts'
import { cleanHtml } from '../reading/clean-html.ts'
import { MailService } from './mail-service.ts'

const { signal } = new AbortController()
const principal: Principal = { id: 'p', name: 'P', kind: 'session', userId: null, scopes: everyScope, accounts: 'all' }
const request = { signal, checkAgain: async () => undefined }
let gateway: MemoryGateway
let mail: MailService
let lent = 0
let most = 0

beforeEach(async () => {
  gateway = new MemoryGateway()
  ;[lent, most] = [0, 0]
  const login = { host: 'memory', port: 143, tls: 'none', user: 'alice', password: 'secret' } as const
  const connection = await gateway.connect(login, { timeoutMs: 30_000, signal })
  const run = async <T>(_account: string, _kind: string, work: (connection: MailConnection) => Promise<T>) => {
    most = Math.max(most, ++lent)
    return work(connection).finally(() => lent--)
  }
  mail = new MailService({
    pool: { run },
    refs: new MessageRefs(new Signer(Buffer.alloc(32, 1))),
    cleaner: { clean: async (source: string, remote: boolean) => cleanHtml({ source, remote }) },
    parts: partsReader(),
    ownerOf: async () => ({ email: 'ann@own.example', imapHost: 'imap.own.example' }),
  })
})

async function newest(): Promise<string> {
  const { items } = await mail.listMessages(principal, 'a', { folder: 'INBOX', limit: 1 }, signal)
  return items[0]!.ref
}

async function whole(bytes: AsyncIterable<Buffer>): Promise<Buffer> {
  const all: Buffer[] = []
  for await (const piece of bytes) all.push(piece)
  return Buffer.concat(all)
}

const zipOf = async (ref: string) => {
  const { bytes, fileName } = await mail.openAttachments(principal, 'a', ref, request)
  return { fileName, files: readZip(await whole(bytes)) }
}
const rawOf = async (ref: string) => mail.files.openRaw({ principal, accountId: 'a', ref }, request)

test('all attachments are in the archive, byte for byte, each under a name of its own that is no path', async () => {
  const long = Buffer.from(Array.from({ length: 700_000 }, (_, at) => (at * 7 + (at >> 8)) & 0xff))
  const root = multipart('mixed', [
    text('see all of them'),
    file('application/pdf', '../../etc/passwd', 'one'),
    file('application/zip', 'a.zip', long),
    file('application/zip', 'A.zip', 'three'),
    leaf('application/x-odd', 'four', { disposition: 'attachment' }),
    file('text/plain', '..', 'five'),
    attached({ subject: 'inner', root: text('words') }),
    file('image/png', 'invoice\u202egnp.exe', ''),
  ])
  gateway.deliver(toDelivery({ subject: 'Harvest / 2026', root }))
  const { fileName, files } = await zipOf(await newest())
  expect(fileName).toBe('Harvest / 2026.zip')
  expect(files.map(({ name }) => name)).toEqual([
    '_.._etc_passwd',
    'a.zip',
    'A (2).zip',
    'part-5',
    'part-6.txt',
    'part-7.eml',
    'invoice_gnp.exe',
  ])
  expect(files[1]!.bytes.equals(long)).toBe(true)
  expect(files.map(({ bytes }) => bytes.toString().slice(0, 5))).toMatchObject({
    0: 'one',
    2: 'three',
    3: 'four',
    6: '',
  })
  expect(files[5]!.bytes.toString()).toContain('Subject: inner\r\n')
  expect([most, lent]).toEqual([1, 0])
})

test('an archive says what is not in it, and one of nothing is empty', async () => {
  gateway.deliver({ subject: 'many', ...toDelivery({ subject: 'many', root: file('a/b', 'x', 'abc') }) })
  const ref = await newest()
  const { content } = { content: (await mail.getMessage(principal, 'a', ref, signal)).attachments }
  const attachments = content.map(({ id, name, type }) => ({
    id,
    name,
    type,
    size_bytes: 3,
    is_inline: false,
    content_id: null,
  }))
  const { place } = await mail.getUncompared(principal, 'a', ref, signal)
  const told = { subject: '', date: 'no date', attachments, attachmentCount: 12 }
  const { bytes, fileName } = await mail.files.openAll({ principal, accountId: 'a', ref }, place, told, request)
  const files = readZip(await whole(bytes))
  expect([fileName, files.map(({ name }) => name)]).toEqual(['message.zip', ['x', 'not in this archive.txt']])
  expect(files[1]!.bytes.toString()).toContain('11 of 12 are not in this archive')
  gateway.deliver({ subject: 'none', text: 'hi' })
  expect((await zipOf(await newest())).files).toEqual([])
})

test('an archive takes one place of its reader, whatever is in it, and gives it back', async () => {
  const root = multipart('mixed', [file('a/b', 'x', 'abc'), file('a/b', 'y', Buffer.alloc(600_000)), file('a/b', 'z')])
  gateway.deliver(toDelivery({ subject: 'files', root }))
  const ref = await newest()
  const open = () => mail.openAttachments(principal, 'a', ref, request)
  const running = await Promise.all(Array.from({ length: 8 }, open))
  await expect(open()).rejects.toMatchObject({ code: 'too_many_requests' })
  await expect(rawOf(ref)).rejects.toMatchObject({ code: 'too_many_requests' })
  await running[0]!.bytes.return()
  await whole(running[1]!.bytes)
  for (const { bytes } of [await open(), await open(), ...running.slice(2)]) await bytes.return()
  expect(readZip(await whole((await open()).bytes))).toHaveLength(3)
})

test('an archive of which a file cannot be read ends with the reason, and is none', async () => {
  const root = multipart('mixed', [file('a/b', 'x', 'abc'), file('a/b', 'y', Buffer.alloc(600_000))])
  gateway.deliver(toDelivery({ subject: 'files', root }))
  const ref = await newest()
  let pieces = 0
  gateway.delay = step => {
    if (step === 'readPiece' && ++pieces === 3) gateway.getFolder('INBOX').messages = []
  }
  const { bytes } = await mail.openAttachments(principal, 'a', ref, request)
  await expect(whole(bytes)).rejects.toMatchObject({ code: 'message_not_found' })
  await expect(rawOf(ref)).rejects.toMatchObject({ code: 'message_not_found' })
})

test('its reader is asked about before each piece', async () => {
  gateway.deliver(toDelivery({ subject: 'files', root: file('a/b', 'x', Buffer.alloc(600_000)) }))
  const ref = await newest()
  let asked = 0
  const checkAgain = async () => {
    if (++asked === 2) throw new Error('revoked')
  }
  const { bytes } = await mail.openAttachments(principal, 'a', ref, { signal, checkAgain })
  await expect(whole(bytes)).rejects.toThrow('revoked')
})

test('a message is given as it was sent, in ranges too; so is one that is attached to it', async () => {
  const message = {
    subject: 'Grüße',
    root: multipart('mixed', [text('x'.repeat(700_000)), attached({ subject: 'inner', root: text('words') })]),
  }
  gateway.deliver(toDelivery(message))
  const ref = await newest()
  const { bytes, fileName, tag, hasRanges } = await rawOf(ref)
  expect([fileName, hasRanges, tag]).toEqual(['Grüße.eml', true, expect.stringMatching(/^"[\w-]{32}"$/)])
  expect((await whole(bytes)).equals(toRaw(message))).toBe(true)
  const owner = { principal, accountId: 'a', ref }
  const some = await mail.files.openRaw(owner, { ...request, range: 'bytes=500000-500099', ifRange: tag })
  expect(some.range).toEqual({ first: 500_000, last: 500_099 })
  expect((await whole(some.bytes)).equals(toRaw(message).subarray(500_000, 500_100))).toBe(true)
  const { attachments } = await mail.getMessage(principal, 'a', ref, signal)
  const inner = await rawOf(attachments[0]!.message_ref!)
  expect((await whole(inner.bytes)).toString()).toMatch(/^From: .*\r\nTo: .*\r\nSubject: inner\r\n/)
  // A part has a number.
  await expect(mail.files.openPart(owner, '', request)).rejects.toMatchObject({ code: 'message_not_found' })
})

test('neither is given for a folder that was made again meanwhile', async () => {
  gateway.deliver(toDelivery({ subject: 'files', root: file('a/b', 'x', 'abc') }))
  const ref = await newest()
  gateway.getFolder('INBOX').uidValidity++
  await expect(rawOf(ref)).rejects.toMatchObject({ code: 'stale_ref' })
  await expect(mail.openAttachments(principal, 'a', ref, request)).rejects.toMatchObject({ code: 'stale_ref' })
})
