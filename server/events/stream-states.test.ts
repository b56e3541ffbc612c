/** States: the newest of each goes to those that may see it, and is kept for streams that open later. */
import { expect, test } from 'vitest'
import { heldStreams, turns } from '../../test/support/held-streams.ts'
import { admin } from '../../test/support/hub-on-http.ts'
import { mailFact as mail, sampleEvent } from '../../test/support/sample-events.ts'
import { type Principal, scopeSet } from '../platform/principal.ts'
import type { StreamObserver } from './event-stream.ts'

const eventsOf = ({ text }: { text: string }) => [...text.matchAll(/^event: (\w+)/gm)].map(match => match[1])

/** The state of an account's synchronization. */
function progress(accountId: string) {
  const { type, data } = sampleEvent('sync_progress')
  return { type, data: { ...data, account_id: accountId } }
}

test('of each state a reader that is behind gets the newest, before further facts, and what it did not get is counted', async () => {
  const { hub, subscribe, tell } = await heldStreams()
  const observed = { sent: 0, dropped: 0, closed: 0 }
  const observer: StreamObserver = {
    clientId: 'c1',
    sent: count => {
      observed.sent += count
    },
    dropped: count => {
      observed.dropped += count
    },
    closed: () => {
      observed.closed++
    },
  }
  const reader = subscribe(admin, { observer })
  await turns()
  reader.hold()
  const stats = (uptime: number) => {
    const { type, data } = sampleEvent('stats_update')
    hub.publishState({ type, data: { ...data, uptime_seconds: uptime } })
  }
  await tell(mail('a', 1))
  for (const uptime of [71, 72, 73]) {
    stats(uptime)
    await turns()
  }
  hub.publishState(progress('a'))
  await tell(mail('a', 2))
  expect([observed, hub.healthFor(admin).dropped]).toEqual([{ sent: 1, dropped: 2, closed: 0 }, 2])
  expect(eventsOf(reader)).toEqual(['welcome', 'mail_received'])
  for (const [index, name] of ['stats_update', 'sync_progress', 'mail_received'].entries()) {
    reader.takeOne()
    await turns()
    expect(eventsOf(reader).slice(2)).toEqual(['stats_update', 'sync_progress', 'mail_received'].slice(0, index + 1))
    expect(eventsOf(reader).at(-1)).toBe(name)
  }
  expect(reader.text).toContain('"uptime_seconds":73')
  expect(reader.text).not.toMatch(/"uptime_seconds":7[12]/)
  reader.release()
  reader.destroy()
  await turns()
  expect(observed).toEqual({ sent: 4, dropped: 2, closed: 1 })
})

test('states of several types and accounts are told apart, though they come at once; those of a removed account go', async () => {
  const { hub, subscribe, tell } = await heldStreams()
  const reader = subscribe()
  hub.publishState(progress('a'))
  hub.publishState(progress('b'))
  hub.publishState(sampleEvent('stats_update'))
  await turns()
  const states = ['sync_progress', 'sync_progress', 'stats_update']
  expect(eventsOf(reader)).toEqual(['welcome', ...states])
  expect(eventsOf(subscribe())).toEqual(['welcome', ...states])
  const { type, data } = sampleEvent('account_removed')
  await tell({ type, data: { ...data, account_id: 'a' } })
  const later = subscribe()
  expect(eventsOf(later)).toEqual(['welcome', 'sync_progress', 'stats_update'])
  expect(later.text).toContain('"account_id":"b"')
})

test('the last state of an account reaches open streams, and none that opens later', async () => {
  const { hub, subscribe } = await heldStreams()
  const reader = subscribe()
  hub.publishState(progress('a'))
  hub.publishState(progress('b'))
  await turns()
  hub.publishLastState(progress('a'))
  await turns()
  expect(eventsOf(reader)).toEqual(['welcome', 'sync_progress', 'sync_progress', 'sync_progress'])
  const later = subscribe()
  expect(later.text.match(/"account_id":"\w"/g)).toEqual(['"account_id":"b"'])
})

test('what is published to an owner reaches all streams of that user or token, and no other', async () => {
  const { hub, subscribe } = await heldStreams()
  const of = (id: string, kind: Principal['kind'], userId: string): Principal => ({
    ...{ id, name: id, kind, userId, scopes: scopeSet(['dashboard:admin', 'dashboard:read', 'mail:read']) },
    accounts: 'all',
  })
  const ann = [subscribe(of('session-1', 'session', 'ann')), subscribe(of('session-2', 'session', 'ann'))]
  const others = [subscribe(of('session-3', 'session', 'ben')), subscribe(of('token-1', 'token', 'ann'))]
  hub.publishTo('user-ann', sampleEvent('stats_update'))
  await turns()
  expect(ann.map(eventsOf)).toEqual([
    ['welcome', 'stats_update'],
    ['welcome', 'stats_update'],
  ])
  expect(others.map(eventsOf)).toEqual([['welcome'], ['welcome']])
  // Not kept.
  expect(eventsOf(subscribe(of('session-1', 'session', 'ann')))).toEqual(['welcome'])
})
