/**
 * The stored accounts that `rustymail diagnose` diagnoses, with the logins that may be tried. A part of the composition
 * root.
 */
import { lowerAscii } from '../contract/ascii-case.ts'
import type { PoolLimits } from '../contract/settings.ts'
import { authOf, foldersOf, serverOf, toLogin } from './accounts/account-row.ts'
import { AccountStore } from './accounts/account-store.ts'
import type { AccountRow } from './accounts/account-tables.ts'
import { UsageError } from './command-usage.ts'
import type { Config } from './config.ts'
import type { ServerDiagnosis } from './diagnose/diagnose-server.ts'
import { isInForce, refusedBefore } from './diagnose/diagnose-service.ts'
import type { Part } from './diagnose/reach-server.ts'
import { stateChanges, storedChecks } from './diagnose-stored.ts'
import type { DiagnosisTarget } from './diagnose-target.ts'
import { judgeKey, wrongKey } from './key-rotation.ts'
import { revoked } from './mail-oauth/grant-problems.ts'
import { isHostOf } from './mail-oauth/oauth-provider.ts'
import { storedHosts } from './mail-oauth/oauth-providers.ts'
import { OAuthStore } from './mail-oauth/oauth-store.ts'
import { tokenSealContext } from './mail-oauth/oauth-tables.ts'
import { readSecretKey, refuseHalfRestored } from './platform/data-dir.ts'
import { type Database, openDatabase } from './platform/database/database.ts'
import type { OutboundGuard } from './platform/network/outbound-guard.ts'
import { SecretBox } from './platform/secret-box.ts'
import { allowedNetworks, networksFor } from './settings/network-service.ts'
import { RefusedLogins } from './settings/refused-logins.ts'
import { SettingStore } from './settings/setting-store.ts'
import { defaultLimits } from './settings/settings-service.ts'

/** A rotated refresh token is valid once, and the running server holds it. */
const notFromHere =
  'Not tried: the stored access token has expired, and only the running server refreshes it. Press Diagnose on the account’s page.'
const notItsServer =
  'Not tried: this server does not belong to the provider at which the account signs in, so its access token is not sent there.'
/** Time for the whole diagnosis of an account, in which its access token must stay valid. */
export const diagnosisMs = 30_000

/** Returns the accounts with the address that the command names. @throws UsageError when there are none. */
export async function accountsAt(config: Config, guard: OutboundGuard): Promise<DiagnosisTarget[]> {
  const { address, retryLogin } = config.diagnosis
  const unknown = `there is no account ${address} here; name its servers: --imap <host>:<port> --smtp <host>:<port>`
  refuseHalfRestored(config.dataDir)
  const key = config.secretKey ?? readSecretKey(config.dataDir)
  if (!key) throw new UsageError(unknown)
  const secrets = new SecretBox(key)
  const db = openDatabase(config.databaseUrl)
  try {
    if ((await judgeKey(db, secrets)) === 'wrong') throw new Error(wrongKey)
    const rows = (await new AccountStore(db).list()).filter(row => isAt(row, address))
    if (rows.length === 0) throw new UsageError(unknown)
    await allowNetworks(db, guard)
    trustSandbox(rows, guard)
    const { max_connections: _asNeeded, ...usual } = defaultLimits
    const limits = {
      ...usual,
      ...((await new SettingStore(db).find('pool_limits')) as Partial<PoolLimits> | undefined),
    }
    return await Promise.all(
      rows.map(async row => {
        const logins = {
          imap: (await loginIn(db, row, 'imap', secrets))!,
          smtp: await loginIn(db, row, 'smtp', secrets),
        }
        const why = async (part: Part) => {
          const since = retryLogin ? undefined : await refusedSince(db, row, part)
          return since && `${refusedBefore(since, authOf(row).kind)} Add --retry-login to try it once more.`
        }
        const { name, email } = row
        const named = { name, email, imap: logins.imap, smtp: logins.smtp ?? null, watched_folders: foldersOf(row) }
        return {
          named,
          logins,
          limits,
          account: row,
          stored: await storedChecks(config, db, row),
          whyNoLogin: { imap: await why('imap'), smtp: await why('smtp') },
        }
      }),
    )
  } finally {
    await db.destroy()
  }
}

/** Returns the login of an account; with OAuth2, by the stored access token while it is valid. Refreshes nothing. */
async function loginIn(db: Database, row: AccountRow, part: Part, secrets: SecretBox) {
  const [auth, server] = [authOf(row), serverOf(row, part)]
  if (auth.kind === 'password' || !server) return toLogin(row, part, secrets)
  const store = new OAuthStore(db)
  const grant = await store.find(auth.grant_id)
  const isOver = grant?.state === 'revoked'
  if (isOver) return { ...server, why: revoked(grant.failure ?? 'The access was revoked or has expired.') }
  const expires = grant?.access_expires_at
  const isValid = grant !== undefined && (expires == null || Date.parse(expires) > Date.now() + diagnosisMs)
  if (!isValid) return { ...server, why: notFromHere }
  if (!isHostOf(await storedHosts(store, grant.provider, part), server.host)) return { ...server, why: notItsServer }
  return { ...server, accessToken: secrets.open(grant.access_sealed, tokenSealContext(grant.id, 'access')) }
}

function isAt({ email, imap_user }: AccountRow, address: string): boolean {
  return [email, imap_user].some(name => lowerAscii(name) === lowerAscii(address))
}

/** Allows the networks that an administrator allowed in the running server. */
async function allowNetworks(db: Database, guard: OutboundGuard): Promise<void> {
  guard.allow(networksFor('mail', await allowedNetworks(new SettingStore(db))))
}

/** Trusts the places of sandbox accounts, as the server does: it runs them here, and nobody else sets them. */
function trustSandbox(rows: readonly AccountRow[], guard: OutboundGuard): void {
  for (const row of rows.filter(({ is_sandbox: isSandbox }) => isSandbox === 1)) {
    for (const part of ['imap', 'smtp'] as const) {
      const place = serverOf(row, part)
      if (place) guard.trust(place.host, place.port)
    }
  }
}

/** Returns when the server refused the stored password, by the last facts or a diagnosis; undefined if it did not. */
async function refusedSince(db: Database, { id, updated_at }: AccountRow, part: Part): Promise<string | undefined> {
  const [last] = await stateChanges(db, id)
  const kept = await new RefusedLogins(db).find(id, part)
  const known = { part, revision: updated_at, state: last?.state ?? '', stateSince: last?.at ?? '' }
  if (kept && isInForce(kept, known)) return kept.at
  return part === 'imap' && last?.state === 'auth_failed' && last.at > updated_at ? last.at : undefined
}

/** Stores refused logins for later diagnoses, here and in the server. */
export async function keepRefusals(
  config: Config,
  { id, updated_at }: Pick<AccountRow, 'id' | 'updated_at'>,
  seen: { [part in Part]?: ServerDiagnosis },
): Promise<void> {
  const news = Object.entries(seen).filter(([, { refused, isIn }]) => refused || isIn) as [Part, ServerDiagnosis][]
  if (news.length === 0) return
  const db = openDatabase(config.databaseUrl)
  try {
    const store = new RefusedLogins(db)
    for (const [part, { refused }] of news) {
      if (refused) await store.keep(id, part, { revision: updated_at, at: new Date().toISOString() })
      else if (await store.find(id, part)) await store.forget(id, part)
    }
  } finally {
    await db.destroy()
  }
}
