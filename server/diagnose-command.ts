/** `rustymail diagnose`: diagnoses a stored account or given servers. A part of the composition root. */
import { TlsKind } from '../contract/accounts.ts'
import type { Diagnosis } from '../contract/diagnose.ts'
import type { PoolLimits } from '../contract/settings.ts'
import { authOf, foldersOf, serverOf, toLogin } from './accounts/account-row.ts'
import { AccountStore } from './accounts/account-store.ts'
import type { AccountRow } from './accounts/account-tables.ts'
import { refusePlainOverNetwork } from './accounts/account-verifier.ts'
import { type MailLogin, type PasswordLogin, secretOf } from './accounts/mail-login.ts'
import { ProtocolLog } from './accounts/protocol-log.ts'
import type { DiagnosisArguments } from './command-line.ts'
import { UsageError } from './command-usage.ts'
import type { Outcome } from './commands.ts'
import { composeOutbound } from './compose-outbound.ts'
import type { Config } from './config.ts'
import type { Check } from './diagnose/check.ts'
import { clockCheck } from './diagnose/clock-check.ts'
import { diagnoseServer, type NoAccess, type ServerDiagnosis } from './diagnose/diagnose-server.ts'
import { inspect, isInForce, refusedBefore, toSpoken } from './diagnose/diagnose-service.ts'
import type { Part } from './diagnose/reach-server.ts'
import { maskedReport, type Named, plainText } from './diagnose/report.ts'
import { verdictOf } from './diagnose/verdict.ts'
import { stateChanges, storedChecks } from './diagnose-stored.ts'
import { ImapFlowGateway } from './imap/adapters/imapflow-gateway.ts'
import { judgeKey, wrongKey } from './key-rotation.ts'
import { revoked } from './mail-oauth/grant-problems.ts'
import { isHostOf } from './mail-oauth/oauth-provider.ts'
import { storedHosts } from './mail-oauth/oauth-providers.ts'
import { OAuthStore } from './mail-oauth/oauth-store.ts'
import { tokenSealContext } from './mail-oauth/oauth-tables.ts'
import { checkSmtp } from './outbox/smtp-check.ts'
import { readSecretKey, refuseHalfRestored } from './platform/data-dir.ts'
import { type Database, openDatabase } from './platform/database/database.ts'
import type { OutboundGuard } from './platform/network/outbound-guard.ts'
import { Problem } from './platform/problem.ts'
import { SecretBox } from './platform/secret-box.ts'
import { reportFacts } from './report-facts.ts'
import { allowedNetworks, networksFor } from './settings/network-service.ts'
import { RefusedLogins } from './settings/refused-logins.ts'
import { SettingStore } from './settings/setting-store.ts'
import { defaultLimits } from './settings/settings-service.ts'

interface Wanted {
  named: Named
  logins: { imap: MailLogin | NoAccess; smtp: MailLogin | NoAccess | undefined }
  /** The reason why no login is tried. */
  whyNoLogin: { imap?: string | undefined; smtp?: string | undefined }
  /** Undefined for servers given as arguments. */
  account: Pick<AccountRow, 'id' | 'updated_at'> | undefined
  /** Checks based on what the database says about the account. */
  stored: Check[]
  /** The limits as set; undefined if no database was read. */
  limits: Parameters<typeof reportFacts>[1]
}

const noPassword = 'Not tried: no password was given.'
/** A rotated refresh token is valid once, and the running server holds it. */
const notFromHere =
  'Not tried: the stored access token has expired, and only the running server refreshes it. Press Diagnose on the account’s page.'
const notItsServer =
  'Not tried: this server does not belong to the provider at which the account signs in, so its access token is not sent there.'
const stepMs = 5_000
const wholeMs = 30_000

/**
 * Diagnoses accounts; the server may be running. Only refused logins are written to the database. What only the running
 * server knows, such as its connections, is on the account's page.
 */
export async function diagnose(config: Config, askPassword: () => Promise<string>): Promise<Outcome> {
  const { address, imap } = config.diagnosis
  if (address === '') throw new UsageError('diagnose requires an address: rustymail diagnose <address>')
  const { guard } = composeOutbound(config)
  const wanted =
    imap === undefined ? await accountsAt(config, guard) : [await givenServers(config.diagnosis, imap, askPassword)]
  const diagnoses = []
  for (const one of wanted) diagnoses.push(await diagnoseOne(config, guard, one))
  const isReport = config.diagnosis.isReport
  const words = diagnoses.map(({ diagnosis, named, limits }) => {
    const frame = { version: config.version, facts: reportFacts(config, limits) }
    return isReport ? maskedReport(diagnosis, named, frame) : plainText(diagnosis)
  })
  return {
    words: words.join('\n\n'),
    exitCode: diagnoses.some(({ diagnosis }) => diagnosis.state === 'failed') ? 1 : 0,
  }
}

