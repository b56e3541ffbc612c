/** Streams of MCP Events as their transport takes them: at its pace, with heartbeats and gaps, and ended with their principal. */
import { expect, onTestFinished, test, vi } from 'vitest'
import { startHub } from '../../test/support/event-hub.ts'
import { patience } from '../../test/support/patience.ts'
import { mail, reader } from '../../test/support/webhook-world.ts'
import type { McpExtensionContext } from '../mcp/mcp-port.ts'
import { createLogger } from '../platform/logger.ts'
import type { Principal } from '../platform/principal.ts'
import { EventGate } from './event-gate.ts'
import { EventProjector } from './event-projector.ts'
import { EventReading } from './event-reading.ts'
import { EventStreams } from './event-streams.ts'

const asked = { name: 'message.received', arguments: {} } as const

async function world({ heartbeatMs = patience, heldInMemory = 1_000, keep = 100_000, lookUp = async () => {} } = {}) {
  const { hub, log } = await startHub(undefined, { heldInMemory, keep })
  const unknown = { from: null, subject: null, auth: 'unknown', recipients: null, hasAttachments: null } as const
  const projector = new EventProjector({
    mail: {
      details: async () => {
        await lookUp()
        return unknown
      },
      ...{ matches: async () => true, answers: async () => true },
      ...{ senderOf: async () => undefined, refOf: ({ uid }) => String(uid) },
    },
    idOf: number => log.idOf(number),
  })
  const reading = new EventReading({ hub, projector, now: Date.now })
  const shown: string[] = []
  const gate = new EventGate({
    ...{ limits: { checkPrincipal: () => ({}) }, trail: { isFull: false, record: () => undefined } },
    ...{ stops: { check: () => undefined, checkAll: () => undefined }, checkQuery: () => undefined },
    observe: () => undefined,
    shown: ({ id }, { name }) => void shown.push(`${id} ${name}`),
  })
  const logger = createLogger('silent')
  const streams = new EventStreams({ hub, reading, projector, gate, sent: () => undefined, logger, heartbeatMs })
  streams.start()
  onTestFinished(() => streams.stop())
  const open = (principal: Principal = reader(), cursor?: string) => {
    const told: { method: string; params: Record<string, unknown> }[] = []
    const gone = new AbortController()
    /** While set, the transport accepts nothing more. */
    const pace: { full: Promise<void> | undefined } = { full: undefined }
    const asking = {
      ...{ caller: { principal, address: '', userAgent: '' }, id: 5, signal: gone.signal, requestId: 'r' },
      ...{ revision: '2026-07-28', peer: undefined, capabilities: {}, progress: () => undefined },
      notify: async (method: string, params: Record<string, unknown>) => {
        told.push({ method: method.slice('notifications/events/'.length), params })
        await pace.full
      },
    } satisfies McpExtensionContext
    const ended = streams.open(asked, reading.start(cursor), undefined, asking)
    const refs = () =>
      told.filter(({ method }) => method === 'event').map(({ params }) => (params.data as { ref: string }).ref)
    const methods = () => told.map(({ method }) => method)
    return { told, refs, methods, ended, gone, pace }
  }
  const deliver = (...uids: number[]) =>
    hub.transact(async (_transaction, publish) => void uids.forEach(uid => void publish(mail(uid))))
  return { hub, log, streams, open, deliver, shown }
}

test('it goes as fast as its client takes it, and holds nothing meanwhile', async () => {
  const { open, deliver, shown, streams } = await world()
  const stream = open()
  const taken = Promise.withResolvers<void>()
  await vi.waitFor(() => expect(stream.methods()).toEqual(['active']))
  stream.pace.full = taken.promise
  await deliver(1, 2, 3)
  await vi.waitFor(() => expect(stream.refs()).toEqual(['1']))
  await deliver(4)
  expect(stream.refs()).toEqual(['1'])
  stream.pace.full = undefined
  taken.resolve()
  await vi.waitFor(() => expect(stream.refs()).toEqual(['1', '2', '3', '4']))
  expect(shown).toEqual(Array(4).fill('token-1 event.mail'))
  expect(stream.told.every(({ params }) => JSON.stringify(params._meta).includes('5'))).toBe(true)
  stream.gone.abort()
  await stream.ended
  expect(streams.count).toBe(0)
})

