/** A span as traced code sees it: what they say of it, and how its trace goes on elsewhere. */

export type SpanKind = 'internal' | 'server' | 'client' | 'producer' | 'consumer'

/** Never a secret, never words of mail, addresses of people or what a caller wrote: a collector is another system. */
export type Attributes = Record<string, string | number | boolean | undefined>

/** By which a trace goes on elsewhere: W3C Trace Context. */
export interface TraceCarrier {
  traceparent: string
  tracestate?: string | undefined
}

export interface SpanOptions {
  kind?: SpanKind
  attributes?: Attributes
  /** In place of what runs now. `none`: a trace of its own. */
  parent?: Span | TraceCarrier | 'none' | undefined
  /** It has to do with it without being part of it. */
  link?: Span | undefined
  /** Epoch milliseconds, where it began before. */
  startedAt?: number
}

export interface Span {
  readonly isOver: boolean
  /** Something is told of it: it is sampled, and not over. */
  readonly isRecorded: boolean
  set(attributes: Attributes): void
  carrier(): TraceCarrier
  /** Once; later calls are no-ops. @param error What kind of failure it was, of a closed list; undefined for none. */
  end(error?: string): void
}
