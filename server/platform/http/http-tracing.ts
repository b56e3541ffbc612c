/**
 * Records requests as spans by OpenTelemetry's HTTP conventions: the route, never path or query, which may be private.
 */
import type { FastifyRequest } from 'fastify'
import type { Span } from '../tracing/span.ts'
import { errorType, type Tracer } from '../tracing/tracer.ts'
import type { RequestOutcome } from './http-outcome.ts'

/** Operations that are not traced, since monitoring polls them every few seconds. */
const untraced = /^(health\.|metrics\.)/
const maxTraceparent = 128
const maxTracestate = 512

/** A finished request. */
interface Ended {
  outcome: RequestOutcome
  /** False if the client had disconnected. */
  isAnswered: boolean
}

export class HttpTracing {
  readonly #tracer: Tracer
  readonly #spans = new WeakMap<FastifyRequest, Span>()

  constructor(tracer: Tracer) {
    this.#tracer = tracer
  }

  /** Begins the span of an admitted request; `traceparent` counts now, as anonymous callers must not force sampling. */
  begin(request: FastifyRequest): void {
    const span = this.#begin(request, request.caller && parentIn(request.headers))
    if (span) this.#spans.set(request, span)
  }

  /** Binds work to the span of a request. */
  within(request: FastifyRequest, work: (error?: Error) => void): (error?: Error) => void {
    const span = this.#spans.get(request)
    return span ? error => this.#tracer.run(span, () => work(error)) : work
  }

  end(request: FastifyRequest, { outcome, isAnswered }: Ended): void {
    const span = this.#spans.get(request) ?? this.#begin(request, undefined)
    const { status, code, caller, refs, requestId } = outcome
    span?.set({
      'http.response.status_code': isAnswered ? status : undefined,
      'rustymail.request.id': requestId,
      'rustymail.principal.id': caller?.principal.id,
      'rustymail.account.id': refs.account_id,
      'rustymail.outcome': isAnswered ? code : 'client_left',
    })
    span?.end(isAnswered && status >= 500 ? String(status) : undefined)
  }

  #begin(request: FastifyRequest, parent: ReturnType<typeof parentIn>): Span | undefined {
    const { operation } = request.route ?? {}
    if (!operation || untraced.test(operation.name)) return undefined
    const { method, began } = request
    const route = request.routeOptions.url
    return this.#tracer.begin(`${method} ${route}`, {
      kind: 'server',
      parent: parent ?? 'none',
      startedAt: performance.timeOrigin + began,
      attributes: { 'http.request.method': method, 'http.route': route, 'rustymail.operation': operation.name },
    })
  }
}

interface Opening {
  path: string
  operation: string
  principalId: string
  header(name: string): string | undefined
}

/** Traces the opening of a stream by an admitted caller; a span of its whole life would be exported hours later. */
export function traceOpening(
  tracer: Tracer,
  { path, operation, principalId, header }: Opening,
  open: () => void,
): void {
  const span = tracer.begin(`GET ${path}`, {
    kind: 'server',
    parent: parentIn({ traceparent: header('traceparent'), tracestate: header('tracestate') }) ?? 'none',
    attributes: {
      ...{ 'http.request.method': 'GET', 'http.route': path },
      ...{ 'rustymail.operation': operation, 'rustymail.principal.id': principalId },
    },
  })
  try {
    // Not run within the span, which would be retained by the stream's async context.
    open()
    span?.set({ 'http.response.status_code': 200, 'rustymail.outcome': 'ok' })
  } catch (error) {
    span?.set({ 'rustymail.outcome': errorType(error) })
    throw error
  } finally {
    span?.end()
  }
}

function parentIn({ traceparent, tracestate }: FastifyRequest['headers']) {
  if (typeof traceparent !== 'string' || traceparent.length > maxTraceparent) return undefined
  const isState = typeof tracestate === 'string' && tracestate.length <= maxTracestate
  return { traceparent, ...(isState && { tracestate }) }
}
