/**
 * Knowledge about mail servers, wired by hand: learned when connecting, and consulted before asking too much of them. A
 * part of the composition root.
 */

import { mailboxOf } from './accounts/account-reader.ts'
import type { AccountService } from './accounts/account-service.ts'
import type { HealthRegistry } from './accounts/health-registry.ts'
import type { MailLogin } from './accounts/mail-login.ts'
import type { EventHub } from './events/event-hub.ts'
import type { ConnectionPool } from './imap/connection-pool.ts'
import { checkSmtp } from './outbox/smtp-check.ts'
import type { Database } from './platform/database/database.ts'
import type { HttpServer } from './platform/http/http-server.ts'
import type { Part } from './platform/lifecycle.ts'
import type { Logger } from './platform/logger.ts'
import type { OutboundGuard } from './platform/network/outbound-guard.ts'
import { Problem } from './platform/problem.ts'
import { QuotaLooks } from './sync/quota-looks.ts'
import { ServerBook } from './sync/server-book.ts'
import { serverRoutes } from './sync/server-routes.ts'
import { ServerService } from './sync/server-service.ts'
import { ServerStore } from './sync/server-store.ts'

export interface ServerSurroundings {
  db: Database
  hub: EventHub
  health: HealthRegistry
  guard: OutboundGuard
  /** The accounts, which are composed later than the knowledge about their servers. */
  accounts: () => AccountService
  logger: Logger
}

export interface ComposedServers {
  book: ServerBook
  trySmtp(login: MailLogin, timeoutMs: number, accountId?: string): Promise<void>
  greeted(accountId: string, offers: readonly string[]): void
  sizeLimitOf(accountId: string): number | undefined
  addRoutes(http: HttpServer): void
  /** Started before the pool. */
  before: Part
  /** Returns the part that starts after the pool. */
  behind(pool: ConnectionPool): Part
}

export function composeServers({ db, hub, health, guard, accounts, logger }: ServerSurroundings): ComposedServers {
  const onLevel: HealthRegistry['setQuotaLevel'] = (accountId, level) => health.setQuotaLevel(accountId, level)
  const book = new ServerBook({ store: new ServerStore(db), hub, onLevel, logger })
  const service = new ServerService(book, { get: (...asked) => accounts().get(...asked) })
  /** Assigns to an account what a trial of its SMTP login learned about the server. */
  const adopt = async (accountId: string) => {
    try {
      const smtp = await accounts().smtpServer(accountId)
      if (smtp) book.adopt(accountId, mailboxOf(smtp))
    } catch (err) {
      // A Problem means that the account is gone.
      if (!(err instanceof Problem)) logger.warn({ err, account_id: accountId }, 'an SMTP server could not be recorded')
    }
  }
  const stops: (() => void)[] = []
  return {
    book,
    trySmtp: async (login, timeoutMs, accountId) => {
      const greeted = (offers: readonly string[]) => book.greeted({ login: mailboxOf(login) }, offers)
      await checkSmtp(login, timeoutMs, guard, { greeted })
      if (accountId !== undefined) await adopt(accountId)
    },
    greeted: (accountId, offers) => book.greeted({ accountId }, offers),
    sizeLimitOf: accountId => service.sizeLimitOf(accountId),
    addRoutes: http => serverRoutes(http, service),
    before: {
      name: 'mail servers',
      start: async () => {
        await book.start()
        stops.push(hub.listen('account_added', ({ account_id }) => void adopt(account_id)))
        stops.push(hub.listen('account_updated', ({ account_id }) => void adopt(account_id)))
      },
      stop: async () => {
        for (const stop of stops.splice(0)) stop()
        await book.stop()
      },
    },
    behind: pool => {
      const looks = new QuotaLooks({ book, pool, hub, logger })
      return { name: 'quotas', start: () => looks.start(), stop: () => looks.stop() }
    },
  }
}
