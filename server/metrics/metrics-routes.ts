/** Figures over HTTP: current ones, those of the last hour, and Prometheus text. */
import { api } from '../../contract/index.ts'
import { bodyFor, JsonText } from '../platform/http/answer-text.ts'
import { handleRaw } from '../platform/http/http-raw.ts'
import { type HttpServer, handle } from '../platform/http/http-server.ts'
import type { MetricsService } from './metrics-service.ts'
import type { Prometheus } from './prometheus.ts'

export function metricsRoutes(http: HttpServer, metrics: MetricsService, prometheus: Prometheus): void {
  // Polled by each open page every few seconds, so the response schema is skipped.
  handle(http, api.metrics.getStats, ({ principal }) => new JsonText(JSON.stringify(metrics.getStats(principal))))
  handle(http, api.metrics.listSamples, ({ principal, query }) => metrics.listSamples(principal, query.minutes))
  handleRaw(
    http,
    { path: '/metrics' },
    { name: 'metrics.prometheus', scope: 'dashboard:read', effect: 'read' },
    async (call, reply) => bodyFor(call, reply.type(prometheus.contentType), await prometheus.render(call.principal)),
  )
}
