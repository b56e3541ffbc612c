/** Figures over HTTP: now, of the last hour, and as Prometheus text. */
import { api } from '../../contract/index.ts'
import { type HttpServer, handle, handleRaw } from '../platform/http-server.ts'
import type { MetricsService } from './metrics-service.ts'
import type { Prometheus } from './prometheus.ts'

export function metricsRoutes(http: HttpServer, metrics: MetricsService, prometheus: Prometheus): void {
  handle(http, api.metrics.getStats, () => metrics.getStats())
  handle(http, api.metrics.listSamples, ({ query }) => metrics.listSamples(query.minutes))
  handleRaw(
    http,
    '/metrics',
    { name: 'metrics.prometheus', scope: 'dashboard:read', effect: 'read' },
    async (_call, reply) => reply.type(prometheus.contentType).send(await prometheus.render()),
  )
}
