/** What is kept for tabs that join later belongs to one session. */
import { expect, test } from 'vitest'
import { RecentEvents } from './recent-events.ts'
import type { StreamEvent } from './stream-status.ts'

const welcome = (clientId: string): StreamEvent => ({
  id: null,
  event: {
    type: 'welcome',
    data: {
      client_id: clientId,
      epoch: 'e',
      server_time: '2026-11-30T12:00:00.000Z',
      resumed: true,
      replayed: 0,
      heartbeat_seconds: 15,
    },
  },
})
const goodbye = (reason: 'revoked' | 'shutdown'): StreamEvent => ({
  id: null,
  event: { type: 'goodbye', data: { reason, reconnect_in_ms: 0 } },
})
const fact = (id: string): StreamEvent => ({
  id,
  event: {
    type: 'client_disconnected',
    data: { client_id: id, kind: 'api', name: 'x', reason: 'idle', at: '2026-11-30T12:00:00.000Z' },
  } as unknown as StreamEvent['event'],
})

test('facts are kept over reconnects of the same session, and not for the next one', () => {
  const recent = new RecentEvents()
  for (const event of [welcome('ann'), fact('e-1'), goodbye('shutdown'), welcome('ann')]) recent.take(event)
  expect(recent.lastEventId).toBe('e-1')
  recent.take(welcome('bob'))
  expect(recent.facts).toEqual([])
  recent.take(fact('e-2'))
  recent.take(goodbye('revoked'))
  expect([recent.facts, recent.lastEventId]).toEqual([[], ''])
})
