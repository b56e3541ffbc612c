/** Reads the standard OpenTelemetry variables that are supported. A part of the configuration. */
import type { Environment } from './environment.ts'
import { type SamplerName, samplerNames, type TracingConfig } from './platform/tracing/tracing-options.ts'

/** Ignores all of them unless an endpoint is set, since other programs on this machine may use the same variables. */
export function tracingOf(env: Environment, faults: string[]): TracingConfig | undefined {
  const { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_SDK_DISABLED: disabled } = env
  if (endpoint === undefined || disabled?.toLowerCase() === 'true') return undefined
  const fault = (name: keyof Environment, words: string) => void faults.push(`${name} ${words}`)
  const oneOf = <Choice extends string>(name: keyof Environment, choices: readonly Choice[], usual: Choice): Choice => {
    const given = env[name]
    if (given === undefined) return usual
    const found = choices.find(choice => choice === given)
    if (found === undefined) fault(name, `must be ${choices.slice(0, -1).join(', ')} or ${choices.at(-1)}`)
    return found ?? usual
  }
  const milliseconds = (name: keyof Environment, usual: number, least: number, most: number): number => {
    const given = env[name]
    if (given === undefined) return usual
    const value = /^\d{1,9}$/.test(String(given)) ? Number(given) : Number.NaN
    if (value >= least && value <= most) return value
    fault(name, `must be milliseconds, ${least}–${most}`)
    return usual
  }
  const pairs = (name: keyof Environment): Record<string, string> => {
    try {
      return pairsOf(String(env[name] ?? ''))
    } catch {
      // The value is left out of the fault, since it may be a secret.
      fault(name, 'must be pairs such as name=value, separated by commas, with other characters percent-encoded')
      return {}
    }
  }
  if (!/^https?:$/.test(URL.parse(endpoint)?.protocol ?? '')) {
    fault('OTEL_EXPORTER_OTLP_ENDPOINT', 'must be an http:// or https:// address such as http://127.0.0.1:4318')
    return undefined
  }
  const headers = pairs('OTEL_EXPORTER_OTLP_HEADERS')
  if (Object.entries(headers).some(([name, value]) => !/^[\w-]+$/.test(name) || /[^\x20-\x7e]/.test(value))) {
    fault('OTEL_EXPORTER_OTLP_HEADERS', 'must be headers of HTTP')
  }
  const ratio = Number(env.OTEL_TRACES_SAMPLER_ARG ?? 1)
  const sampler = oneOf<SamplerName>('OTEL_TRACES_SAMPLER', samplerNames, 'parentbased_always_on')
  if (sampler.endsWith('ratio') && !(ratio >= 0 && ratio <= 1)) {
    fault('OTEL_TRACES_SAMPLER_ARG', 'must be a ratio from 0 to 1')
  }
  const { 'service.name': named = 'rustymail', ...resource } = pairs('OTEL_RESOURCE_ATTRIBUTES')
  const exporters = ['otlp', 'none'] as const
  const config = {
    ...{ endpoint, headers, sampler, ratio, resource },
    protocol: oneOf('OTEL_EXPORTER_OTLP_PROTOCOL', ['http/protobuf', 'http/json'], 'http/protobuf'),
    timeoutMs: milliseconds('OTEL_EXPORTER_OTLP_TIMEOUT', 10_000, 1, 600_000),
    tracesEveryMs: milliseconds('OTEL_BSP_SCHEDULE_DELAY', 5_000, 1, 600_000),
    serviceName: env.OTEL_SERVICE_NAME ?? named,
    traces: oneOf('OTEL_TRACES_EXPORTER', exporters, 'otlp') === 'otlp',
    metrics: oneOf('OTEL_METRICS_EXPORTER', exporters, 'otlp') === 'otlp',
    metricsEveryMs: milliseconds('OTEL_METRIC_EXPORT_INTERVAL', 60_000, 1_000, 86_400_000),
  }
  return config.traces || config.metrics ? config : undefined
}

/** Parses W3C Baggage without properties. @throws Error if an item is not a pair. */
function pairsOf(text: string): Record<string, string> {
  const items = text.split(',').map(item => item.trim())
  const pairs = items.filter(Boolean).map(item => {
    const at = item.indexOf('=')
    if (at < 1) throw new Error('not a pair')
    return [item.slice(0, at).trim(), decodeURIComponent(item.slice(at + 1).trim())]
  })
  return Object.fromEntries(pairs)
}