async function diagnoseOne(
  config: Config,
  guard: OutboundGuard,
  { named, logins, whyNoLogin, limits, account, stored }: Wanted,
) {
  const gateway = new ImapFlowGateway({ guard, version: config.version })
  const signal = AbortSignal.timeout(wholeMs)
  const began = performance.now()
  // Lines of this diagnosis only, with the same secrets redacted as in the running server.
  const protocol = new ProtocolLog()
  const onLineOf = (part: Part, login: MailLogin | NoAccess) =>
    protocol.open('', part, 'why' in login ? [] : [secretOf(login)])
  const look = (part: Part, login: MailLogin | NoAccess) =>
    diagnoseServer(
      { part, login, whyNoLogin: 'password' in login && login.password === '' ? noPassword : whyNoLogin[part] },
      {
        guard,
        stepMs,
        now: Date.now,
        onLine: () => onLineOf(part, login),
        logInToImap: (given, timeoutMs, until) =>
          inspect(gateway, given, { timeoutMs, signal: until, onLine: onLineOf('imap', given) }),
        logInToSmtp: (given, timeoutMs) => checkSmtp(given, timeoutMs, guard, { onLine: onLineOf('smtp', given) }),
      },
      signal,
    )
  const [imap, smtp] = await Promise.all([look('imap', logins.imap), logins.smtp && look('smtp', logins.smtp)])
  if (account) await keepRefusals(config, account, { imap, ...(smtp && { smtp }) })
  const seen = [imap, ...(smtp ? [smtp] : [])]
  const checks = [...seen.flatMap(server => server.checks), clockCheck(seen, Date.now()), ...stored]
  const diagnosis: Diagnosis = {
    account_id: '',
    made_at: new Date().toISOString(),
    duration_ms: Math.round(performance.now() - began),
    ...verdictOf(checks),
    checks,
    lines: protocol.linesOf('').map(toSpoken),
  }
  return { diagnosis, named, limits }
}

async function accountsAt(config: Config, guard: OutboundGuard): Promise<Wanted[]> {
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
  const isValid = grant !== undefined && (expires == null || Date.parse(expires) > Date.now() + wholeMs)
  if (!isValid) return { ...server, why: notFromHere }
  if (!isHostOf(await storedHosts(store, grant.provider, part), server.host)) return { ...server, why: notItsServer }
  return { ...server, accessToken: secrets.open(grant.access_sealed, tokenSealContext(grant.id, 'access')) }
}

function isAt({ email, imap_user }: AccountRow, address: string): boolean {
  return [email, imap_user].some(name => name.toLowerCase() === address.toLowerCase())
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
async function keepRefusals(
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

async function givenServers(
  { address, imapTls, smtp, smtpTls, user }: DiagnosisArguments,
  imap: string,
  askPassword: () => Promise<string>,
): Promise<Wanted> {
  const places = {
    imap: placeOf('imap', imap, imapTls),
    smtp: smtp === undefined ? undefined : placeOf('smtp', smtp, smtpTls),
  }
  for (const [part, place] of Object.entries(places)) if (place) refusePlain(part as Part, place)
  const password = await askPassword()
  const login = (place: Omit<PasswordLogin, 'user' | 'password'>) => ({ ...place, user: user ?? address, password })
  const logins = { imap: login(places.imap), smtp: places.smtp && login(places.smtp) }
  const named = { name: '', email: address, imap: logins.imap, smtp: logins.smtp ?? null, watched_folders: [] }
  return { named, logins, whyNoLogin: {}, account: undefined, stored: [], limits: undefined }
}

function refusePlain(part: Part, place: { tls: string; host: string }): void {
  try {
    refusePlainOverNetwork(part, place)
  } catch (error) {
    throw error instanceof Problem ? new UsageError(error.message) : error
  }
}

const usualPorts = { imap: 993, smtp: 465 }
/** Ports on which TLS begins by STARTTLS. */
const startTlsPorts: readonly number[] = [143, 587, 25]

/** Parses `host`, `host:port` or `[address]:port`. */
function placeOf(part: Part, text: string, tls: string | undefined): Omit<PasswordLogin, 'user' | 'password'> {
  const [, bracketed, plain, digits] = /^(?:\[([0-9a-fA-F:.%]+)\]|([^:\s[\]]+))(?::(\d{1,5}))?$/.exec(text) ?? []
  const host = (bracketed ?? plain)?.toLowerCase()
  const port = digits === undefined ? usualPorts[part] : Number(digits)
  if (host === undefined || port < 1 || port > 65_535) throw new UsageError(`--${part} ${text} is not <host>:<port>`)
  const kind = TlsKind.safeParse(tls ?? (startTlsPorts.includes(port) ? 'starttls' : 'implicit'))
  if (!kind.success) throw new UsageError(`--${part}-tls must be implicit, starttls or none`)
  return { host, port, tls: kind.data }
}
