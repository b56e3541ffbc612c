/** GET and DELETE /api/dashboard/clients. */
import { api } from '../../contract/index.ts'
import { JsonText } from '../platform/http/answer-text.ts'
import { type HttpServer, handle } from '../platform/http/http-server.ts'
import type { ClientService } from './client-service.ts'

export function clientRoutes(http: HttpServer, clients: ClientService): void {
  // Skips the response schema: for a long list, checking it would cost more than everything else.
  handle(
    http,
    api.clients.listClients,
    ({ principal, query }) => new JsonText(JSON.stringify(clients.list(principal, query))),
  )
  handle(http, api.clients.disconnectClient, ({ params }) => clients.disconnect(params.client_id))
}
