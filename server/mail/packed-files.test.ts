/** What is packed in `winmail.dat` is opened, saved and archived like other attachments; what cannot be unpacked stays a file. */
import { beforeEach, expect, test } from 'vitest'
import { file, html, leaf, multipart, text, toDelivery } from '../../test/support/mime.ts'
import { partsReader } from '../../test/support/parts-reader.ts'
import { readZip } from '../../test/support/read-zip.ts'
import { ofMessage, packedFile, tnef, tnefFiles } from '../../test/support/tnef-files.ts'
import { MemoryGateway } from '../imap/adapters/memory-gateway.ts'
import { MessageRefs } from '../imap/message-ref.ts'
import { everyScope, type Principal } from '../platform/principal.ts'
import { Signer } from '../platform/secret-box.ts'
import { cleanHtml } from '../reading/clean-html.ts'
import { MailService } from './mail-service.ts'

const { signal } = new AbortController()
const principal: Principal = { id: 'p', name: 'P', kind: 'session', userId: null, scopes: everyScope, accounts: 'all' }
const request = { signal, checkAgain: async () => undefined }
const large = Buffer.from(Array.from({ length: 700_000 }, (_, at) => (at * 7 + (at >> 8)) & 0xff))
const png = Buffer.from('iVBORw0KGgo=', 'base64')
const everything = tnef([
  ofMessage([
    [0x3fde, { long: 65001 }],
    [0x1013, { binary: Buffer.from('<p>from Outlook <img src="cid:logo@x"></p>') }],
  ]),
  packedFile({ title: 'SHORT~1.ZIP', data: large, properties: [[0x3707, { unicode: '計画 ../..\\2026.zip' }]] }),
  packedFile({
    title: 'logo.png',
    data: png,
    properties: [
      [0x370e, { string: 'image/png' }],
      [0x3712, { unicode: 'logo@x' }],
    ],
  }),
])
const winmail = (bytes: Buffer) => file('application/ms-tnef', 'winmail.dat', bytes)

let gateway: MemoryGateway
let mail: MailService

beforeEach(async () => {
  gateway = new MemoryGateway()
  const login = { host: 'memory', port: 143, tls: 'none', user: 'alice', password: 'secret' } as const
  const connection = await gateway.connect(login, { timeoutMs: 30_000, signal })
  mail = new MailService({
    pool: { run: (_account, _kind, work) => work(connection) },
    refs: new MessageRefs(new Signer(Buffer.alloc(32, 1))),
    cleaner: { clean: async (source: string, remote: boolean) => cleanHtml({ source, remote }) },
    parts: partsReader(),
    ownerOf: async () => ({ email: 'ann@own.example', imapHost: 'imap.own.example' }),
  })
})

async function deliver(root: Parameters<typeof toDelivery>[0]['root']): Promise<string> {
  gateway.deliver(toDelivery({ subject: 'packed', root }))
  const { items } = await mail.listMessages(principal, 'a', { folder: 'INBOX', limit: 1 }, signal)
  return items[0]!.ref
}

const get = (ref: string) => mail.getMessage(principal, 'a', ref, signal)
const ownerOf = (ref: string, who = principal) => ({ principal: who, accountId: 'a', ref })

async function whole(bytes: AsyncIterable<Buffer>): Promise<Buffer> {
  const all: Buffer[] = []
  for await (const piece of bytes) all.push(piece)
  return Buffer.concat(all)
}

test('its files stand behind it, each with its name, type, size and a part number of its own', async () => {
  const ref = await deliver(multipart('mixed', [text('hello'), winmail(everything)]))
  const { attachments, attachment_count: count, faults, text: words, html: source } = await get(ref)
  expect(attachments.map(({ id, name, type, size_bytes: size }) => [id, name, type, size])).toEqual([
    ['2', 'winmail.dat', 'application/ms-tnef', everything.length],
    ['2-1', '計画 ../..\\2026.zip', 'application/octet-stream', large.length],
    ['2-2', 'logo.png', 'image/png', png.length],
  ])
  expect([count, faults]).toEqual([3, []])
  // Files written beside it are what others read.
  expect([words, source]).toEqual(['hello', null])
})

test('each can be read, in ranges too, under a tag of its own; and winmail.dat as it is', async () => {
  const ref = await deliver(multipart('mixed', [text('hello'), winmail(everything)]))
  const open = (id: string, range?: string) => mail.openAttachment(ownerOf(ref), id, { ...request, range })
  const first = await open('2-1')
  expect([first.name, first.size, first.hasRanges]).toEqual(['計画 ../..\\2026.zip', large.length, true])
  expect((await whole(first.bytes)).equals(large)).toBe(true)
  const some = await open('2-1', 'bytes=300000-300099')
  expect(some.range).toEqual({ first: 300_000, last: 300_099 })
  expect((await whole(some.bytes)).equals(large.subarray(300_000, 300_100))).toBe(true)
  expect((await whole((await open('2-1', 'bytes=-5')).bytes)).equals(large.subarray(-5))).toBe(true)
  await expect(open('2-1', `bytes=${large.length}-`)).rejects.toMatchObject({ code: 'range_not_satisfiable' })
  const second = await open('2-2')
  expect((await whole(second.bytes)).equals(png)).toBe(true)
  const carrier = await open('2')
  expect((await whole(carrier.bytes)).equals(everything)).toBe(true)
  expect(new Set([first.tag, second.tag, carrier.tag]).size).toBe(3)
  for (const id of ['2-3', '2-0', '1-1', '2-1-1', '-1', '2-', '2-01']) {
    await expect(open(id), id).rejects.toMatchObject({ code: 'message_not_found' })
  }
})

