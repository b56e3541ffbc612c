/** A message is fetched once and rendered once for all that is asked of it, and only for callers that may see its account as it is now. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { html, multipart, text, toDelivery } from '../../test/support/mime.ts'
import { partsReader } from '../../test/support/parts-reader.ts'
import { MemoryGateway } from '../imap/adapters/memory-gateway.ts'
import type { Delivery } from '../imap/adapters/memory-message.ts'
import { ConnectionPool } from '../imap/connection-pool.ts'
import { MessageRefs } from '../imap/message-ref.ts'
import { createLogger } from '../platform/logger.ts'
import { everyScope, type Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import { Signer } from '../platform/secret-box.ts'
import { cleanHtml } from '../reading/clean-html.ts'
import { decodeBody, type EncodedBody } from '../reading/decode-body.ts'
import { TextWorkerError } from '../reading/job-thread.ts'
import { PartsReader } from '../reading/parts-reader.ts'
import { MailService } from './mail-service.ts'
import { MessageReader } from './message-reader.ts'
import { toToolRef } from './read-message.ts'

const { signal } = new AbortController()
const ann: Principal = { id: 'ann', name: 'Ann', kind: 'token', userId: null, scopes: everyScope, accounts: 'all' }
const bob: Principal = { ...ann, id: 'bob', accounts: new Set(['a']) }
const eve: Principal = { ...ann, id: 'eve', accounts: new Set(['b']) }
const refs = new MessageRefs(new Signer(Buffer.alloc(32, 7)))

let gateway: MemoryGateway
let pool: ConnectionPool
let mail: MailService
let revision: string | null
/** Calls to the mail server and the text worker. */
let steps: string[]

beforeEach(() => {
  gateway = new MemoryGateway()
  pool = new ConnectionPool({
    gateway,
    login: async user => {
      if (revision === null) throw new Problem('account_disabled', 'It is disabled.')
      return { host: 'memory', port: 143, tls: 'none', user, password: 'secret' }
    },
    limits: { connection_timeout_seconds: 5, max_connections: 10, connection_pool_size: 4 },
    health: { setConnections: () => undefined },
    logger: createLogger('silent'),
  })
  revision = '1'
  steps = []
  gateway.delay = step => {
    if (step.startsWith('getMessage') || step.startsWith('find')) steps.push(step.split(' ')[0]!)
  }
  mail = serviceOf(partsReader(() => steps.push('read')))
})
afterEach(() => pool.stop())

function serviceOf(parts: PartsReader): MailService {
  const clean = async (source: string, remote: boolean) => {
    steps.push(remote ? 'clean with pictures' : 'clean')
    return cleanHtml({ source, remote })
  }
  const ownerOf = async () => ({ email: 'ann@own.example', imapHost: 'imap.own.example', revision })
  return new MailService({ pool, refs, cleaner: { clean }, parts, ownerOf })
}

async function refOf(delivery: Delivery): Promise<string> {
  gateway.deliver(delivery)
  const { items } = await mail.listMessages(ann, 'a', { folder: 'INBOX', limit: 1 }, signal)
  return items[0]!.ref
}

const long = Array.from({ length: 4_000 }, (_, index) => `<p>paragraph ${index} of a long letter</p>`).join('')

test('one mail read to its end by pages is fetched once and rendered once, and no page asks the mail server for anything', async () => {
  const ref = toToolRef({ accountId: 'a', ref: await refOf({ subject: 'long', text: 'short', html: long }) })
  const reader = new MessageReader(mail)
  const call = { principal: ann, accountId: 'a', signal, note: () => undefined }
  let [pages, words] = [0, '']
  for (let cursor: string | undefined, isFirst = true; isFirst || cursor; isFirst = false) {
    const page = await reader.read(call, { refs: [ref], view: 'text', maxChars: 6_000, cursor })
    words += page.messages[0]?.untrusted_body ?? ''
    cursor = page.cursor
    pages++
  }
  expect(pages).toBeGreaterThan(15)
  expect(words).toContain('paragraph 3999 of')
  expect(steps).toEqual(['getMessage', 'read'])
})