test('a heartbeat carries how far it was looked, also where nothing was told', async () => {
  const { open, deliver, log, hub } = await world({ heartbeatMs: 20 })
  const stream = open(reader('token-1', ['b']))
  await deliver(1, 2)
  await vi.waitFor(() =>
    expect(stream.told.at(-1)).toMatchObject({ method: 'heartbeat', params: { cursor: log.idOf(log.newest) } }),
  )
  expect(stream.refs()).toEqual([])
  expect(hub.places.newest).toBe(2)
})

test('what was pruned before it was read is a gap, and it goes on', async () => {
  const { open, deliver, log } = await world({ heldInMemory: 2, keep: 3 })
  await deliver(1)
  const cursor = log.idOf(1)
  await deliver(...Array.from({ length: 9 }, (_, index) => index + 2))
  await log.prune()
  const stream = open(reader(), cursor)
  await vi.waitFor(() => expect(stream.refs()).toEqual(['8', '9', '10']))
  expect(stream.told[0]).toMatchObject({ method: 'active', params: { truncated: true } })
})

test('narrowed it tells less; without the right, revoked or frozen it says why and ends', async () => {
  const { open, deliver, streams } = await world()
  const stream = open(reader('token-1', ['a', 'b']))
  streams.changed(reader('token-1', ['b']))
  await deliver(1)
  streams.changed(reader('token-1', ['a']))
  streams.revoked('token-2')
  await deliver(2)
  await vi.waitFor(() => expect(stream.refs()).toContain('2'))
  streams.changed({ ...reader(), scopes: new Set() })
  expect(await stream.ended).toMatchObject({ resultType: 'complete' })
  const [revoked, frozen] = [open(reader('token-3')), open(reader('token-4'))]
  streams.revoked('token-3')
  streams.endWhere(({ id }) => id === 'token-4')
  await Promise.all([revoked.ended, frozen.ended])
  for (const { told } of [stream, revoked, frozen]) {
    expect(told.at(-1)).toMatchObject({ method: 'terminated', params: { error: { code: -32_024 } } })
  }
})

test.each<[string, (streams: EventStreams) => void, string[]]>([
  ['loses its account', streams => streams.changed(reader('token-1', ['b'])), ['active', 'event']],
  ['is revoked', streams => streams.revoked('token-1'), ['active', 'terminated']],
])('an event that is looked up while its principal %s is not sent', async (_what, change, expected) => {
  const [begun, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const lookUp = async () => {
    begun.resolve()
    await gate.promise
  }
  const { open, deliver, hub, streams } = await world({ lookUp })
  const stream = open(reader('token-1', ['a', 'b']))
  await deliver(1)
  await begun.promise
  change(streams)
  gate.resolve()
  await hub.transact(async (_transaction, publish) => void publish(mail(2, 'b')))
  await vi.waitFor(() => expect(stream.methods()).toEqual(expected))
  expect(stream.refs()).not.toContain('1')
})

test('nothing is looked up for events that a narrowed principal no longer sees, though they were read before', async () => {
  let lookUps = 0
  const { open, deliver, hub, streams } = await world({ lookUp: async () => void lookUps++ })
  const stream = open(reader('token-1', ['a', 'b']))
  await vi.waitFor(() => expect(stream.methods()).toEqual(['active']))
  const full = Promise.withResolvers<void>()
  stream.pace.full = full.promise
  await deliver(1, 2, 3)
  await vi.waitFor(() => expect(stream.refs()).toEqual(['1']))
  streams.changed(reader('token-1', ['b']))
  stream.pace.full = undefined
  full.resolve()
  await hub.transact(async (_transaction, publish) => void publish(mail(4, 'b')))
  await vi.waitFor(() => expect(stream.refs()).toEqual(['1', '4']))
  expect(lookUps).toBe(2)
})
