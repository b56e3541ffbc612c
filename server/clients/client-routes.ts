/** GET and DELETE /api/dashboard/clients. */
import { api } from '../../contract/index.ts'
import { type HttpServer, handle } from '../platform/http/http-server.ts'
import type { ClientService } from './client-service.ts'

export function clientRoutes(http: HttpServer, clients: ClientService): void {
  handle(http, api.clients.listClients, ({ principal, query }) => clients.list(principal, query))
  handle(http, api.clients.disconnectClient, ({ params }) => clients.disconnect(params.client_id))
}
