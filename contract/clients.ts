/** Connected clients: a client is one principal from one address with one user agent. */
import { z } from 'zod'
import { endpoint } from './endpoint.ts'
import { Timestamp, wholeOr } from './wire.ts'

export const ClientKind = z.enum(['browser', 'api', 'mcp'])
export type ClientKind = z.infer<typeof ClientKind>
export const ClientStatus = z
  .enum(['active', 'idle'])
  .describe('`active`: holds a stream, or sent a request in the last 60 s')

export const ClientInfo = z
  .object({
    id: z.string(),
    ip_address: z.string(),
    user_agent: z.string(),
    connected_at: Timestamp,
    last_activity: Timestamp,
    request_count: z.int(),
    kind: ClientKind,
    principal: z.string().describe("The principal's name"),
    status: ClientStatus,
    streams: z.int(),
    events_sent: z
      .int()
      .nullable()
      .describe(
        'null for callers without access to all accounts, except for their own clients: the number would reveal activity of others',
      ),
    events_dropped: z.int(),
  })
  .meta({ id: 'ClientInfo' })
export type ClientInfo = z.infer<typeof ClientInfo>

export const ClientSort = z.enum([
  'connected_at',
  'last_activity',
  'request_count',
  'ip_address',
  'user_agent',
  'streams',
])

export const ClientQuery = z.strictObject({
  page: wholeOr(1, 1, 1_000_000),
  per_page: wholeOr(10, 1, 100),
  filter: z.string().max(200).optional().describe('Case-insensitive part of `ip_address` or `user_agent`'),
  kind: ClientKind.optional(),
  status: ClientStatus.optional(),
  principal: z.string().max(200).optional(),
  sort: ClientSort.default('connected_at'),
  order: z.enum(['asc', 'desc']).default('desc'),
})
export type ClientQuery = z.infer<typeof ClientQuery>

export const PaginatedClients = z
  .object({ clients: z.array(ClientInfo), total: z.int(), page: z.int(), per_page: z.int() })
  .meta({ id: 'PaginatedClients' })
export type PaginatedClients = z.infer<typeof PaginatedClients>

const tag = 'Clients'
export const clientsApi = {
  listClients: endpoint({
    method: 'GET',
    path: '/api/dashboard/clients',
    tag,
    summary: 'List connected clients',
    scope: 'dashboard:read',
    effect: 'read',
    query: ClientQuery,
    response: PaginatedClients,
  }),
  disconnectClient: endpoint({
    method: 'DELETE',
    path: '/api/dashboard/clients/{client_id}',
    tag,
    summary: 'Close the streams of a client and remove it; it may reconnect',
    scope: 'dashboard:operate',
    effect: 'destroy',
    params: z.object({ client_id: z.string().regex(/^[A-Za-z0-9_-]{1,40}$/, 'is not a client id') }),
    response: z.undefined(),
    status: 204,
    problems: ['client_not_found'],
  }),
}
