/** /health/live and /health/ready. */
import { systemApi } from '../../contract/system.ts'
import { type HttpServer, handle } from '../platform/http/http-server.ts'
import type { HealthService } from './health-service.ts'

export function healthRoutes(http: HttpServer, health: HealthService): void {
  handle(http, systemApi.live, () => ({ status: 'live' as const }))
  handle(http, systemApi.ready, async call => {
    const readiness = await health.readiness(call.principal)
    if (readiness.status === 'not_ready') call.setStatus(503)
    return readiness
  })
}
