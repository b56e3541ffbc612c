/** Interface of spans for traced code: attributes, and propagation of the trace. */

export type SpanKind = 'internal' | 'server' | 'client' | 'producer' | 'consumer'

/**
 * Span attributes. Never secrets, content of mail, addresses of people or caller-supplied text: a collector is another
 * system.
 */
export type Attributes = Record<string, string | number | boolean | undefined>

/** Propagates a trace to other work: W3C Trace Context. */
export interface TraceCarrier {
  traceparent: string
  tracestate?: string | undefined
}

export interface SpanOptions {
  kind?: SpanKind
  attributes?: Attributes
  /** Parent; defaults to the active span. `none` starts a new trace. */
  parent?: Span | TraceCarrier | 'none' | undefined
  /** A related span that is not the parent. */
  link?: Span | undefined
  /** Start in epoch milliseconds, if it began earlier. */
  startedAt?: number
}

export interface Span {
  readonly isOver: boolean
  /** Whether it is sampled and has not ended. */
  readonly isRecorded: boolean
  set(attributes: Attributes): void
  carrier(): TraceCarrier
  /** Ends the span; later calls are no-ops. @param error Type of failure, from a closed list; undefined for none. */
  end(error?: string): void
}
