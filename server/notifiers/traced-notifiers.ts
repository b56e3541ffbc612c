/** Traces attempts of notifiers as spans: channel, notice and outcome, without addresses or content. */
import { notifierKinds } from '../../contract/notifiers.ts'
import { overridden } from '../platform/tracing/overridden.ts'
import type { Tracer } from '../platform/tracing/tracer.ts'
import type { Notifiers } from './notice-attempt.ts'
import type { NoticeMessage, NoticeOutcome } from './notifier.ts'

export function tracedNotifiers(notifiers: Notifiers, tracer: Pick<Tracer, 'trace'>): Notifiers {
  return Object.fromEntries(
    notifierKinds.map(kind => [
      kind,
      overridden(notifiers[kind], (name, method) =>
        name === 'send' ? (...args) => traced(kind, args[1] as NoticeMessage, () => method(...args)) : undefined,
      ),
    ]),
  ) as unknown as Notifiers

  function traced(kind: string, { id, isTest, alerts, others }: NoticeMessage, send: () => unknown) {
    const attributes = {
      'rustymail.notifier.kind': kind,
      'rustymail.notice.id': id,
      'rustymail.notice.alerts': alerts.length + others,
      'rustymail.notice.is_test': isTest,
    }
    return tracer.trace('notifier send', { kind: 'client', attributes }, async span => {
      const outcome = (await send()) as NoticeOutcome
      span?.set({
        'rustymail.notifier.outcome': outcome.kind,
        'rustymail.notifier.status': outcome.status ?? undefined,
      })
      if (outcome.kind !== 'sent') span?.end(outcome.kind)
      return outcome
    })
  }
}
