/** Metrics of MCP. The duration of operations has the names of OpenTelemetry's conventions for MCP. */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client'

/** One finished operation of the protocol. */
export interface McpFigures {
  /** The id of the caller. */
  principal: string
  method: string | undefined
  /** The name of an existing tool. */
  tool?: string
  outcome: 'ok' | 'refused' | 'failed'
  revision: string | undefined
  transport: 'http' | 'sse' | 'stdio'
  durationMs: number
  /** The size of the sent tool result. */
  bytes?: number
}

/** The buckets that the conventions propose, in seconds. */
const buckets = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300]
/** Principals counted separately; later ones are counted as `other`. */
const maxPrincipals = 200
const other = 'other'
const methods: ReadonlySet<string> = new Set([
  'initialize',
  'ping',
  'server/discover',
  'tools/list',
  'tools/call',
  'prompts/list',
  'prompts/get',
  'resources/list',
  'resources/read',
  'resources/templates/list',
  'resources/subscribe',
  'resources/unsubscribe',
  'subscriptions/listen',
  'completion/complete',
  'logging/setLevel',
  'events/list',
  'events/poll',
  'events/stream',
  'events/subscribe',
  'events/unsubscribe',
  'notifications/initialized',
  'notifications/cancelled',
  'notifications/progress',
  'notifications/roots/list_changed',
])
const revisions: ReadonlySet<string> = new Set(['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25', '2026-07-28'])

type Label = 'mcp_method_name' | 'gen_ai_tool_name' | 'error_type' | 'mcp_protocol_version' | 'network_transport'

export class McpMetrics {
  readonly #durations: Histogram<Label>
  readonly #calls: Counter<'principal' | 'outcome'>
  readonly #bytes: Counter<'tool'>
  readonly #principals = new Set<string>()

  /** @param whole A registry for callers that see all accounts, since the figures depend on activity in all of them. */
  constructor(
    whole: Registry,
    openBy: () => Iterable<readonly [principal: string, open: { calls: number; streams: number }]>,
  ) {
    const registers = [whole]
    this.#durations = new Histogram({
      name: 'mcp_server_operation_duration_seconds',
      help: 'Duration of MCP requests and notifications; a result with isError has the error type tool_error',
      labelNames: ['mcp_method_name', 'gen_ai_tool_name', 'error_type', 'mcp_protocol_version', 'network_transport'],
      buckets,
      registers,
    })
    this.#calls = new Counter({
      name: 'rustymail_mcp_tool_calls_total',
      help: 'Tool calls over MCP by principal and outcome',
      labelNames: ['principal', 'outcome'],
      registers,
    })
    this.#bytes = new Counter({
      name: 'rustymail_mcp_tool_result_bytes_total',
      help: 'Bytes of tool results as sent; about four per token, except in images',
      labelNames: ['tool'],
      registers,
    })
    const labelOf = (principal: string) => this.#labelOf(principal)
    new Gauge({
      name: 'rustymail_mcp_open_exchanges',
      help: 'MCP calls in flight and open streams, by principal',
      labelNames: ['principal', 'kind'],
      registers,
      collect() {
        this.reset()
        for (const [principal, { calls, streams }] of openBy()) {
          this.inc({ principal: labelOf(principal), kind: 'call' }, calls)
          this.inc({ principal: labelOf(principal), kind: 'stream' }, streams)
        }
      },
    })
  }

  record({ principal, method = '', tool, outcome, revision = '', transport, durationMs, bytes }: McpFigures): void {
    const labels = {
      mcp_method_name: methods.has(method) ? method : '_OTHER',
      ...(tool !== undefined && { gen_ai_tool_name: tool }),
      ...(outcome !== 'ok' && { error_type: tool === undefined ? '_OTHER' : 'tool_error' }),
      mcp_protocol_version: revisions.has(revision) ? revision : other,
      network_transport: transport === 'stdio' ? 'pipe' : 'tcp',
    }
    this.#durations.observe(labels, durationMs / 1_000)
    if (tool === undefined) return
    this.#calls.inc({ principal: this.#labelOf(principal), outcome })
    this.#bytes.inc({ tool }, bytes ?? 0)
  }

  #labelOf(principal: string): string {
    if (this.#principals.has(principal)) return principal
    if (this.#principals.size >= maxPrincipals) return other
    this.#principals.add(principal)
    return principal
  }
}
