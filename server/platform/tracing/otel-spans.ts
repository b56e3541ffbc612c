/** Spans by the OpenTelemetry library, exported in batches. Loaded only if a collector is configured. */
import { randomUUID } from 'node:crypto'
import {
  type Span as ApiSpan,
  type Context,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  type TextMapGetter,
  trace,
} from '@opentelemetry/api'
import { SDK_INFO, W3CTraceContextPropagator } from '@opentelemetry/core'
import { type Resource, resourceFromAttributes } from '@opentelemetry/resources'
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  type ReadableSpan,
  type Sampler,
  type SpanProcessor,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace'
import { MetricExports } from './otlp-metrics.ts'
import { OtlpSpanExporter } from './otlp-span-exporter.ts'
import { OtlpTransport } from './otlp-transport.ts'
import type { Attributes, Span, SpanOptions, TraceCarrier } from './span.ts'
import type { TracingFigures } from './tracing-figures.ts'
import type { TracerOptions, TracingConfig } from './tracing-options.ts'

export interface Spans {
  begin(name: string, options: SpanOptions): Span | undefined
  startMetrics(): void
  stopMetrics(): Promise<void>
  stop(): Promise<void>
}

/** Spans queued for the collector; further ones are dropped and counted. */
const maxWaiting = 2_048
const batch = 512
/** Limits per span. */
const spanLimits = { attributeCountLimit: 32, attributeValueLengthLimit: 256, eventCountLimit: 8, linkCountLimit: 4 }
const kinds = {
  internal: SpanKind.INTERNAL,
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
}

const propagator = new W3CTraceContextPropagator()
const getter: TextMapGetter<TraceCarrier> = {
  keys: carrier => Object.keys(carrier),
  get: (carrier, key) => (key === 'traceparent' || key === 'tracestate' ? carrier[key] : undefined),
}

export function createSpans({
  config,
  version,
  http,
  readMetrics: read,
  logger,
  figures,
}: TracerOptions & { figures: TracingFigures }): Spans {
  const transport = new OtlpTransport({ config, version, http })
  const exporter = new OtlpSpanExporter({ protocol: config.protocol, transport, figures, logger })
  const processor = new CountingProcessor(
    new BatchSpanProcessor({
      exporter,
      maxQueueSize: maxWaiting,
      maxExportBatchSize: batch,
      scheduledDelayMillis: config.tracesEveryMs,
      // Longer than the transport's own timeout.
      exportTimeoutMillis: config.timeoutMs + 5_000,
    }),
    figures,
  )
  const resource = resourceOf(config, version)
  const ofMetrics = new OtlpTransport({ config, version, http })
  const metrics = config.metrics
    ? new MetricExports({ config, version, resource, transport: ofMetrics, read, figures, logger })
    : undefined
  const provider = new TracerProvider({
    resource,
    sampler: samplerOf(config),
    spanLimits,
    spanProcessors: [processor],
  })
  const tracer = provider.getTracer('rustymail', version)
  return {
    begin: (name, { kind = 'internal', attributes, parent, link, startedAt }) => {
      const context = link instanceof OtelSpan ? link.context : undefined
      const options = {
        kind: kinds[kind],
        ...(attributes && { attributes: present(attributes) }),
        ...(context && { links: [{ context }] }),
        ...(startedAt !== undefined && { startTime: startedAt }),
      }
      return new OtelSpan(tracer.startSpan(name, options, contextOf(parent)))
    },
    startMetrics: () => metrics?.start(),
    stopMetrics: async () => {
      ofMetrics.hurry()
      await metrics?.stop()
      ofMetrics.close()
    },
    stop: async () => {
      transport.hurry()
      // Failed exports are counted already.
      await provider.shutdown().catch(() => undefined)
      transport.close()
    },
  }
}

class OtelSpan implements Span {
  readonly context
  #span: ApiSpan | undefined

  constructor(span: ApiSpan) {
    this.#span = span
    this.context = span.spanContext()
  }

  get isOver(): boolean {
    return this.#span === undefined
  }

  get isRecorded(): boolean {
    return this.#span?.isRecording() ?? false
  }

  set(attributes: Attributes): void {
    this.#span?.setAttributes(present(attributes))
  }

  carrier(): TraceCarrier {
    const carrier: TraceCarrier = { traceparent: '' }
    propagator.inject(trace.setSpanContext(ROOT_CONTEXT, this.context), carrier, {
      set: (to, key, value) => {
        if (key === 'traceparent' || key === 'tracestate') to[key] = value
      },
    })
    return carrier
  }

  end(error?: string): void {
    const span = this.#span
    this.#span = undefined
    if (error !== undefined) span?.setAttribute('error.type', error).setStatus({ code: SpanStatusCode.ERROR })
    span?.end()
  }
}

/** Enforces the bound of the queue itself, to count dropped spans: the library drops them silently. */
class CountingProcessor implements SpanProcessor {
  readonly #inner: SpanProcessor
  readonly #figures: TracingFigures

  constructor(inner: SpanProcessor, figures: TracingFigures) {
    this.#inner = inner
    this.#figures = figures
  }

  onStart(): void {}

  onEnd(span: ReadableSpan): void {
    const figures = this.#figures
    if ((span.spanContext().traceFlags & 1) === 0) return
    if (figures.waiting >= maxWaiting) {
      figures.lost.queue_full++
      return
    }
    figures.waiting++
    this.#inner.onEnd(span)
  }

  forceFlush(): Promise<void> {
    return this.#inner.forceFlush()
  }

  shutdown(): Promise<void> {
    return this.#inner.shutdown()
  }
}

function contextOf(parent: SpanOptions['parent']): Context {
  if (parent === undefined || parent === 'none') return ROOT_CONTEXT
  if (parent instanceof OtelSpan) return trace.setSpanContext(ROOT_CONTEXT, parent.context)
  return 'traceparent' in parent ? propagator.extract(ROOT_CONTEXT, parent, getter) : ROOT_CONTEXT
}

function present(attributes: Attributes): Record<string, string | number | boolean> {
  const found: Record<string, string | number | boolean> = {}
  for (const [name, value] of Object.entries(attributes)) if (value !== undefined) found[name] = value
  return found
}

function resourceOf({ serviceName, resource }: TracingConfig, version: string): Resource {
  return resourceFromAttributes({
    ...SDK_INFO,
    'service.version': version,
    'service.instance.id': randomUUID(),
    ...resource,
    'service.name': serviceName,
  })
}

function samplerOf({ sampler, ratio }: TracingConfig): Sampler {
  const roots = {
    always_on: () => new AlwaysOnSampler(),
    always_off: () => new AlwaysOffSampler(),
    traceidratio: () => new TraceIdRatioBasedSampler(ratio),
  }
  const [, isParentBased, name] = /^(parentbased_)?(\w+)$/.exec(sampler) ?? []
  const root = roots[name as keyof typeof roots]()
  return isParentBased === undefined ? root : new ParentBasedSampler({ root })
}
