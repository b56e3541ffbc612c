/** /api/dashboard/discoveries. */
import { autoconfigApi } from '../../contract/autoconfig.ts'
import { type HttpServer, handle } from '../platform/http/http-server.ts'
import type { DiscoveryService } from './discovery-service.ts'

export function autoconfigRoutes(http: HttpServer, discoveries: DiscoveryService): void {
  handle(http, autoconfigApi.startDiscovery, async call => {
    const started = await discoveries.start(call.principal, call.body.email)
    call.note({ discovery_id: started.id })
    return started
  })
  handle(http, autoconfigApi.getDiscovery, ({ principal, params, query, signal }) =>
    discoveries.get(principal, params.discovery_id, { since: query.since, waitMs: query.wait * 1_000 }, signal),
  )
}
