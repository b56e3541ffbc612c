/**
 * Traces webhook deliveries as spans, which receivers continue by `traceparent`. Only the host of an address is
 * recorded: the rest may be secret.
 */
import { overridden } from '../platform/tracing/overridden.ts'
import type { TraceCarrier } from '../platform/tracing/span.ts'
import type { Tracer } from '../platform/tracing/tracer.ts'
import type { WebhookKind } from './webhook-kind.ts'
import type { WebhookAttempt, WebhookSender } from './webhook-sender.ts'

export function tracedSender(
  sender: Pick<WebhookSender, 'send'>,
  tracer: Pick<Tracer, 'trace'>,
): Pick<WebhookSender, 'send'> {
  return {
    send: (attempt: WebhookAttempt) => {
      const { protocol, hostname, port } = new URL(attempt.url)
      const attributes = {
        'http.request.method': 'POST',
        'server.address': hostname,
        'server.port': Number(port) || (protocol === 'https:' ? 443 : 80),
        'rustymail.webhook.message_id': attempt.message.id,
      }
      return tracer.trace('POST webhook', { kind: 'client', parent: attempt.origin, attributes }, async span => {
        const { traceparent, tracestate } = span?.carrier() ?? {}
        const given = { ...(traceparent && { traceparent }), ...(tracestate && { tracestate }) }
        const outcome = await sender.send({ ...attempt, headers: { ...attempt.headers, ...given } })
        span?.set({ 'http.response.status_code': outcome.answer?.status, 'rustymail.webhook.outcome': outcome.kind })
        if ('fault' in outcome) span?.end(outcome.fault)
        return outcome
      })
    },
  }
}

/** Makes the delivery of a fact part of the trace in which the fact was created. */
export function withOrigins(kind: WebhookKind, originOf: (fact: object) => TraceCarrier | undefined): WebhookKind {
  return overridden(kind, (name, method) => {
    if (name !== 'messageOf') return undefined
    return async (...args) => {
      const [, , entry] = args as Parameters<WebhookKind['messageOf']>
      const message = await (method(...args) as ReturnType<WebhookKind['messageOf']>)
      return message && { ...message, origin: originOf(entry.fact) }
    }
  })
}
