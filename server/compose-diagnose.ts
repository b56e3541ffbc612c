/** Diagnosing accounts, wired by hand. A part of the composition root. */
import type { AccountService } from './accounts/account-service.ts'
import type { ProtocolLog } from './accounts/protocol-log.ts'
import type { Config } from './config.ts'
import { diagnoseRoutes } from './diagnose/diagnose-routes.ts'
import { DiagnoseService, type RefusalStore } from './diagnose/diagnose-service.ts'
import type { EventHub } from './events/event-hub.ts'
import type { ConnectionPool } from './imap/connection-pool.ts'
import type { MailGateway } from './imap/mail-gateway.ts'
import type { IndexedMail } from './mail/indexed-mail.ts'
import { checkSmtp } from './outbox/smtp-check.ts'
import type { HttpServer } from './platform/http/http-server.ts'
import type { Part } from './platform/lifecycle.ts'
import type { OutboundGuard } from './platform/network/outbound-guard.ts'
import { reportFacts } from './report-facts.ts'
import type { SettingsService } from './settings/settings-service.ts'

export interface DiagnoseSurroundings {
  config: Config
  accounts: AccountService
  hub: EventHub
  gateway: MailGateway
  pool: ConnectionPool
  guard: OutboundGuard
  protocol: ProtocolLog
  refusals: RefusalStore
  indexed: IndexedMail
  settings: SettingsService
}

export interface ComposedDiagnose {
  addRoutes(http: HttpServer): void
  part: Part
}

export function composeDiagnose(around: DiagnoseSurroundings): ComposedDiagnose {
  const { config, accounts, hub, gateway, pool, guard, protocol, refusals, indexed, settings } = around
  const diagnosing = new DiagnoseService({
    ...{ accounts, hub, gateway, pool, guard, protocol, refusals },
    smtp: checkSmtp,
    indexOf: (principal, accountId) => indexed.getIndex(principal, accountId),
    timeoutMs: () => settings.limits.connection_timeout_seconds * 1000,
    frame: {
      version: config.version,
      get facts() {
        return reportFacts(config, settings.limits)
      },
    },
  })
  return {
    addRoutes: http => diagnoseRoutes(http, diagnosing),
    part: { name: 'diagnose', stop: () => diagnosing.stop() },
  }
}
