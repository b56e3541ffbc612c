/** Lists connected clients page by page, and disconnects them. */
import type { ClientInfo, ClientQuery, PaginatedClients } from '../../contract/clients.ts'
import type { Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import { wholeFigure } from '../platform/visible-figures.ts'
import type { ClientRegistry } from './client-registry.ts'
import type { Client } from './client-table.ts'
import { sortedPage } from './sorted-page.ts'

type Asking = Pick<Principal, 'id' | 'accounts'>

/** A client is active if it holds a stream, or sent a request within this many ms. */
const activeMs = 60_000

const sortKeys: Record<ClientQuery['sort'], (client: Client) => string | number> = {
  connected_at: client => client.connectedAt,
  last_activity: client => client.lastActivity,
  request_count: client => client.requestCount,
  ip_address: client => client.address,
  user_agent: client => client.userAgent,
  streams: client => client.streamCount,
}

/**
 * Formats times as ISO text. Many on a page fall into the same minute, so only the seconds are formatted individually.
 */
class IsoTimes {
  #minute = Number.NaN
  #beginning = ''

  /** @param at Whole milliseconds. */
  text(at: number): string {
    const rest = at % 60_000
    if (at - rest !== this.#minute) {
      this.#minute = at - rest
      this.#beginning = new Date(this.#minute).toISOString().slice(0, -7)
    }
    const end = String(100_000 + rest)
    return `${this.#beginning}${end.slice(1, 3)}.${end.slice(3)}Z`
  }
}

export class ClientService {
  readonly #registry: ClientRegistry
  readonly #times = new IsoTimes()

  constructor({ registry }: { registry: ClientRegistry }) {
    this.#registry = registry
  }

  /** Lists clients; equal sort keys are ordered by id, so that no page repeats or skips one. */
  list(principal: Asking, query: ClientQuery, now = Date.now()): PaginatedClients {
    const { page, per_page, sort, order } = query
    const all = this.#registry.list()
    const matching = isFiltered(query) ? all.filter(client => matches(client, query, now)) : all
    const bounds = { offset: (page - 1) * per_page, count: per_page }
    const isInOrder = sort === 'connected_at' && this.#registry.isInOrder
    const by = { keyOf: sortKeys[sort], idOf: ({ id }: Client) => id, isDescending: order === 'desc', isInOrder }
    const clients = sortedPage(matching, by, bounds)
    return {
      clients: clients.map(client => toInfo(client, principal, now, this.#times)),
      total: matching.length,
      page,
      per_page,
    }
  }

  /** Disconnects a client and closes its streams. It may come back, as a new client. */
  disconnect(id: string): void {
    if (!this.#registry.disconnect(id)) throw new Problem('client_not_found', 'This client is not connected any more.')
  }
}

function isFiltered({ filter, kind, status, principal }: ClientQuery): boolean {
  return [filter, kind, status, principal].some(part => part !== undefined)
}

function matches(client: Client, { filter, kind, status, principal }: ClientQuery, now: number): boolean {
  if (kind !== undefined && client.kind !== kind) return false
  if (status !== undefined && statusOf(client, now) !== status) return false
  if (principal !== undefined && client.principalName !== principal) return false
  if (filter === undefined) return true
  const part = filter.toLowerCase()
  return client.address.toLowerCase().includes(part) || client.userAgent.toLowerCase().includes(part)
}

function statusOf(client: Client, now: number): ClientInfo['status'] {
  return client.streamCount > 0 || now - client.lastActivity <= activeMs ? 'active' : 'idle'
}

function toInfo(client: Client, principal: Asking, now: number, times: IsoTimes): ClientInfo {
  return {
    id: client.id,
    ip_address: client.address,
    user_agent: client.userAgent,
    connected_at: times.text(client.connectedAt),
    last_activity: times.text(client.lastActivity),
    request_count: client.requestCount,
    kind: client.kind,
    principal: client.principalName,
    status: statusOf(client, now),
    streams: client.streamCount,
    // The number of events that others received would disclose activity in the accounts that they see.
    events_sent: client.principalId === principal.id ? client.eventsSent : wholeFigure(principal, client.eventsSent),
    events_dropped: client.eventsDropped,
  }
}
