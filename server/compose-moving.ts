/** Moving accounts between servers, wired by hand. A part of the composition root. */
import type { SessionService } from './access/session-service.ts'
import { AccountMover } from './accounts/account-mover.ts'
import type { AccountService } from './accounts/account-service.ts'
import { AccountStore } from './accounts/account-store.ts'
import { IdentityStore } from './drafts/identity-store.ts'
import { movedIdentity } from './drafts/moved-identity.ts'
import type { EventHub } from './events/event-hub.ts'
import { missingGrants } from './mail-oauth/missing-grant.ts'
import { OAuthStore } from './mail-oauth/oauth-store.ts'
import { CsvImport } from './moving/csv-import.ts'
import { movingRoutes } from './moving/moving-routes.ts'
import { MovingService, type MovingServiceOptions } from './moving/moving-service.ts'
import type { Database } from './platform/database/database.ts'
import type { HttpServer } from './platform/http/http-server.ts'
import type { Logger } from './platform/logger.ts'
import type { SecretBox } from './platform/secret-box.ts'

export interface MovingSurroundings {
  db: Database
  hub: Pick<EventHub, 'transact'>
  secrets: SecretBox
  signedInAt: MovingServiceOptions['signedInAt']
}

/**
 * Creates the mover, also for the command line. To move more of what a feature stores about an account, add it to
 * `parts`.
 */
export function composeMover({ db, hub, secrets, signedInAt }: MovingSurroundings): MovingService {
  const grants = missingGrants({ store: new OAuthStore(db), secrets })
  const mover = new AccountMover({ store: new AccountStore(db), hub, secrets, grants })
  return new MovingService({ mover, parts: [movedIdentity(new IdentityStore(db))], signedInAt })
}

export function composeMoving(
  around: Omit<MovingSurroundings, 'signedInAt'> & {
    accounts: AccountService
    sessions: Pick<SessionService, 'find'>
    logger: Logger
  },
): { addRoutes(http: HttpServer): void } {
  const signedInAt: MovingServiceOptions['signedInAt'] = async ({ id }) => {
    const session = await around.sessions.find(id.slice('session-'.length))
    return session && Date.parse(session.created_at)
  }
  const moving = composeMover({ ...around, signedInAt })
  const csv = new CsvImport({ accounts: around.accounts, logger: around.logger })
  return { addRoutes: http => movingRoutes(http, { moving, csv }) }
}
