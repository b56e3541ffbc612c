/** One attempt over real TLS: what is sent can be read by the browser alone, and nothing that a service answers leads elsewhere or holds up. */
import { expect, onTestFinished, test } from 'vitest'
import { flood, type PushStandIn, refuse, startPushStandIn } from '../../test/support/push-stand-in.ts'
import { GuardedFetch } from '../platform/network/guarded-fetch.ts'
import { OutboundGuard } from '../platform/network/outbound-guard.ts'
import { SecretBox } from '../platform/secret-box.ts'
import { PushSender } from './push-sender.ts'
import { PushServices } from './push-services.ts'
import type { VapidKeys } from './vapid-keys.ts'
import { VapidKeyHolder } from './vapid-keys.ts'

const signal = new AbortController().signal
const message = { payload: '{"kind":"test"}', ttlSeconds: 60, topic: 'topic' }

async function makeKeys(): Promise<VapidKeys> {
  const keepKeys = async (row: { public_key: string; private_sealed: string; created_at: string }) => ({
    id: 1,
    ...row,
  })
  const store = { findKeys: async () => undefined, keepKeys }
  return new VapidKeyHolder(store, new SecretBox(Buffer.alloc(32, 1)), Date.now).get()
}

async function startSender(service: PushStandIn, { networks = ['127.0.0.0/8', '::1/128'], timeoutMs = 60_000 } = {}) {
  const guarded = new GuardedFetch({ guard: new OutboundGuard({ privateNetworks: networks, trusted: [] }) })
  onTestFinished(() => guarded.stop())
  const keys = await makeKeys()
  service.publicKey = keys.publicKey
  return new PushSender({
    services: new PushServices([service.host]),
    keys: async () => keys,
    fetch: guarded.fetch,
    subject: () => 'https://mail.example.org',
    timeoutMs,
  })
}

const rowOf = (browser: ReturnType<PushStandIn['browser']>) => {
  const { endpoint, keys } = browser.subscription
  return { endpoint, ...keys }
}

test('what is sent is signed for this service, and its content is of one length and for the browser alone', async () => {
  const service = await startPushStandIn()
  const sender = await startSender(service)
  const browser = service.browser('phone')
  expect(await sender.send(rowOf(browser), message, signal)).toEqual({ kind: 'sent' })
  const longer = { ...message, payload: JSON.stringify({ kind: 'test', asks: 'ä'.repeat(100) }) }
  expect(await sender.send(rowOf(browser), longer, signal)).toEqual({ kind: 'sent' })
  expect(service.taken).toMatchObject([
    { content: { kind: 'test' }, headers: { ttl: '60', topic: 'topic', urgency: 'high' } },
    { content: { asks: 'ä'.repeat(100) } },
  ])
  expect(service.taken[0]!.length).toBe(service.taken[1]!.length)
  expect(service.faults).toEqual([])
})

test.each([
  [refuse(404), 'gone'],
  [refuse(410), 'gone'],
  [refuse(400), 'refused'],
  [refuse(401), 'refused'],
  [refuse(403), 'refused'],
  [refuse(413), 'refused'],
  [refuse(429, { 'retry-after': '7' }), 'retry'],
  [refuse(500), 'retry'],
  [refuse(503, { 'retry-after': 'Wed, 21 Oct 2015 07:28:00 GMT' }), 'retry'],
  [flood, 'sent'],
] as const)('answer %#: %s', async (answer, kind) => {
  const service = await startPushStandIn()
  const sender = await startSender(service)
  service.answers.set('phone', [answer])
  const outcome = await sender.send(rowOf(service.browser('phone')), message, signal)
  expect(outcome).toMatchObject({ kind })
  if (answer === flood) await expect.poll(() => service.open.size).toBe(0)
})

test('a time to come back is kept, between a second and an hour', async () => {
  const service = await startPushStandIn()
  const sender = await startSender(service)
  const browser = service.browser('phone')
  const values = ['7', '86400', '0', '-1', 'soon', 'Wed, 21 Oct 2015 07:28:00 GMT']
  service.answers.set(
    'phone',
    values.map(value => refuse(429, { 'retry-after': value })),
  )
  const waits = []
  for (const _value of values) waits.push(await sender.send(rowOf(browser), message, signal))
  expect(waits.map(outcome => ('afterMs' in outcome ? outcome.afterMs : 'none'))).toEqual([
    ...[7_000, 3_600_000, 1_000, undefined, undefined, 1_000],
  ])
})

test.each(['https://localhost:1/', 'http://169.254.169.254/latest', '/push/other'])(
  'a redirect to %s is not followed',
  async location => {
    const service = await startPushStandIn()
    const sender = await startSender(service)
    service.answers.set('phone', [refuse(307, { location })])
    const outcome = await sender.send(rowOf(service.browser('phone')), message, signal)
    expect(outcome).toMatchObject({ kind: 'refused', why: expect.stringContaining('Redirects are not followed') })
    expect(service.asked).toBe(1)
  },
)

test('an address of a private network is not called, though a known name leads there', async () => {
  const service = await startPushStandIn()
  const sender = await startSender(service, { networks: [] })
  const outcome = await sender.send(rowOf(service.browser('phone')), message, signal)
  expect(outcome).toMatchObject({ kind: 'refused', why: expect.stringContaining('RUSTYMAIL_PRIVATE_NETWORKS') })
  expect(service.asked).toBe(0)
})

test('an endpoint of before, of a service that is used no more, is not called', async () => {
  const service = await startPushStandIn()
  const sender = await startSender(service)
  const row = { ...rowOf(service.browser('phone')), endpoint: 'https://fcm.googleapis.com/fcm/send/x' }
  expect(await sender.send(row, message, signal)).toMatchObject({ kind: 'refused' })
})

test('a service that does not answer, or is not there, is tried later', async () => {
  const service = await startPushStandIn()
  const slow = await startSender(service, { timeoutMs: 100 })
  const browser = service.browser('phone')
  service.answers.set('phone', [() => undefined])
  expect(await slow.send(rowOf(browser), message, signal)).toMatchObject({
    ...{ kind: 'retry', why: 'The push service did not answer in time.' },
  })
  const sender = await startSender(service)
  service.answers.set('phone', [response => response.destroy()])
  expect(await sender.send(rowOf(browser), message, signal)).toMatchObject({
    ...{ kind: 'retry', why: 'The push service could not be reached.' },
  })
})
