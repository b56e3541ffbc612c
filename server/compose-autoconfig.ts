/**
 * Finding mail servers, wired by hand; all its requests pass the outbound guard for mail servers. A part of the
 * composition root.
 */
import { autoconfigRoutes } from './autoconfig/autoconfig-routes.ts'
import { DiscoveryService } from './autoconfig/discovery-service.ts'
import { type DiscoveryTimes, usualTimes } from './autoconfig/discovery-times.ts'
import { createNameServer } from './autoconfig/name-server.ts'
import { PlaceFault } from './autoconfig/outcome.ts'
import { lookAt } from './autoconfig/server-probe.ts'
import { ShippedProviders } from './autoconfig/shipped-providers.ts'
import { documentFetcher } from './autoconfig/web-documents.ts'
import type { Config } from './config.ts'
import type { HttpServer } from './platform/http/http-server.ts'
import type { Part } from './platform/lifecycle.ts'
import type { Logger } from './platform/logger.ts'
import { GuardedFetch, type NetworkStandIn } from './platform/network/guarded-fetch.ts'
import type { OutboundGuard } from './platform/network/outbound-guard.ts'

/** The test doubles that replace the public network and its name servers. */
export interface DiscoveryStandIn extends NetworkStandIn {
  nameServers: readonly string[]
  /** Timeouts, read again for each discovery. */
  times: DiscoveryTimes
}

export interface AutoconfigSurroundings {
  config: Pick<Config, 'autoconfig'>
  /** The outbound guard for mail servers. */
  guard: OutboundGuard
  standIn: DiscoveryStandIn | undefined
  logger: Logger
}

export interface ComposedAutoconfig {
  addRoutes(http: HttpServer): void
  part: Part
}

export function composeAutoconfig({ config, guard, standIn, logger }: AutoconfigSurroundings): ComposedAutoconfig {
  const names = createNameServer(standIn?.nameServers)
  const check = async (host: string, port: number | undefined) => {
    const addresses = await guard.check(host, port, name => names.addresses(name))
    if (addresses.length === 0) throw new PlaceFault('nothing', 'There is no such host.')
    return addresses
  }
  const web = new GuardedFetch({ guard: { check }, standIn })
  const { ca, portOf = (port: number) => port } = standIn ?? {}
  const discoveries = new DiscoveryService({
    providers: new ShippedProviders(),
    tools: {
      get times() {
        return standIn?.times ?? usualTimes
      },
      names,
      fetchDocument: documentFetcher(web.fetch),
      look: async (server, signal) => {
        const addresses = await check(server.host, server.port)
        signal.throwIfAborted()
        return lookAt({ ...server, port: portOf(server.port) }, { addresses, signal, ca })
      },
    },
    mayQuery: config.autoconfig === 'network',
    now: Date.now,
    logger,
  })
  return {
    addRoutes: http => autoconfigRoutes(http, discoveries),
    part: {
      name: 'autoconfig',
      stop: async () => {
        await discoveries.stop()
        await web.stop()
      },
    },
  }
}
