/** Environment and flags, checked once and frozen. The only reader of the environment; reports all faults together. */
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { createSecureContext } from 'node:tls'
import { z } from 'zod'
import type { AccountInput } from '../contract/accounts.ts'
import { faultOfApiKey } from './access/api-key-strength.ts'
import { isLoopback } from './accounts/account-verifier.ts'
import type { AssistantConfig } from './assistant/assistant-config.ts'
import { assistantOf } from './assistant-environment.ts'
import type { Command } from './command-data.ts'
import {
  type BackupArguments,
  type CommandLine,
  type DiagnosisArguments,
  parseCommandLine,
  withoutEmpty,
} from './command-line.ts'
import { hintsOf } from './config-hints.ts'
import { type Environment, environmentSchema } from './environment.ts'
import type { NamedAuthServer } from './mail/sender-auth.ts'
import type { MailOAuthConfig } from './mail-oauth/oauth-providers.ts'
import { isMcpPreset, type McpConfig, mcpPresets } from './mcp/mcp-config.ts'
import type { OidcConfig } from './oidc/oidc-config.ts'
import { sqliteFile } from './platform/database/sqlite-file.ts'
import type { LogLevel } from './platform/logger.ts'
import type { LimitRates } from './platform/rate-limits.ts'
import type { TracingConfig } from './platform/tracing/tracing-options.ts'
import { tracingOf } from './tracing-config.ts'

export interface Config {
  command: Command
  demo: boolean
  version: string
  http: {
    host: string
    port: number
    publicUrl: string | undefined
    trustedProxies: readonly string[]
    allowedOrigins: readonly string[]
    /** Host names that are accepted in addition to those known to be ours. */
    allowedHosts: readonly string[]
    /** PEM certificate and key; undefined for plain HTTP. */
    tls: { cert: Buffer; key: Buffer } | undefined
    limits: LimitRates
    /** Wrong keys and tokens that one address may send per minute. */
    wrongCredentials: number
  }
  /** Private address ranges that people may connect to; all other private addresses are refused. */
  privateNetworks: readonly string[]
  /** Mail servers, beside the known ones, whose Authentication-Results are trusted. */
  authServers: readonly NamedAuthServer[]
  /** Hosts of push services; if empty, Web Push is off. */
  pushServices: readonly string[]
  /** `shipped`: the servers of an address are looked up in our own data only. */
  autoconfig: 'network' | 'shipped'
  oidc: OidcConfig | undefined
  /** OAuth clients at mail providers; others are set on the page. */
  mailOAuth: MailOAuthConfig
  /** How much of each message is indexed. */
  index: { level: 'off' | 'headers' | 'text' }
  /** Messages of an account that are sent in parallel. */
  smtpConnections: number
  events: {
    /** Upper bound of open streams. */
    maxStreams: number
    maxStreamsPerPrincipal: number
  }
  dataDir: string
  databaseUrl: string
  /** 32 bytes; if undefined, a key is generated once and kept in the data directory. */
  secretKey: Buffer | undefined
  /** The new key for `key rotate`, if the key comes from the environment. */
  newSecretKey: Buffer | undefined
  /** Arguments of `user create-admin`. */
  newAdministrator: { email: string | undefined; name: string | undefined }
  /** Arguments of `backup` and `restore`; paths are absolute. */
  backup: BackupArguments
  /** Arguments of `diagnose`. */
  diagnosis: DiagnosisArguments
  /** Scheduled backups; undefined if there are none. */
  backups: ScheduledBackups | undefined
  apiKey: string | undefined
  logLevel: LogLevel
  /** An account that is added at the first start. */
  account: AccountInput | undefined
  assistant: AssistantConfig
  mcp: McpConfig
  /** Undefined if nothing is traced. */
  tracing: TracingConfig | undefined
  /** Hints about odd settings that do not prevent a start, printed for the operator. */
  hints: readonly string[]
}

export interface ScheduledBackups {
  directory: string
  everyMs: number
  keep: number
  withKey: boolean
}

/** Thrown for wrong settings. Each fault names the variable and says what to set. */
export class ConfigError extends Error {
  readonly faults: readonly string[]

