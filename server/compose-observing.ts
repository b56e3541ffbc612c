/**
 * Connected clients and their cost, wired by hand: clients, readings, Prometheus, liveness and readiness. A part of the
 * composition root.
 */
import { ClientRegistry } from './clients/client-registry.ts'
import { clientRoutes } from './clients/client-routes.ts'
import { ClientService } from './clients/client-service.ts'
import type { ComposedMail } from './compose-mail.ts'
import type { EventHub } from './events/event-hub.ts'
import { eventRoutes } from './events/event-routes.ts'
import { healthRoutes } from './health/health-routes.ts'
import { HealthService } from './health/health-service.ts'
import type { CallMetrics } from './metrics/call-metrics.ts'
import { metricsRoutes } from './metrics/metrics-routes.ts'
import { MetricsService } from './metrics/metrics-service.ts'
import { Prometheus, type PrometheusOptions } from './metrics/prometheus.ts'
import { SystemReadings, thisMachine } from './metrics/system-readings.ts'
import { type Database, ping } from './platform/database/database.ts'
import type { Trail } from './platform/http/http-outcome.ts'
import type { HttpServer } from './platform/http/http-server.ts'
import type { Part } from './platform/lifecycle.ts'
import type { Logger } from './platform/logger.ts'
import type { Tracer } from './platform/tracing/tracer.ts'
import type { StorageWatch } from './storage/storage-watch.ts'

export interface ObservingSurroundings extends Pick<ComposedMail, 'accounts' | 'health' | 'pool'> {
  version: string
  calls: CallMetrics
  hub: EventHub
  storage: StorageWatch
  auditBacklog: PrometheusOptions['auditBacklog']
  tracer: Tracer | undefined
  logger: Logger
}

export interface ComposedObserving {
  clients: ClientRegistry
  metrics: MetricsService
  readings: SystemReadings
  /** Renders all figures of `/metrics`. */
  readMetrics: Prometheus['read']
  addRoutes(http: HttpServer, judges: { db: Database; trail: Trail & { isFull: boolean } }): void
  parts: Part[]
}

const trailFault = 'accepts no audit entries, so nothing can be changed'

export function composeObserving(around: ObservingSurroundings): ComposedObserving {
  const { accounts, health, pool, version, calls, hub, storage, auditBacklog, tracer, logger } = around
  const clients = new ClientRegistry({ hub, logger })
  const readings = new SystemReadings(thisMachine)
  const shown = { connections: pool, streams: () => hub.streamCount, readings, storage }
  const events = () => hub.figures
  const prometheus = new Prometheus({ ...shown, version, calls, accounts: health, events, auditBacklog })
  const metrics = new MetricsService({ ...shown, hub, events, startedAt: Date.now(), prometheus, logger })
  return {
    clients,
    metrics,
    readings,
    readMetrics: () => prometheus.read(),
    addRoutes: (http, { db, trail }) => {
      const serverHealth = new HealthService({
        accounts,
        pingDatabase: () => ping(db),
        storage: { fault: async () => (await storage.fault()) ?? (trail.isFull ? trailFault : undefined) },
        isDraining: () => http.isDraining,
        now: () => performance.now(),
      })
      clientRoutes(http, new ClientService({ registry: clients }))
      eventRoutes(http, { hub, tracer, openObserver: (caller, kick) => clients.openStream(caller, kick) })
      healthRoutes(http, serverHealth)
      metricsRoutes(http, metrics, prometheus)
    },
    parts: [
      { name: 'clients', start: () => clients.start(), stop: () => clients.stop() },
      { name: 'metrics', start: () => metrics.start(), stop: () => metrics.stop() },
    ],
  }
}
