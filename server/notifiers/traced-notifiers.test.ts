/** Traces of notices: the kind of notifier and the outcome, but neither the recipient nor the text. */
import { expect, test } from 'vitest'
import { startTraced } from '../../test/support/traced.ts'
import type { Notifiers } from './notice-attempt.ts'
import type { NoticeMessage, NoticeOutcome, Notifier } from './notifier.ts'
import { tracedNotifiers } from './traced-notifiers.ts'

const message = {
  ...{ id: 't1', title: 'zebrafinch', lines: ['zebrafinch'], severity: 'critical', isOver: false, isTest: false },
  ...{ link: 'https://zebrafinch.example', at: new Date(0), alerts: [], others: 2 },
} satisfies NoticeMessage

test('each attempt is a span by its kind, and one that failed is failed', async () => {
  const { collector, tracer } = await startTraced()
  const outcomes: NoticeOutcome[] = [
    { kind: 'sent', status: 204, said: 'Answered 204.' },
    { kind: 'retry', status: 503, said: 'zebrafinch' },
  ]
  const slack: Notifier<'slack'> = { kind: 'slack', check: () => undefined, send: async () => outcomes.shift()! }
  const others = Object.fromEntries(
    ['email', 'webhook', 'ntfy', 'discord', 'teams', 'telegram', 'web_push'].map(kind => [kind, slack]),
  )
  const notifiers = tracedNotifiers({ ...others, slack } as unknown as Notifiers, tracer)
  const target = { kind: 'slack', url: 'https://hooks.example/zebrafinch' } as const
  const { signal } = new AbortController()
  expect((await notifiers.slack.send(target, message, signal)).kind).toBe('sent')
  expect((await notifiers.slack.send(target, message, signal)).kind).toBe('retry')
  const failed = await collector.until('notifier send', ({ status }) => status === 2)
  expect(failed).toMatchObject({
    ...{ kind: 3, parentId: '' },
    attributes: { 'error.type': 'retry', 'rustymail.notifier.kind': 'slack', 'rustymail.notifier.status': 503 },
  })
  const sent = await collector.until('notifier send', ({ status }) => status === 0)
  expect(sent.attributes).toMatchObject({ 'rustymail.notifier.outcome': 'sent', 'rustymail.notice.alerts': 2 })
  expect(notifiers.slack.kind).toBe('slack')
  expect(collector.text).not.toContain('zebrafinch')
})