  constructor(faults: readonly string[]) {
    super(faults.join('\n'))
    this.name = 'ConfigError'
    this.faults = faults
  }
}

/** Loads the configuration. @throws ConfigError with all faults. */
export function loadConfig(argv: readonly string[], environment: Record<string, string | undefined>): Config {
  const faults: string[] = []
  const flags = parseCommandLine(argv, faults)
  const given = { ...withoutEmpty(environment), ...flags.environment }
  const schema = environmentSchema()
  const issues = schema.safeParse(given).error?.issues ?? []
  for (const issue of issues) faults.push(`${issue.path.join('.')} ${issue.message}`)
  const faulty = new Set(issues.map(issue => issue.path[0]))
  // Parses again without the faulty values, so that faults of the remaining ones are reported in the same run.
  const env = schema.parse(Object.fromEntries(Object.entries(given).filter(([name]) => !faulty.has(name))))
  const account = accountOf(env, faults)
  const assistant = assistantOf(env, faults)
  const oidc = oidcOf(env, faults)
  const mailOAuth = mailOAuthOf(env, faults)
  const tls = tlsOf(env, faults)
  const backups = backupsOf(env, faults)
  const mcp = mcpOf(env, flags, faults)
  const tracing = tracingOf(env, faults)
  if (faults.length > 0) throw new ConfigError(faults)
  const dataDir = resolve(env.RUSTYMAIL_DATA_DIR)
  return Object.freeze({
    command: flags.command,
    demo: flags.demo,
    version: programVersion(),
    http: {
      host: env.RUSTYMAIL_HOST,
      port: env.RUSTYMAIL_PORT,
      publicUrl: env.RUSTYMAIL_PUBLIC_URL,
      trustedProxies: env.RUSTYMAIL_TRUSTED_PROXIES,
      allowedOrigins: env.RUSTYMAIL_ALLOWED_ORIGINS,
      allowedHosts: env.RUSTYMAIL_ALLOWED_HOSTS,
      tls,
      limits: limitsOf(env.RUSTYMAIL_RATE_LIMIT),
      wrongCredentials: Math.ceil(env.RUSTYMAIL_RATE_LIMIT / 300),
    },
    privateNetworks: env.RUSTYMAIL_PRIVATE_NETWORKS,
    authServers: env.RUSTYMAIL_AUTH_SERVERS,
    pushServices: env.RUSTYMAIL_PUSH_SERVICES,
    autoconfig: env.RUSTYMAIL_AUTOCONFIG,
    oidc,
    mailOAuth,
    index: { level: env.RUSTYMAIL_INDEX },
    smtpConnections: env.RUSTYMAIL_SMTP_CONNECTIONS,
    events: {
      maxStreams: env.RUSTYMAIL_MAX_STREAMS,
      maxStreamsPerPrincipal: env.RUSTYMAIL_MAX_STREAMS_PER_PRINCIPAL,
    },
    dataDir,
    databaseUrl: env.RUSTYMAIL_DATABASE_URL ?? `sqlite:${join(dataDir, 'rustymail.db')}`,
    secretKey: env.RUSTYMAIL_SECRET_KEY,
    newSecretKey: env.RUSTYMAIL_NEW_SECRET_KEY,
    newAdministrator: { email: flags.email, name: flags.name },
    backup: {
      ...flags.backup,
      file: flags.backup.file && resolve(flags.backup.file),
      keyFrom: flags.backup.keyFrom && resolve(flags.backup.keyFrom),
    },
    diagnosis: flags.diagnosis,
    backups,
    apiKey: env.RUSTYMAIL_API_KEY,
    logLevel: env.RUSTYMAIL_LOG_LEVEL,
    account,
    assistant,
    mcp,
    tracing,
    hints: hintsOf(given, Object.keys(schema.shape), { cert: tls?.cert, now: Date.now() }),
  })
}

/**
 * Checks what takes longer, before the server starts.
 * @throws ConfigError for an API key that can be guessed.
 */
export async function checkSecrets({ apiKey }: Config): Promise<void> {
  const fault = apiKey === undefined ? undefined : await faultOfApiKey(apiKey)
  if (fault !== undefined) throw new ConfigError([fault])
}

