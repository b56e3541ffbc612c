/** /api/dashboard/accounts/{account_id}/servers. */
import { accountServerApi } from '../../contract/account-server.ts'
import { type HttpServer, handle } from '../platform/http/http-server.ts'
import type { ServerService } from './server-service.ts'

export function serverRoutes(http: HttpServer, servers: Pick<ServerService, 'get'>): void {
  handle(http, accountServerApi.getServers, ({ principal, params }) => servers.get(principal, params.account_id))
}
