/** What is counted of calls and deliveries: by outcome, and asked for at each scrape where it is a figure of now. */
import { expect, test } from 'vitest'
import { CallMetrics } from './call-metrics.ts'

const outboxLines = async (metrics: CallMetrics) =>
  (await metrics.whole.metrics()).split('\n').filter(line => line.startsWith('rustymail_outbox'))

test('attempts to send are counted by what became of the message', async () => {
  const metrics = new CallMetrics()
  for (const outcome of ['queued', 'sent', 'queued', 'partial', 'failed', 'unknown', 'queued']) {
    metrics.recordDelivery(outcome)
  }
  expect(await outboxLines(metrics)).toEqual([
    'rustymail_outbox_attempts_total{outcome="queued"} 3',
    'rustymail_outbox_attempts_total{outcome="sent"} 1',
    'rustymail_outbox_attempts_total{outcome="partial"} 1',
    'rustymail_outbox_attempts_total{outcome="failed"} 1',
    'rustymail_outbox_attempts_total{outcome="unknown"} 1',
  ])
})

test('messages that wait are counted when somebody asks', async () => {
  const metrics = new CallMetrics()
  expect(await outboxLines(metrics)).toEqual([])
  let waiting = 7
  metrics.watchOutbox(async () => waiting)
  expect(await outboxLines(metrics)).toEqual(['rustymail_outbox_waiting 7'])
  waiting = 0
  expect(await outboxLines(metrics)).toEqual(['rustymail_outbox_waiting 0'])
})

test('how much is sent grows with what happens to accounts: it is for those alone that see all of them', async () => {
  const metrics = new CallMetrics()
  metrics.watchOutbox(async () => 1)
  metrics.recordDelivery('sent')
  expect(await metrics.told.metrics()).not.toContain('outbox')
})