test('message, document and text of one message are made of one fetch, each once; flags are those of now', async () => {
  const ref = await refOf({ subject: 'x', text: 'words', html: '<p>words</p>', flags: [] })
  const open = () => mail.getMessage(ann, 'a', ref, signal)
  const show = (remote: boolean) => mail.messageHtml(ann, 'a', ref, remote, signal)
  const first = await open()
  const frame = await show(false)
  expect(steps).toEqual(['getMessage', 'read', 'clean'])
  await show(true)
  expect(await show(false)).toBe(frame)
  expect(steps).toEqual(['getMessage', 'read', 'clean', 'clean with pictures'])
  Object.assign(gateway.getFolder('INBOX').messages[0]!, { flags: ['seen'], keywords: ['todo'] })
  expect(await open()).toEqual({ ...first, flags: ['seen'], keywords: ['todo'] })
  expect(steps.slice(4)).toEqual(['findFlags'])
})

test('those who ask at the same time share one fetch', async () => {
  const ref = await refOf({ subject: 'x', html: '<p>words</p>' })
  const held = Promise.withResolvers<void>()
  const count = gateway.delay
  gateway.delay = step => {
    count(step)
    if (step.startsWith('getMessage')) return held.promise
  }
  const all = [mail.getMessage(ann, 'a', ref, signal), mail.messageHtml(ann, 'a', ref, false, signal)]
  await expect.poll(() => steps).toEqual(['getMessage'])
  held.resolve()
  await Promise.all(all)
  expect(steps.filter(step => step === 'getMessage')).toHaveLength(1)
})

test('what one principal has read is given to another who may see the account, and to nobody else', async () => {
  const ref = await refOf({ subject: 'x', html: '<p>words</p>' })
  await mail.messageHtml(ann, 'a', ref, false, signal)
  await mail.messageHtml(bob, 'a', ref, false, signal)
  expect(steps).toEqual(['getMessage', 'clean'])
  const refused = { code: 'account_not_found' }
  await expect(mail.messageHtml(eve, 'a', ref, false, signal)).rejects.toMatchObject(refused)
  await expect(mail.getUncompared(eve, 'a', ref, signal, true)).rejects.toMatchObject(refused)
})

test('a message that was deleted, or whose folder was made again, is found no more', async () => {
  const ref = await refOf({ subject: 'x', text: 'words' })
  await mail.getMessage(ann, 'a', ref, signal)
  const folder = gateway.getFolder('INBOX')
  const [message] = folder.messages.splice(0)
  await expect(mail.getMessage(ann, 'a', ref, signal)).rejects.toMatchObject({ code: 'message_not_found' })
  // Nor what was readable a moment ago.
  await expect(mail.messageHtml(ann, 'a', ref, false, signal)).rejects.toMatchObject({ code: 'message_not_found' })
  folder.messages.push(message!)
  await mail.getMessage(ann, 'a', ref, signal)
  folder.uidValidity++
  await expect(mail.getMessage(ann, 'a', ref, signal)).rejects.toMatchObject({ code: 'stale_ref' })
})

test('after an account was changed, disabled or deleted nothing is answered of what was read before', async () => {
  const ref = await refOf({ subject: 'x', html: '<p>words</p>' })
  const show = () => mail.messageHtml(ann, 'a', ref, false, signal)
  await show()
  revision = '2'
  await show()
  expect(steps).toEqual(['getMessage', 'clean', 'getMessage', 'clean'])
  mail.forget('a')
  await show()
  expect(steps.slice(4)).toEqual(['getMessage', 'clean'])
  revision = null
  await pool.drop('a')
  await expect(show()).rejects.toMatchObject({ code: 'account_disabled' })
})

test('what takes long to decode is decoded by the worker, once; for want of time it may be had in a moment', async () => {
  const words = 'naïve '.repeat(20_000)
  const latin = { parameters: { charset: 'iso-8859-1' }, encoding: 'raw' as const }
  const parts = multipart('alternative', [text(Buffer.from(words, 'latin1'), latin), html('<p>short')])
  let isBusy = true
  const run = async (job: string, input: EncodedBody) => {
    steps.push(job)
    if (job !== 'decodeBody') return { plain: '', shown: null, readFrom: 'text', fresh: '', differ: false, told: null }
    if (isBusy) throw new TextWorkerError('busy', 'later')
    return decodeBody(input)
  }
  mail = serviceOf(new PartsReader({ run: run as never }))
  const ref = await refOf(toDelivery({ subject: 'x', root: parts }))
  const open = () => mail.getMessage(ann, 'a', ref, signal)
  await expect(open()).rejects.toMatchObject({ code: 'overloaded', extension: { retryAfterSeconds: 5 } })
  isBusy = false
  expect(await open()).toMatchObject({ text: words, html: '<p>short', is_truncated: false })
  await open()
  expect(steps).toEqual(['getMessage', 'decodeBody', 'getMessage', 'decodeBody', 'readParts', 'findFlags'])
})
