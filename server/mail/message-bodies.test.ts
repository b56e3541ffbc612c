/** What is read of messages of every shape: the same of a mail server in memory and of Dovecot. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Message } from '../../contract/mail.ts'
import { type Dovecot, startDovecot } from '../../test/support/dovecot.ts'
import { type MimeMessage, toDelivery, toRaw } from '../../test/support/mime.ts'
import { partsReader } from '../../test/support/parts-reader.ts'
import { available } from '../../test/support/require.ts'
import { structuredMails } from '../../test/support/structured-mails.ts'
import { ImapFlowGateway } from '../imap/adapters/imapflow-gateway.ts'
import { MemoryGateway } from '../imap/adapters/memory-gateway.ts'
import type { MailConnection } from '../imap/mail-gateway.ts'
import { MessageRefs } from '../imap/message-ref.ts'
import { everyScope, type Principal } from '../platform/principal.ts'
import { Signer } from '../platform/secret-box.ts'
import { cleanHtml } from '../reading/clean-html.ts'
import { MailService } from './mail-service.ts'

const { signal } = new AbortController()
const someone: Principal = { id: 'p', name: 'P', kind: 'session', userId: null, scopes: everyScope, accounts: 'all' }
const options = { timeoutMs: 30_000, signal }
const mails = Object.entries(structuredMails)

interface Server {
  mail: MailService
  deliver(message: MimeMessage): Promise<string>
}

function serviceOn(connection: MailConnection): MailService {
  return new MailService({
    pool: { run: (_account, _kind, work) => work(connection) },
    refs: new MessageRefs(new Signer(Buffer.alloc(32, 1))),
    cleaner: { clean: async (source: string, remote: boolean) => cleanHtml({ source, remote }) },
    parts: partsReader(),
    ownerOf: async () => ({ email: 'ann@own.example', imapHost: 'imap.own.example' }),
  })
}

/** The newest one of the inbox. */
async function newest(mail: MailService): Promise<string> {
  const { items } = await mail.listMessages(someone, 'a', { folder: 'INBOX', limit: 1 }, signal)
  return items[0]!.ref
}

async function inMemory(): Promise<Server> {
  const gateway = new MemoryGateway()
  const login = { host: 'memory', port: 143, tls: 'none', user: 'alice', password: 'secret' } as const
  const mail = serviceOn(await gateway.connect(login, options))
  const deliver = async (message: MimeMessage) => {
    gateway.deliver(toDelivery(message))
    return newest(mail)
  }
  return { mail, deliver }
}