function accountOf(env: Environment, faults: string[]): AccountInput | undefined {
  const imap = serverOf('IMAP', env, { implicit: 993, other: 143 }, faults)
  const smtp = serverOf('SMTP', env, { implicit: 465, other: 587 }, faults)
  if (smtp && !imap) faults.push('IMAP_HOST must be set as well when SMTP_HOST is')
  if (!imap) return undefined
  const email = imap.user.includes('@') ? imap.user : `${imap.user}@${imap.host}`
  return { email, imap, enabled: true, ...(smtp ? { smtp } : {}) }
}

function serverOf(
  kind: 'IMAP' | 'SMTP',
  env: Environment,
  ports: { implicit: number; other: number },
  faults: string[],
) {
  const [host, user, password] = [env[`${kind}_HOST`], env[`${kind}_USER`], env[`${kind}_PASS`]]
  const tlsKind = env[`${kind}_TLS`] ?? 'implicit'
  const given = ['HOST', 'PORT', 'USER', 'PASS', 'TLS'] as const
  if (given.every(name => env[`${kind}_${name}`] === undefined)) return undefined
  for (const [name, value] of [
    ['HOST', host],
    ['USER', user],
    ['PASS', password],
  ] as const) {
    if (value === undefined) faults.push(`${kind}_${name} must be set as well, since another ${kind}_ value is`)
  }
  if (host === undefined || user === undefined || password === undefined) return undefined
  if (tlsKind === 'none' && !isLoopback(host)) {
    faults.push(`${kind}_TLS must be implicit or starttls: none would send the password in the clear to ${host}`)
  }
  const defaultPort = tlsKind === 'implicit' ? ports.implicit : ports.other
  return { host: host.toLowerCase(), port: env[`${kind}_PORT`] ?? defaultPort, tls: tlsKind, user, password }
}

/** Returns calls per minute. Many principals may share an address; expensive or guessable calls have lower limits. */
function limitsOf(perPrincipal: number): LimitRates {
  const share = (part: number) => Math.max(1, Math.ceil(perPrincipal * part))
  return {
    principal: perPrincipal,
    address: perPrincipal * 5,
    search: share(0.05),
    index_search: share(0.2),
    assistant: share(0.01),
    connect: share(0.01),
    sign_in: share(0.01),
    access: share(0.02),
  }
}

function backupsOf(env: Environment, faults: string[]): ScheduledBackups | undefined {
  const directory = env.RUSTYMAIL_BACKUP_DIR
  if (directory === undefined) {
    for (const name of ['EVERY_HOURS', 'KEEP', 'WITH_KEY'] as const) {
      if (env[`RUSTYMAIL_BACKUP_${name}`] === undefined) continue
      faults.push(`RUSTYMAIL_BACKUP_DIR must be set as well, since RUSTYMAIL_BACKUP_${name} is`)
    }
    return undefined
  }
  const url = env.RUSTYMAIL_DATABASE_URL ?? 'sqlite:rustymail.db'
  if (!url.startsWith('sqlite:')) faults.push('RUSTYMAIL_BACKUP_DIR is for SQLite: back PostgreSQL up with pg_dump')
  else if (sqliteFile(url.slice('sqlite:'.length)) === undefined) {
    faults.push('RUSTYMAIL_BACKUP_DIR is for a database in a file, and this one is in memory')
  }
  return {
    directory: resolve(directory),
    everyMs: (env.RUSTYMAIL_BACKUP_EVERY_HOURS ?? 24) * 60 * 60_000,
    keep: env.RUSTYMAIL_BACKUP_KEEP ?? 7,
    withKey: env.RUSTYMAIL_BACKUP_WITH_KEY !== 'false',
  }
}

function tlsOf(env: Environment, faults: string[]): Config['http']['tls'] {
  const [certFile, keyFile] = [env.RUSTYMAIL_TLS_CERT, env.RUSTYMAIL_TLS_KEY]
  if (certFile === undefined && keyFile === undefined) return undefined
  if (certFile === undefined || keyFile === undefined) {
    faults.push('RUSTYMAIL_TLS_CERT and RUSTYMAIL_TLS_KEY must be set together')
    return undefined
  }
  const cert = readPem('RUSTYMAIL_TLS_CERT', certFile, faults)
  const key = readPem('RUSTYMAIL_TLS_KEY', keyFile, faults)
  if (!cert || !key) return undefined
  try {
    createSecureContext({ cert, key })
    return { cert, key }
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error)
    faults.push(`RUSTYMAIL_TLS_CERT and RUSTYMAIL_TLS_KEY do not make a certificate with its key: ${words}`)
    return undefined
  }
}

