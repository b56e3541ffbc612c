/**
 * Metrics of calls that no request shows: tools by outcome, model providers, and connections to mail servers by cause
 * of failure. Each label has a closed set of values.
 */
import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { ConnectionFault } from '../../contract/problem.ts'

/** One finished tool call. */
export interface ToolFigures {
  /** `tool.mail_search`; an unknown tool is `tool.unknown`. */
  operation: string
  /** The status of the Problem in the result, otherwise 200. */
  status: number
  durationMs: number
}

/** One call of a model provider; reported by `assistant`, which is on a higher floor. */
export interface ProviderFigures {
  provider: string
  outcome: string
  durationMs: number
}

/** Figures of webhooks and of MCP event streams. */
export interface WebhookFigures {
  endpoints: number
  failing: number
  ending: number
  behind: number
  underWay: number
  streams: number
}

const buckets = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]

/** The operation of MCP Events, whose duration is up to the client and says nothing about how long calls take. */
const eventStream = 'event.stream'

/** Created before what it counts: `Prometheus` adds the other metrics to its registries, and renders them. */
export class CallMetrics {
  /** Metrics for all callers that may scrape. */
  readonly told = new Registry()
  /** Metrics that depend on activity in all accounts: for callers that see all of them. */
  readonly whole = new Registry()
  readonly #tools: Counter<'tool' | 'outcome'>
  readonly #toolDurations: Histogram<'tool'>
  readonly #providers: Counter<'provider' | 'outcome'>
  readonly #providerDurations: Histogram<'provider'>
  readonly #imapErrors: Counter<'cause'>
  readonly #droppedRows: Counter
  readonly #deliveries: Counter<'outcome'>
  readonly #pushes: Counter<'outcome'>
  readonly #webhooks: Counter<'outcome'>
  readonly #mcpEvents: Counter<'mode'>

  constructor() {
    const { told, whole } = this
    this.#tools = new Counter({
      name: 'rustymail_tool_calls_total',
      help: 'Tool calls, over MCP and by the assistant: ok, refused (an error of the caller), or failed',
      labelNames: ['tool', 'outcome'],
      registers: [whole],
    })
    this.#toolDurations = new Histogram({
      name: 'rustymail_tool_call_duration_seconds',
      help: 'Duration of tool calls',
      labelNames: ['tool'],
      buckets,
      registers: [whole],
    })
    this.#providers = new Counter({
      name: 'rustymail_provider_calls_total',
      help: 'Calls to model providers by outcome: answered, failed, timeout, limited, or left by the reader',
      labelNames: ['provider', 'outcome'],
      registers: [told],
    })
    this.#providerDurations = new Histogram({
      name: 'rustymail_provider_call_duration_seconds',
      help: 'Duration of calls to model providers, to the end of the response or failure',
      labelNames: ['provider'],
      buckets,
      registers: [told],
    })
    this.#imapErrors = new Counter({
      name: 'rustymail_imap_errors_total',
      help: 'Connections to mail servers that failed, by cause',
      labelNames: ['cause'],
      registers: [whole],
    })
    this.#droppedRows = new Counter({
      name: 'rustymail_imap_rows_dropped_total',
      help: 'Unsolicited message rows sent by mail servers',
      registers: [whole],
    })
    this.#deliveries = new Counter({
      name: 'rustymail_outbox_attempts_total',
      help: 'Attempts to send a message by outcome: sent, partial, queued (tried again later), failed or unknown',
      labelNames: ['outcome'],
      registers: [whole],
    })
    this.#pushes = new Counter({
      name: 'rustymail_push_notifications_total',
      help: 'Attempts to notify a browser by outcome: sent, retried (later), refused, gone (unsubscribed), dropped (queue full, or tried too often)',
      labelNames: ['outcome'],
      registers: [whole],
    })
    this.#webhooks = new Counter({
      name: 'rustymail_webhook_attempts_total',
      help: 'Messages to webhook endpoints by outcome: delivered, retried (later), abandoned (refused for good), gap (facts were pruned before), ended',
      labelNames: ['outcome'],
      registers: [whole],
    })
    this.#mcpEvents = new Counter({
      name: 'rustymail_mcp_events_total',
      help: 'Events sent to MCP clients by mode: poll or push; those of webhooks are in rustymail_webhook_attempts_total',
      labelNames: ['mode'],
      registers: [whole],
    })
  }

  recordTool({ operation, status, durationMs }: ToolFigures): void {
    const tool = operation.replace(/^tool\./, '')
    this.#tools.inc({ tool, outcome: outcomeOf(status) })
    if (operation !== eventStream) this.#toolDurations.observe({ tool }, durationMs / 1_000)
  }

  /** @param outcome The state of a message after an attempt to send it. */
  recordDelivery(outcome: string): void {
    this.#deliveries.inc({ outcome })
  }

  recordPush(outcome: 'sent' | 'retried' | 'gone' | 'refused' | 'dropped'): void {
    this.#pushes.inc({ outcome })
  }

  recordWebhook(outcome: 'delivered' | 'retried' | 'abandoned' | 'gap' | 'ended'): void {
    this.#webhooks.inc({ outcome })
  }

  recordMcpEvents(mode: 'poll' | 'push', count: number): void {
    this.#mcpEvents.inc({ mode }, count)
  }

  /** Registers gauges that are read at each scrape. */
  watchWebhooks(figures: () => WebhookFigures): void {
    const gauges: [keyof WebhookFigures, name: string, help: string][] = [
      ['endpoints', 'rustymail_webhook_endpoints', 'Webhook endpoints'],
      ['failing', 'rustymail_webhook_endpoints_failing', 'Webhook endpoints whose latest attempt failed'],
      ['ending', 'rustymail_webhook_endpoints_ending', 'Webhook endpoints that are being notified of their end'],
      [
        'behind',
        'rustymail_webhook_facts_behind',
        'Facts in the event log behind the endpoint that is furthest behind',
      ],
      ['underWay', 'rustymail_webhook_attempts_under_way', 'Attempts in flight to deliver to webhook endpoints'],
      ['streams', 'rustymail_mcp_event_streams', 'Open event streams of MCP clients'],
    ]
    for (const [figure, name, help] of gauges) {
      new Gauge({
        ...{ name, help, registers: [this.whole] },
        collect() {
          this.set(figures()[figure])
        },
      })
    }
  }

  /** @param count Returns the number of messages of all accounts that wait to be sent, at each scrape. */
  watchOutbox(count: () => Promise<number>): void {
    new Gauge({
      name: 'rustymail_outbox_waiting',
      help: 'Messages that wait to be sent, or are being sent',
      registers: [this.whole],
      async collect() {
        this.set(await count())
      },
    })
  }

  recordProvider({ provider, outcome, durationMs }: ProviderFigures): void {
    this.#providers.inc({ provider, outcome })
    this.#providerDurations.observe({ provider }, durationMs / 1_000)
  }

  recordImapError(cause: ConnectionFault | 'other'): void {
    this.#imapErrors.inc({ cause })
  }

  recordDroppedRow(): void {
    this.#droppedRows.inc()
  }
}

/** Judges a tool result by its own status, whatever the status of the request that carried it. */
function outcomeOf(status: number): 'ok' | 'refused' | 'failed' {
  if (status < 400) return 'ok'
  return status < 500 ? 'refused' : 'failed'
}
