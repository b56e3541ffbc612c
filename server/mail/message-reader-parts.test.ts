/** Messages with more than one text, as a model reads them: attached ones, HTML among text, and invitations. */
import { expect, onTestFinished, test } from 'vitest'
import { toDelivery } from '../../test/support/mime.ts'
import { partsReader } from '../../test/support/parts-reader.ts'
import { MemoryGateway } from '../imap/adapters/memory-gateway.ts'
import type { Delivery } from '../imap/adapters/memory-message.ts'
import { ConnectionPool } from '../imap/connection-pool.ts'
import { MessageRefs } from '../imap/message-ref.ts'
import { createLogger } from '../platform/logger.ts'
import { everyScope, type Principal } from '../platform/principal.ts'
import { SecretBox, Signer } from '../platform/secret-box.ts'
import { MailService } from './mail-service.ts'
import { MessageReader } from './message-reader.ts'
import { toToolRef } from './read-message.ts'

const principal: Principal = { id: 'p', name: 'P', kind: 'token', userId: null, scopes: everyScope, accounts: 'all' }
const { signal } = new AbortController()

/** Delivers it; answers its reference, and how references are read. */
async function deliver(delivery: Delivery) {
  const gateway = new MemoryGateway()
  const pool = new ConnectionPool({
    gateway,
    login: async user => ({ host: 'memory', port: 143, tls: 'none', user, password: 'secret' }),
    limits: { connection_timeout_seconds: 5, max_connections: 10, connection_pool_size: 2 },
    health: { setConnections: () => undefined },
    logger: createLogger('silent'),
  })
  onTestFinished(() => pool.stop())
  const mail = new MailService({
    pool,
    refs: new MessageRefs(new Signer(new SecretBox(Buffer.alloc(32, 7)).derive('refs'))),
    cleaner: { clean: async () => 'busy' },
    parts: partsReader(),
    ownerOf: async () => ({ email: 'ann@own.example', imapHost: 'imap.gmail.com' }),
  })
  const reader = new MessageReader(mail)
  gateway.deliver(delivery)
  const { items } = await mail.listMessages(principal, 'a', { folder: 'INBOX', limit: 50 }, signal)
  const read = (ref: string) =>
    reader.read(
      { principal, accountId: 'a', signal, note: () => undefined },
      { refs: [ref], view: 'text', maxChars: 6000, cursor: undefined },
    )
  return { ref: toToolRef({ accountId: 'a', ref: items[0]!.ref }), read }
}

const insideOf = (body: string | undefined) => /^<(untrusted-\w+)>\n([\s\S]*)\n<\/\1>$/.exec(body ?? '')?.[2] ?? ''

test('an attached message is read by the ref that its carrier names, with a note that its sender was not checked', async () => {
  const eve = { name: 'Eve', email: 'eve@evil.example' }
  const inner = { subject: 'inside', from: eve, root: { type: 'text/plain', body: 'inner words' } }
  const parts = [
    { type: 'text/plain', body: 'see below' },
    { type: 'message/rfc822', message: inner },
  ]
  const { ref, read } = await deliver(toDelivery({ subject: 'outer', root: { type: 'multipart/mixed', parts } }))
  const [outer] = (await read(ref)).messages
  expect(outer).toMatchObject({
    attachments: [{ id: '2', type: 'message/rfc822', ref: expect.stringMatching(/^a\./) }],
  })
  const [inside] = (await read(outer?.attachments?.[0]?.ref ?? '')).messages
  expect(inside).toMatchObject({
    subject: 'inside',
    from: [eve],
    note: expect.stringContaining('Its author is not verified'),
  })
  expect(insideOf(inside?.untrusted_body)).toBe('inner words')
  expect(inside).not.toHaveProperty('auth')
})

test('every text of a message is read, HTML among them, and an invitation as data', async () => {
  const source =
    'BEGIN:VCALENDAR\nMETHOD:REQUEST\nBEGIN:VEVENT\nSUMMARY:Tea\nDTSTART:20261201T090000Z\nRRULE:FREQ=WEEKLY;UNTIL=20270302T090000Z\nEXDATE:20261208T090000Z\nEND:VEVENT\nEND:VCALENDAR'
  const parts = [
    { type: 'text/html', body: '<p>meeting Friday</p>' },
    { type: 'text/plain', body: 'the footer' },
    { type: 'text/calendar', body: source },
  ]
  const { ref, read } = await deliver(toDelivery({ subject: 'list', root: { type: 'multipart/mixed', parts } }))
  const [message] = (await read(ref)).messages
  expect(insideOf(message?.untrusted_body)).toBe('meeting Friday\n\nthe footer')
  expect(message).toMatchObject({
    note: 'This text was made from text and HTML parts, in order.',
    calendar: {
      method: 'REQUEST',
      events: [
        {
          summary: 'Tea',
          start: { local: '2026-12-01T09:00:00', zone: 'UTC', utc: '2026-12-01T09:00:00.000Z' },
          recurrence: 'FREQ=WEEKLY;UNTIL=20270302T090000Z',
          repeats: 'every Tuesday until 2 March 2027',
          exceptions: 1,
        },
      ],
    },
  })
})
