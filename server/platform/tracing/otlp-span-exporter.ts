/** Exports batches of spans to a collector, and counts the outcome. An outage is logged once, and its end. */
import { type ExportResult, ExportResultCode } from '@opentelemetry/core'
import { JsonTraceSerializer, ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer'
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace'
import type { Logger } from '../logger.ts'
import { ExportRefused, type OtlpTransport } from './otlp-transport.ts'
import type { TracingFigures } from './tracing-figures.ts'
import type { TracingConfig } from './tracing-options.ts'

export interface OtlpSpanExporterOptions {
  protocol: TracingConfig['protocol']
  transport: Pick<OtlpTransport, 'post'>
  figures: TracingFigures
  logger: Logger
}

export class OtlpSpanExporter implements SpanExporter {
  readonly #options: OtlpSpanExporterOptions
  #isFailing = false

  constructor(options: OtlpSpanExporterOptions) {
    this.#options = options
  }

  /** Always reports success to the library, since failures are counted here, and it could only throw them. */
  export(spans: ReadableSpan[], done: (result: ExportResult) => void): void {
    void this.#send(spans).then(() => done({ code: ExportResultCode.SUCCESS }))
  }

  async shutdown(): Promise<void> {}

  async #send(spans: ReadableSpan[]): Promise<void> {
    const { protocol, transport, figures, logger } = this.#options
    const { length } = spans
    figures.waiting -= length
    try {
      const serializer = protocol === 'http/json' ? JsonTraceSerializer : ProtobufTraceSerializer
      const body = serializer.serializeRequest(spans)
      const refused = body ? rejectedIn(await transport.post('v1/traces', body), serializer) : 0
      figures.exported += length - Math.min(refused, length)
      figures.lost.refused += Math.min(refused, length)
      if (this.#isFailing) logger.info('traces are exported again')
      this.#isFailing = false
    } catch (err) {
      figures.lost[err instanceof ExportRefused ? 'refused' : 'failed'] += length
      if (!this.#isFailing) logger.warn({ err, lost: length }, 'traces could not be exported')
      this.#isFailing = true
    }
  }
}

/** Parses the number of rejected spans; a collector's answer may be invalid. */
function rejectedIn(answer: Uint8Array, serializer: typeof ProtobufTraceSerializer): number {
  if (answer.length === 0) return 0
  try {
    return Number(serializer.deserializeResponse(answer).partialSuccess?.rejectedSpans ?? 0) || 0
  } catch {
    return 0
  }
}
