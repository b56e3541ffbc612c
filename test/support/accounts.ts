/**
 * An account service on a database, with mail servers that accept or refuse every login, for tests of its dependents.
 */
import { randomBytes } from 'node:crypto'
import { type AccountGrants, noGrant } from '../../server/accounts/account-grants.ts'
import { AccountService } from '../../server/accounts/account-service.ts'
import { AccountStore } from '../../server/accounts/account-store.ts'
import { HealthRegistry } from '../../server/accounts/health-registry.ts'
import type { MailLogin } from '../../server/accounts/mail-login.ts'
import type { Database } from '../../server/platform/database/database.ts'
import { Problem } from '../../server/platform/problem.ts'
import { SecretBox } from '../../server/platform/secret-box.ts'
import { startHub } from './event-hub.ts'

/** The grants of a test in which accounts use passwords only. */
const noGrants: AccountGrants = {
  accessToken: () => Promise.reject(noGrant()),
  providerOf: () => Promise.reject(noGrant()),
  bind: () => Promise.reject(noGrant()),
  release: async () => () => undefined,
}

export type Refuse = (part: 'imap' | 'smtp', login: MailLogin) => boolean

/** @param delay Awaited by each trial login. */
export async function accountsOn(
  db: Database,
  refuse: boolean | Refuse = false,
  delay: (login: MailLogin) => Promise<void> | undefined = () => undefined,
) {
  const { hub, facts } = await startHub(db)
  const isRefused: Refuse = typeof refuse === 'boolean' ? () => refuse : refuse
  /** Trial logins in order, as `part user password`: `imap ann secret`. */
  const trials: string[] = []
  const trial = (part: 'imap' | 'smtp') => async (login: MailLogin) => {
    trials.push(`${part} ${login.user} ${login.password}`)
    await delay(login)
    if (!isRefused(part, login)) return
    throw new Problem('mail_login_refused', 'The server refused.', { fault: 'login', server_response: 'NO go away' })
  }
  const health = new HealthRegistry(hub)
  const accounts = new AccountService({
    store: new AccountStore(db),
    hub,
    health,
    secrets: new SecretBox(randomBytes(32)),
    grants: noGrants,
    verifier: { imap: trial('imap'), smtp: trial('smtp') },
    timeoutMs: () => 1000,
  })
  return { accounts, hub, health, trials, facts }
}
