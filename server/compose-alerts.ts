/**
 * Alerts, wired by hand: the engine that evaluates the rules, and the service for callers. A part of the composition
 * root.
 */
import { AccountStore } from './accounts/account-store.ts'
import { AlertEngine } from './alerts/alert-engine.ts'
import { alertRoutes } from './alerts/alert-routes.ts'
import { AlertService } from './alerts/alert-service.ts'
import { AlertStore } from './alerts/alert-store.ts'
import { type KnownAlert, knownAlerts } from './alerts/known-alerts.ts'
import type { ComposedHistory } from './compose-history.ts'
import type { EventHub } from './events/event-hub.ts'
import type { LeaseService } from './leases/lease-service.ts'
import type { Database } from './platform/database/database.ts'
import type { HttpServer } from './platform/http/http-server.ts'
import type { Part } from './platform/lifecycle.ts'
import type { Logger } from './platform/logger.ts'
import { TokenStore } from './tokens/token-store.ts'

/** Prefix of token ids in principal ids. */
const tokenMark = 'token-'

export interface AlertSurroundings {
  db: Database
  hub: EventHub
  leases: Pick<LeaseService, 'want'>
  history: Pick<ComposedHistory, 'reader' | 'marks'>
  logger: Logger
}

export interface ComposedAlerts {
  /** The alerts that notifiers announce. */
  source: { firing(): Promise<KnownAlert[]>; find(ids: readonly string[]): Promise<KnownAlert[]> }
  service: AlertService
  addRoutes(http: HttpServer): void
  part: Part
}

export function composeAlerts({ db, hub, leases, history, logger }: AlertSurroundings): ComposedAlerts {
  const now = Date.now
  const store = new AlertStore(db)
  const { reader, marks } = history
  const accounts = new AccountStore(db)
  const tokens = new TokenStore(db)
  const engine = new AlertEngine({
    ...{ store, reader, hub, leases, now, logger },
    nameOf: async (value, label) => {
      if (label === 'principal') return (await tokens.find(value.replace(tokenMark, '')))?.name
      const row = await accounts.find(value)
      return row && (row.name || row.email)
    },
    mark: (at, words, accountId) => marks.add('alert', at, words, accountId),
  })
  const service = new AlertService({ store, reader, hub, now })
  return {
    source: knownAlerts(store, now),
    service,
    addRoutes: http => alertRoutes(http, service),
    part: {
      name: 'alerts',
      start: () => engine.start(),
      stop: () => engine.stop(),
    },
  }
}