function checks(server: () => Server): void {
  const open = async (message: MimeMessage): Promise<Message> => {
    const { mail, deliver } = server()
    return mail.getMessage(someone, 'a', await deliver(message), signal)
  }
  const follow = (ref: string | null | undefined) => server().mail.getMessage(someone, 'a', ref ?? '', signal)

  test.each(mails)('%s', async (subject, { root, text, from, html, attachments, faults = [] }) => {
    const message = await open({ subject, root })
    expect([message.text, message.text_from]).toEqual([text, from])
    expect(message.html === null).toBe(html === null)
    let at = 0
    for (const words of html ?? []) {
      at = message.html!.indexOf(words, at)
      expect([words, at >= 0]).toEqual([words, true])
    }
    expect(message.attachments.map(({ id, type }) => `${id} ${type}`)).toEqual(attachments)
    expect(message).toMatchObject({
      faults,
      is_truncated: false,
      attachment_count: attachments.length,
      attached_to: null,
    })
  })

  test('an attached message is opened by its reference, at any depth, and has no authentication results', async () => {
    const { root } = structuredMails['related around an alternative, with a file (Thunderbird, Gmail)']!
    const eve = { name: 'Eve', email: 'eve@evil.example' }
    const deepest = { subject: 'deepest', from: eve, root }
    const middle = { subject: 'middle', root: { type: 'message/rfc822', message: deepest } }
    const parts = [
      { type: 'text/plain', body: 'outer' },
      { type: 'message/rfc822', message: middle },
    ]
    const outer = await open({ subject: 'outer', root: { type: 'multipart/mixed', parts } })
    const [first] = outer.attachments
    expect(first).toMatchObject({ id: '2', type: 'message/rfc822', message_ref: expect.any(String) })
    const inside = await follow(first?.message_ref)
    expect(inside).toMatchObject({ subject: 'middle', text: null, auth: null, attached_to: outer.ref, uid: outer.uid })
    const deep = await follow(inside.attachments[0]?.message_ref)
    expect(deep).toMatchObject({
      subject: 'deepest',
      from: [eve],
      text: 'hello',
      html: '<p>hello',
      attached_to: outer.ref,
    })
    expect(deep.attachments.map(({ id, type }) => `${id} ${type}`)).toEqual([
      '2.1.1.2 image/png',
      '2.1.2 application/pdf',
    ])
    await expect(follow(`${first?.message_ref?.slice(0, -1)}`)).rejects.toMatchObject({ code: 'message_not_found' })
  })

  test('every attachment can be read to its end, also in an attached message', async () => {
    const bytes = Buffer.from(Array.from({ length: 900_000 }, (_, index) => (index * 7 + (index >> 8)) & 0xff))
    const binary = { type: 'application/zip', fileName: 'a.zip', disposition: 'attachment' as const, body: bytes }
    const inner = {
      subject: 'inner',
      root: { type: 'multipart/mixed', parts: [{ type: 'text/plain', body: 'x' }, binary] },
    }
    const parts = [
      binary,
      { type: 'message/rfc822', message: inner },
      { type: 'message/rfc822', message: { subject: 's', root: binary } },
    ]
    const outer = await open({ subject: 'files', root: { type: 'multipart/mixed', parts } })
    const read = async (ref: string, id: string) => {
      const { name, bytes: pieces } = await server().mail.files.openPart(
        { principal: someone, accountId: 'a', ref },
        id,
        {
          signal,
          checkAgain: async () => undefined,
        },
      )
      const all: Buffer[] = []
      for await (const piece of pieces) all.push(piece)
      return { name, bytes: Buffer.concat(all) }
    }
    const inside = await follow(outer.attachments[1]?.message_ref)
    const single = await follow(outer.attachments[2]?.message_ref)
    for (const { ref, attachments } of [outer, inside, single]) {
      const { id } = attachments.find(({ type }) => type === 'application/zip')!
      const got = await read(ref, id)
      expect([got.name, got.bytes.equals(bytes)]).toEqual(['a.zip', true])
    }
    expect((await read(outer.ref, '2')).bytes.toString('latin1')).toContain('Subject: inner\r\n')
    for (const id of ['9', '0', '', '1.1', '../1', 'TEXT', 'HEADER', '1]']) {
      await expect(read(outer.ref, id)).rejects.toMatchObject({ code: 'message_not_found' })
    }
  })

  test('how a message is signed or encrypted is told, of its parts and of its text', async () => {
    const signature = { type: 'application/pgp-signature', fileName: 'signature.asc', body: 'x' }
    const armor = '-----BEGIN PGP MESSAGE-----\n\nabc\n-----END PGP MESSAGE-----\n'
    const parts = [{ type: 'text/plain', parameters: { charset: 'utf-8' }, body: armor }, signature]
    const parameters = { protocol: 'application/pgp-signature' }
    const message = await open({ subject: 'signed', root: { type: 'multipart/signed', parameters, parts } })
    expect(message.protection).toEqual([
      { standard: 'openpgp', kind: 'signed', form: 'multipart', is_whole: true },
      { standard: 'openpgp', kind: 'encrypted', form: 'inline', is_whole: true },
    ])
    expect((await open({ subject: 'plain', root: { type: 'text/plain', body: 'words' } })).protection).toEqual([])
  })

  test('an invitation is told as data', async () => {
    const source = [
      'BEGIN:VCALENDAR',
      'METHOD:REQUEST',
      'BEGIN:VEVENT',
      'UID:1@x',
      'SUMMARY:Tea',
      'DTSTART;TZID=Europe/Berlin:20261201T100000',
      'DURATION:PT90M',
      'RRULE:FREQ=MONTHLY;BYDAY=1TU',
      'EXDATE;TZID=Europe/Berlin:20270105T100000',
      'ORGANIZER;CN=Ann:mailto:ann@x.org',
      'ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:bob@x.org',
      'END:VEVENT',
      'END:VCALENDAR',
    ]
    const calendar = { type: 'text/calendar', parameters: { method: 'REQUEST' }, body: source.join('\r\n') }
    const parts = [{ type: 'text/plain', body: 'come' }, calendar]
    const message = await open({ subject: 'tea', root: { type: 'multipart/alternative', parts } })
    const [local, zone] = ['2026-12-01T10:00:00', 'Europe/Berlin']
    expect(message.calendar).toMatchObject({
      method: 'REQUEST',
      event_count: 1,
      events: [
        {
          summary: 'Tea',
          start: { local, time_zone: zone, utc: '2026-12-01T09:00:00.000Z' },
          end: { local: '2026-12-01T11:30:00', time_zone: zone, utc: '2026-12-01T10:30:00.000Z' },
          recurrence: 'FREQ=MONTHLY;BYDAY=1TU',
          recurrence_words: 'on the first Tuesday of every month',
          exceptions: 1,
          additions: 0,
          organizer: { name: 'Ann', email: 'ann@x.org' },
          attendees: [{ name: null, email: 'bob@x.org', status: 'NEEDS-ACTION' }],
        },
      ],
    })
  })

  test('in the frame texts and pictures stand in their places', async () => {
    const { root } = structuredMails['text, picture, text (Apple Mail)']!
    const { ref } = await open({ subject: 'pictures', root })
    const document = await server().mail.messageHtml(someone, 'a', ref, false, signal)
    const picture = `data:image/jpeg;base64,${Buffer.from('jpeg').toString('base64')}`
    expect(document).toContain(
      `<pre dir="auto">first</pre><p><img alt="" src="${picture}"></p><pre dir="auto">second</pre>`,
    )
  })
}

describe('on a mail server in memory', () => {
  let server: Server
  beforeAll(async () => {
    server = await inMemory()
  })
  checks(() => server)
})

describe.skipIf(!available('dovecot'))('on Dovecot', () => {
  let dovecot: Dovecot
  let connection: MailConnection
  let server: Server
  beforeAll(async () => {
    dovecot = await startDovecot()
    const user = dovecot.users[0]!
    const login = { host: '127.0.0.1', port: dovecot.imapPort, tls: 'none', ...user } as const
    connection = await new ImapFlowGateway().connect(login, options)
    const mail = serviceOn(connection)
    const deliver = async (message: MimeMessage) => {
      await dovecot.appendMessage(user.user, toRaw(message))
      return newest(mail)
    }
    server = { mail, deliver }
  })
  afterAll(async () => {
    await connection?.close()
    await dovecot?.stop()
  })
  checks(() => server)
})
