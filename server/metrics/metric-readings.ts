/**
 * The metrics of a scrape as plain data, for exporters other than Prometheus: one reading per family, with histograms
 * reassembled.
 */
import type { Registry } from 'prom-client'
import type { MetricReading } from '../platform/tracing/metric-reading.ts'

/** The form that `prom-client` returns. */
interface Family {
  name: string
  help: string
  type: unknown
  values: readonly { value: number; labels: Record<string, string | number | undefined>; metricName?: string }[]
}

export async function readingsOf(registries: readonly Registry[]): Promise<MetricReading[]> {
  const families = await Promise.all(registries.map(registry => registry.getMetricsAsJSON()))
  return (families.flat() as unknown as Family[]).map(readingOf)
}

function readingOf({ name, help, type, values }: Family): MetricReading {
  if (type === 'histogram') return { name, help, kind: 'histogram', points: histogramsOf(name, values) }
  const points = values.map(({ value, labels }) => ({ labels: textsOf(labels), value }))
  return { name, help, kind: type === 'counter' ? 'sum' : 'gauge', points }
}

function histogramsOf(name: string, values: Family['values']) {
  type Point = { labels: Record<string, string>; sum: number; count: number; bounds: number[]; counts: number[] }
  const points = new Map<string, Point & { before: number }>()
  for (const { value, labels: all, metricName } of values) {
    const { le, ...labels } = all
    const key = JSON.stringify(labels)
    const empty = { labels: textsOf(labels), sum: 0, count: 0, bounds: [], counts: [], before: 0 }
    const point = points.get(key) ?? empty
    points.set(key, point)
    if (metricName === `${name}_sum`) point.sum = value
    else if (metricName === `${name}_count`) point.count = value
    else {
      // Prometheus buckets are cumulative; the exported counts are per bucket.
      point.counts.push(value - point.before)
      point.before = value
      if (le !== '+Inf') point.bounds.push(Number(le))
    }
  }
  return [...points.values()].map(({ before: _before, ...point }) => point)
}

function textsOf(labels: Record<string, string | number | undefined>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(labels).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]])),
  )
}