function readPem(name: string, file: string, faults: string[]): Buffer | undefined {
  try {
    return readFileSync(file)
  } catch (error) {
    faults.push(`${name} cannot be read: ${error instanceof Error ? error.message : String(error)}`)
    return undefined
  }
}

function oidcOf(env: Environment, faults: string[]): OidcConfig | undefined {
  const [issuer, clientId] = [env.RUSTYMAIL_OIDC_ISSUER, env.RUSTYMAIL_OIDC_CLIENT_ID]
  if (issuer === undefined && clientId === undefined) return undefined
  if (issuer === undefined || clientId === undefined) {
    faults.push('RUSTYMAIL_OIDC_ISSUER and RUSTYMAIL_OIDC_CLIENT_ID must be set together')
    return undefined
  }
  if (issuer.startsWith('http:') && !isLoopback(new URL(issuer).hostname)) {
    faults.push('RUSTYMAIL_OIDC_ISSUER must be an https:// address')
  }
  if (env.RUSTYMAIL_OIDC_ROLES.length === 0) {
    faults.push('RUSTYMAIL_OIDC_ROLES must say which groups give which role: admins=administrator,staff=operator')
  }
  return {
    issuer,
    clientId,
    clientSecret: env.RUSTYMAIL_OIDC_CLIENT_SECRET,
    name: env.RUSTYMAIL_OIDC_NAME,
    scopes: env.RUSTYMAIL_OIDC_SCOPES,
    groupsClaim: env.RUSTYMAIL_OIDC_GROUPS_CLAIM,
    trustEmail: env.RUSTYMAIL_OIDC_TRUST_EMAIL,
    roles: env.RUSTYMAIL_OIDC_ROLES,
    accounts: env.RUSTYMAIL_OIDC_ACCOUNTS,
  }
}

function mcpOf(env: Environment, { mcp }: CommandLine, faults: string[]): McpConfig {
  const { preset = 'drafter', results, isChannel } = mcp
  const token = env.RUSTYMAIL_TOKEN
  if (!isMcpPreset(preset)) faults.push(`--preset must be one of ${mcpPresets.join(', ')}`)
  else if (mcp.preset !== undefined && token !== undefined) {
    faults.push('--preset is for mcp without RUSTYMAIL_TOKEN, which has the scopes that it was given')
  }
  if (results !== undefined && !/^(both|structured|text)$/.test(results)) {
    faults.push('--results must be both, structured or text')
  }
  const adapter = env.RUSTYMAIL_MCP_ADAPTER
  return { adapter, token, results, isChannel, preset: isMcpPreset(preset) ? preset : 'reader' }
}

function mailOAuthOf(env: Environment, faults: string[]): MailOAuthConfig {
  const clientOf = (name: 'GOOGLE' | 'MICROSOFT') => {
    const clientId = env[`RUSTYMAIL_OAUTH_${name}_CLIENT_ID`]
    const clientSecret = env[`RUSTYMAIL_OAUTH_${name}_CLIENT_SECRET`]
    if (clientSecret !== undefined && clientId === undefined) {
      faults.push(
        `RUSTYMAIL_OAUTH_${name}_CLIENT_ID must be set as well, since RUSTYMAIL_OAUTH_${name}_CLIENT_SECRET is`,
      )
    }
    return clientId === undefined ? undefined : { clientId, clientSecret }
  }
  const microsoft = clientOf('MICROSOFT')
  return {
    google: clientOf('GOOGLE'),
    microsoft: microsoft && { ...microsoft, tenant: env.RUSTYMAIL_OAUTH_MICROSOFT_TENANT },
  }
}

export function programVersion(): string {
  const text = readFileSync(join(import.meta.dirname, '../package.json'), 'utf8')
  return z.object({ version: z.string() }).parse(JSON.parse(text)).version
}
