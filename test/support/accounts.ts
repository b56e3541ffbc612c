/** An account service on a database, with mail servers that take every login or none, for tests of what stands on it. */
import { randomBytes } from 'node:crypto'
import type { Fact } from '../../contract/event.ts'
import { AccountService } from '../../server/accounts/account-service.ts'
import { AccountStore } from '../../server/accounts/account-store.ts'
import { HealthRegistry } from '../../server/accounts/health-registry.ts'
import type { MailLogin } from '../../server/accounts/mail-login.ts'
import { EventHub } from '../../server/events/event-hub.ts'
import { EventLog } from '../../server/events/event-log.ts'
import type { Database } from '../../server/platform/database/database.ts'
import { createLogger } from '../../server/platform/logger.ts'
import { Problem } from '../../server/platform/problem.ts'
import { SecretBox } from '../../server/platform/secret-box.ts'

export type Refuse = (part: 'imap' | 'smtp', login: MailLogin) => boolean

export function accountsOn(db: Database, refuse: boolean | Refuse = false) {
  const log = new EventLog('e1', 100)
  const hub = new EventHub({
    log,
    logger: createLogger('silent'),
    heartbeatSeconds: 15,
    maxStreams: 1,
    maxStreamsPerPrincipal: 1,
  })
  const isRefused: Refuse = typeof refuse === 'boolean' ? () => refuse : refuse
  /** `imap ann secret`: who was tried where with what. */
  const trials: string[] = []
  const trial = (part: 'imap' | 'smtp') => async (login: MailLogin) => {
    trials.push(`${part} ${login.user} ${login.password}`)
    if (!isRefused(part, login)) return
    throw new Problem('mail_login_refused', 'The server refused.', { fault: 'login', server_response: 'NO go away' })
  }
  const health = new HealthRegistry(hub)
  const accounts = new AccountService({
    store: new AccountStore(db),
    hub,
    health,
    secrets: new SecretBox(randomBytes(32)),
    verifier: { imap: trial('imap'), smtp: trial('smtp') },
    timeoutMs: () => 1000,
  })
  const facts = (): Fact[] => Array.from({ length: log.newest }, (_, index) => log.find(index + 1)!.fact)
  return { accounts, hub, health, trials, facts }
}
