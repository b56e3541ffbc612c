/**
 * Tells which work was part of what, and how long it took: spans of traces. Made only where a collector is configured, so that callers have
 * a `Tracer` or none; the library behind it is loaded at the start. Which span runs now is known by the asynchronous context.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { Problem } from '../problem.ts'
import type { Spans } from './otel-spans.ts'
import type { Span, SpanOptions, TraceCarrier } from './span.ts'
import { type TracingFigures, tracingFigures } from './tracing-figures.ts'
import type { TracerOptions } from './tracing-options.ts'

/** What a piece of work runs in; one that is over counts as not there, and its span is let go. */
interface Scope {
  span: Span
  outer: Scope | undefined
}

/** Of work that goes on later, such as a message that waits in the outbox. */
const maxRemembered = 1_000
const rememberedMs = 10 * 60_000

export class Tracer {
  readonly #options: TracerOptions
  readonly #scopes = new AsyncLocalStorage<Scope | undefined>()
  readonly #origins = new Map<string, { carrier: TraceCarrier; at: number }>()
  readonly #ofFacts = new WeakMap<object, TraceCarrier>()
  readonly figures: TracingFigures = tracingFigures()
  #spans: Spans | undefined

  constructor(options: TracerOptions) {
    this.#options = options
  }

  /** Loads the library: until then nothing is traced. */
  async start(): Promise<void> {
    const { createSpans } = await import('./otel-spans.ts')
    this.#spans = createSpans({ ...this.#options, figures: this.figures })
  }

  /** From here on figures can be read. */
  startMetrics(): void {
    this.#spans?.startMetrics()
  }

  /** They are sent once more, within two seconds. */
  async stopMetrics(): Promise<void> {
    await this.#spans?.stopMetrics()
  }

  /** What is over is still sent, within two seconds. Never rejects. */
  async stop(): Promise<void> {
    const spans = this.#spans
    this.#spans = undefined
    await spans?.stop()
  }

  /** What runs now, if it is traced. */
  get active(): Span | undefined {
    return this.#scope()?.span
  }

  /** The caller ends it. Undefined before the start and behind the stop. */
  begin(name: string, options: SpanOptions = {}): Span | undefined {
    const { parent = this.active } = options
    return this.#spans?.begin(name, { ...options, parent })
  }

  /** What the work begins is part of the span, also when it goes on later, until the span has ended. */
  run<T>(span: Span | undefined, work: () => T): T {
    return span ? this.#scopes.run({ span, outer: this.#scope() }, work) : work()
  }

  /** A span for as long as the work takes. What is thrown is its error. */
  async trace<T>(name: string, options: SpanOptions, work: (span: Span | undefined) => Promise<T>): Promise<T> {
    const span = this.begin(name, options)
    if (!span) return work(undefined)
    const isRoot = options.parent === 'none'
    try {
      return await this.#scopes.run({ span, outer: isRoot ? undefined : this.#scope() }, () => work(span))
    } catch (error) {
      span.end(errorType(error))
      throw error
    } finally {
      span.end()
    }
  }

  /** What runs now is where this comes from. @param key Of this process's own making. */
  remember(key: string): void {
    const carrier = this.active?.carrier()
    if (!carrier) return
    this.#origins.delete(key)
    this.#origins.set(key, { carrier, at: performance.now() })
    if (this.#origins.size <= maxRemembered) return
    for (const oldest of this.#origins.keys()) return void this.#origins.delete(oldest)
  }

  /** Undefined where that was long ago, or in another process. */
  recall(key: string): TraceCarrier | undefined {
    const origin = this.#origins.get(key)
    return origin && performance.now() - origin.at < rememberedMs ? origin.carrier : undefined
  }

  /** As `remember`, for something that is held for as long as it is needed. */
  note(fact: object): void {
    const carrier = this.active?.carrier()
    if (carrier) this.#ofFacts.set(fact, carrier)
  }

  originOf(fact: object): TraceCarrier | undefined {
    return this.#ofFacts.get(fact)
  }

  #scope(): Scope | undefined {
    let scope = this.#scopes.getStore()
    while (scope?.span.isOver) scope = scope.outer
    return scope
  }
}

/** Of a closed list, or the name of a class: no words of an error, which may repeat what it was about. */
export function errorType(error: unknown): string {
  if (error instanceof Problem) return error.extension.fault ?? error.code
  const name = error instanceof Error ? error.name : ''
  return /^[A-Za-z]\w{0,40}$/.test(name) ? name : '_OTHER'
}
