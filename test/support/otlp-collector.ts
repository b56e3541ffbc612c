/** A local collector that accepts OTLP over HTTP (protobuf, JSON), decoded without the library that wrote it. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { onTestFinished, vi } from 'vitest'
import { freePort } from './free-port.ts'
import { patience } from './patience.ts'
import { type Fields, readFields } from './protobuf.ts'

export interface TakenSpan {
  name: string
  traceId: string
  spanId: string
  /** Empty for the root span of a trace. */
  parentId: string
  /** The span kind as the protocol numbers it: 1 internal, 2 server, 3 client, 4 producer, 5 consumer. */
  kind: number
  attributes: Record<string, string | number | boolean>
  /** 2 is an error. */
  status: number
  statusMessage: string
  /** Links to other spans. */
  links: { traceId: string; spanId: string }[]
  startNanos: bigint
  endNanos: bigint
}

export interface TakenMetric {
  name: string
  kind: 'gauge' | 'sum' | 'histogram'
  points: { attributes: Record<string, unknown>; value: number; buckets?: number[]; bounds?: number[] }[]
}

export type CollectorAnswer = (response: ServerResponse) => void

export class OtlpCollector {
  readonly spans: TakenSpan[] = []
  /** Metrics by name, as last exported. */
  readonly metrics = new Map<string, TakenMetric>()
  resource: Record<string, unknown> = {}
  readonly requests: { path: string; headers: IncomingMessage['headers']; body: Buffer }[] = []
  /** Answers every request while it is set, instead of accepting it. */
  always: CollectorAnswer | undefined
  readonly #server = createServer((request, response) => void this.#take(request, response))
  #port = 0

  get url(): string {
    return `http://127.0.0.1:${this.#port}`
  }

  async listen(): Promise<void> {
    this.#port ||= await freePort()
    this.#server.listen(this.#port, '127.0.0.1')
    await once(this.#server, 'listening')
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise(resolve => this.#server.close(resolve))
  }

  /** Returns the first received span with this name that passes the filter. */
  find(name: string, isIt: (span: TakenSpan) => boolean = () => true): TakenSpan | undefined {
    return this.spans.find(span => span.name === name && isIt(span))
  }

  until(name: string, isIt?: (span: TakenSpan) => boolean): Promise<TakenSpan> {
    return vi.waitFor(() => {
      const found = this.find(name, isIt)
      if (!found) throw new Error(`no ${name} among ${this.spans.map(span => span.name).join(', ')}`)
      return found
    }, patience)
  }

  /** Names of a span's descendants, indented by depth, by start time. */
  tree(root: TakenSpan, depth = 0): string[] {
    const under = this.spans
      .filter(span => span.traceId === root.traceId && span.parentId === root.spanId)
      .sort((a, b) => Number(a.startNanos - b.startNanos))
    return [`${'  '.repeat(depth)}${root.name}`, ...under.flatMap(span => this.tree(span, depth + 1))]
  }

  /** Everything received, as text, for searches for what must not be in it. */
  get text(): string {
    return this.requests.map(({ body }) => body.toString('latin1')).join('\n')
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const body = Buffer.concat(chunks)
    const path = request.url ?? ''
    const isJson = request.headers['content-type'] === 'application/json'
    this.requests.push({ path, headers: request.headers, body })
    if (this.always) return this.always(response)
    if (path === '/v1/traces') this.#takeTraces(isJson ? jsonTraces(body) : readTraces(body))
    else if (path === '/v1/metrics' && !isJson) this.#takeMetrics(body)
    else return void response.writeHead(404).end()
    response.writeHead(200, { 'content-type': request.headers['content-type'] }).end(isJson ? '{}' : '')
  }

  #takeTraces({ resource, spans }: { resource: Record<string, unknown>; spans: TakenSpan[] }): void {
    this.resource = resource
    this.spans.push(...spans)
  }

  #takeMetrics(body: Buffer): void {
    for (const resourceMetrics of readFields(body).messages(1)) {
      this.resource = attributesOf(resourceMetrics.message(1)?.messages(1) ?? [])
      for (const metric of resourceMetrics.messages(2).flatMap(scope => scope.messages(2))) {
        const taken = metricOf(metric)
        this.metrics.set(taken.name, taken)
      }
    }
  }
}

