/** The kill switch, wired by hand: what it stops, and what is notified. A part of the composition root. */
import type { EventHub } from './events/event-hub.ts'
import { freezeRoutes } from './freezes/freeze-routes.ts'
import { FreezeService } from './freezes/freeze-service.ts'
import { FreezeStore } from './freezes/freeze-store.ts'
import type { Database } from './platform/database/database.ts'
import type { HttpServer } from './platform/http/http-server.ts'
import type { Part } from './platform/lifecycle.ts'
import type { Logger } from './platform/logger.ts'
import type { Principal } from './platform/principal.ts'
import { TokenStore } from './tokens/token-store.ts'

export interface FreezeSurroundings {
  db: Database
  hub: EventHub
  accountIds(): Promise<ReadonlySet<string>>
  logger: Logger
}

/** Ends what callers have open for reading, such as event streams and MCP exchanges. */
export type EndReading = (isStopped: (principal: Principal) => boolean) => void

export interface ComposedFreezes {
  freezes: FreezeService
  /** Registers functions that end what callers read by, once they may no longer read. */
  follow(...ends: EndReading[]): void
  addRoutes(http: HttpServer): void
  part: Part
}

export function composeFreezes({ db, hub, accountIds, logger }: FreezeSurroundings): ComposedFreezes {
  const tokens = new TokenStore(db)
  const freezes = new FreezeService({
    store: new FreezeStore(db),
    hub,
    ownerOf: async tokenId => (await tokens.find(tokenId))?.user_id,
    accountIds,
    now: Date.now,
    logger,
  })
  return {
    freezes,
    follow: (...ends) => {
      const isStopped = (principal: Principal) => freezes.stopsReading(principal)
      freezes.onChange(() => {
        for (const end of ends) end(isStopped)
      })
    },
    addRoutes: http => freezeRoutes(http, freezes),
    part: { name: 'freezes', start: () => freezes.start(), stop: () => freezes.stop() },
  }
}
