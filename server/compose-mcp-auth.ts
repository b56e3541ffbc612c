/** OAuth for MCP clients, wired by hand. A part of the composition root. */
import type { EventHub } from './events/event-hub.ts'
import { McpAuthExchange } from './mcp-auth/mcp-auth-exchange.ts'
import { mcpAuthRoutes } from './mcp-auth/mcp-auth-routes.ts'
import { McpAuthService } from './mcp-auth/mcp-auth-service.ts'
import { McpAuthStore } from './mcp-auth/mcp-auth-store.ts'
import { challengeOf } from './mcp-auth/protected-resource.ts'
import type { Database } from './platform/database/database.ts'
import type { RefusedCall } from './platform/http/http-judges.ts'
import type { HttpServer } from './platform/http/http-server.ts'
import type { FindLease } from './platform/lease.ts'
import { every, type Part } from './platform/lifecycle.ts'
import type { Logger } from './platform/logger.ts'
import { GuardedFetch, type NetworkStandIn } from './platform/network/guarded-fetch.ts'
import { OutboundGuard } from './platform/network/outbound-guard.ts'
import type { SecretBox } from './platform/secret-box.ts'
import type { PolicyService } from './policies/policy-service.ts'
import { SettingStore } from './settings/setting-store.ts'
import type { TokenService } from './tokens/token-service.ts'

/** The network in which tests run the servers of clients. */
export interface DocumentStandIn extends NetworkStandIn {
  /** Hosts that may be on this machine. */
  hosts: readonly string[]
}

export interface McpAuthSurroundings {
  db: Database
  secrets: SecretBox
  hub: EventHub
  tokens: TokenService
  policies: PolicyService
  mayPrune: FindLease
  standIn: DocumentStandIn | undefined
  logger: Logger
}

export interface ComposedMcpAuth {
  service: Pick<McpAuthService, 'isOn'>
  challenge(refused: RefusedCall): string | undefined
  addRoutes(http: HttpServer): void
  part: Part
}

const pruneEveryMs = 10 * 60_000

export function composeMcpAuth({
  db,
  secrets,
  hub,
  tokens,
  policies,
  mayPrune,
  standIn,
  logger,
}: McpAuthSurroundings): ComposedMcpAuth {
  // Anyone can name a client metadata document: it is never fetched from a private network, whatever is allowed for
  // mail servers.
  const guard = new OutboundGuard({ privateNetworks: [], trusted: standIn?.hosts ?? [] })
  const guarded = new GuardedFetch({ guard, standIn })
  const service = new McpAuthService({
    store: new McpAuthStore(db),
    settings: new SettingStore(db),
    fetch: guarded.fetch,
    now: Date.now,
    ...{ secrets, hub, tokens, policies, logger },
  })
  const exchange = new McpAuthExchange(service)
  const stopped = new AbortController()
  let pruning: Promise<void> = Promise.resolve()
  const failed = (err: unknown) => logger.error({ err }, 'expired data of OAuth clients could not be pruned')
  return {
    service,
    challenge: refused => (service.isOn ? challengeOf(refused) : undefined),
    addRoutes: http => mcpAuthRoutes(http, { service, exchange }),
    part: {
      name: 'mcp sign-in',
      start: async () => {
        await service.start()
        const prune = () => {
          // Retries a document that could not be read when it was set.
          void service.follow()
          if (mayPrune() !== undefined) pruning = pruning.then(() => service.prune()).catch(failed)
        }
        every(pruneEveryMs, stopped.signal, prune, failed)
      },
      stop: async () => {
        stopped.abort()
        await service.stop()
        await pruning
        await guarded.stop()
      },
    },
  }
}