/** Starts a collector that is closed when the test ends. */
export async function startCollector(): Promise<OtlpCollector> {
  const collector = new OtlpCollector()
  await collector.listen()
  onTestFinished(() => collector.close())
  return collector
}

/** Decodes opentelemetry-proto's ExportTraceServiceRequest. */
function readTraces(body: Buffer) {
  const all = readFields(body).messages(1)
  const spans = all.flatMap(each => each.messages(2)).flatMap(scope => scope.messages(2))
  return { resource: attributesOf(all[0]?.message(1)?.messages(1) ?? []), spans: spans.map(spanOf) }
}

function spanOf(span: Fields): TakenSpan {
  const hex = (field: number) => span.bytes(field)?.toString('hex') ?? ''
  return {
    ...{ name: span.text(5), traceId: hex(1), spanId: hex(2), parentId: hex(4), kind: span.number(6) },
    attributes: attributesOf(span.messages(9)) as TakenSpan['attributes'],
    status: span.message(15)?.number(3) ?? 0,
    statusMessage: span.message(15)?.text(2) ?? '',
    links: span.messages(13).map(link => ({
      traceId: link.bytes(1)?.toString('hex') ?? '',
      spanId: link.bytes(2)?.toString('hex') ?? '',
    })),
    ...{ startNanos: span.fixed64(7), endNanos: span.fixed64(8) },
  }
}

function attributesOf(pairs: Fields[]): Record<string, unknown> {
  return Object.fromEntries(
    pairs.map(pair => {
      const value = pair.message(2)
      return [
        pair.text(1),
        value?.has(1)
          ? value.text(1)
          : value?.has(2)
            ? value.number(2) === 1
            : value?.has(4)
              ? value.double(4)
              : value?.number(3),
      ]
    }),
  )
}

function metricOf(metric: Fields): TakenMetric {
  const [gauge, sum, histogram] = [metric.message(5), metric.message(7), metric.message(9)]
  const points = (gauge ?? sum ?? histogram)?.messages(1) ?? []
  return {
    name: metric.text(1),
    kind: gauge ? 'gauge' : sum ? 'sum' : 'histogram',
    points: points.map(point =>
      histogram
        ? {
            attributes: attributesOf(point.messages(9)),
            value: Number(point.fixed64(4)),
            buckets: point.fixed64s(6).map(Number),
            bounds: point.doubles(7),
          }
        : {
            attributes: attributesOf(point.messages(7)),
            value: point.has(4) ? point.double(4) : Number(point.fixed64(6)),
          },
    ),
  }
}

interface JsonSpan {
  name: string
  traceId: string
  spanId: string
  parentSpanId?: string
  kind: number
  attributes?: { key: string; value: Record<string, unknown> }[]
  status?: { code?: number; message?: string }
  links?: { traceId: string; spanId: string }[]
  startTimeUnixNano: string
  endTimeUnixNano: string
}

function jsonTraces(body: Buffer) {
  const { resourceSpans } = JSON.parse(body.toString()) as {
    resourceSpans: { resource: Pick<JsonSpan, 'attributes'>; scopeSpans: { spans: JsonSpan[] }[] }[]
  }
  const pairs = (list: JsonSpan['attributes']) =>
    Object.fromEntries((list ?? []).map(({ key, value }) => [key, Object.values(value)[0]]))
  const spans = resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(scope => scope.spans))
  return {
    resource: pairs(resourceSpans[0]?.resource.attributes),
    spans: spans.map(span => ({
      ...{ name: span.name, traceId: span.traceId, spanId: span.spanId, parentId: span.parentSpanId ?? '' },
      ...{ kind: span.kind, attributes: pairs(span.attributes) as TakenSpan['attributes'], links: span.links ?? [] },
      ...{ status: span.status?.code ?? 0, statusMessage: span.status?.message ?? '' },
      ...{ startNanos: BigInt(span.startTimeUnixNano), endNanos: BigInt(span.endTimeUnixNano) },
    })),
  }
}