test('all of them are in the archive', async () => {
  const ref = await deliver(multipart('mixed', [text('hello'), winmail(everything)]))
  const { bytes } = await mail.openAttachments(principal, 'a', ref, request)
  const files = readZip(await whole(bytes))
  expect(files.map(({ name, bytes: held }) => [name, held.length])).toEqual([
    ['winmail.dat', everything.length],
    ['計画 .._.._2026.zip', large.length],
    ['logo.png', png.length],
  ])
  expect(files[1]!.bytes.equals(large)).toBe(true)
})

test('where nothing else is said, its HTML is the message, with its pictures', async () => {
  const ref = await deliver(leaf('application/ms-tnef', everything))
  const { html: source, text: words, text_from: from } = await get(ref)
  expect(source).toContain('<p>from Outlook')
  expect([words, from]).toEqual(['from Outlook', 'html'])
  expect(await mail.messageHtml(principal, 'a', ref, false, signal)).toContain(png.toString('base64'))
})

test('an attached message has its subject as its name, and can be saved', async () => {
  const ref = await deliver(winmail(tnefFiles['an attached message']!))
  const { attachments } = await get(ref)
  expect(attachments[1]).toMatchObject({
    id: '1-1',
    name: 'Minutes of May.tnef',
    type: 'application/vnd.ms-tnef',
    message_ref: null,
  })
  const { bytes } = await mail.openAttachment(ownerOf(ref), '1-1', request)
  expect((await whole(bytes)).readUInt32LE()).toBe(0x223e9f78)
})

test('what is damaged keeps its fault, and what could be read of it', async () => {
  const ref = await deliver(multipart('mixed', [html('<p>hi</p>'), winmail(everything.subarray(0, 400_000))]))
  const { attachments, faults } = await get(ref)
  expect(faults).toEqual(['packed_for_outlook'])
  expect(attachments.map(({ id, size_bytes: size }) => [id, size > 300_000])).toEqual([
    ['2', true],
    ['2-1', true],
  ])
})

test('more than three of them, or more than 32 MiB, are not unpacked', async () => {
  const small = winmail(tnefFiles['one file with a short name']!)
  const several = await get(await deliver(multipart('mixed', [small, small, small, small])))
  expect(several.attachments.map(({ id }) => id)).toEqual(['1', '1-1', '2', '2-1', '3', '3-1', '4'])
  expect(several.faults).toEqual(['packed_for_outlook'])
  const pieces: string[] = []
  gateway.delay = step => void pieces.push(step)
  const huge = Buffer.concat([tnefFiles['one file with a short name']!, Buffer.alloc(33 * 1024 * 1024)])
  const large = await get(await deliver(winmail(huge)))
  expect([large.attachments.length, large.faults]).toEqual([1, ['packed_for_outlook']])
  expect(pieces).not.toContain('readPiece')
})

test('it is read once for all that ask soon, and is a download like others: with eight under way it stays packed', async () => {
  const ref = await deliver(multipart('mixed', [text('hello'), winmail(everything)]))
  const running = await Promise.all(Array.from({ length: 8 }, () => mail.files.openPart(ownerOf(ref), '2', request)))
  const packed = await get(ref)
  expect([packed.attachments.length, packed.faults]).toEqual([1, ['packed_for_outlook']])
  await expect(mail.openAttachment(ownerOf(ref), '2-1', request)).rejects.toMatchObject({ code: 'too_many_requests' })
  for (const { bytes } of running) await bytes.return()
  let pieces = 0
  gateway.delay = step => void (step === 'readPiece' && pieces++)
  const all = [get(ref), get(ref), mail.messageHtml(principal, 'a', ref, false, signal)]
  expect((await Promise.all(all))[0]).toMatchObject({ attachment_count: 3 })
  // Pieces of 256 KiB.
  expect(pieces).toBe(Math.ceil(everything.length / (256 * 1024)))
  expect((await get(ref)).attachments).toHaveLength(3)
  expect(pieces).toBe(Math.ceil(everything.length / (256 * 1024)))
})

test('only principals that see the account read its files', async () => {
  const ref = await deliver(winmail(everything))
  await get(ref)
  const other: Principal = { ...principal, accounts: new Set(['b']) }
  await expect(mail.openAttachment(ownerOf(ref, other), '1-1', request)).rejects.toMatchObject({
    code: 'account_not_found',
  })
})
