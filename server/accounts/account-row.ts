/** Converts an account's row to the contract's form and to a login, and merges changes into it. */
import { randomBytes } from 'node:crypto'
import {
  type Account,
  type AccountAuth,
  type AccountChange,
  type AccountInput,
  type IndexLevel,
  lookInterval,
  type MailAccount,
  type MailServer,
  TlsKind,
} from '../../contract/accounts.ts'
import { scopes as allScopes, isMailScope, unusedScopes } from '../../contract/scope.ts'
import type { Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import type { SecretBox } from '../platform/secret-box.ts'
import type { AccountRow } from './account-tables.ts'
import { isLoopback } from './account-verifier.ts'
import type { AccountHealth } from './health-registry.ts'
import type { PasswordLogin } from './mail-login.ts'

export type Part = 'imap' | 'smtp'
export type LoginName = { host: string; port: number; user: string }

/** Returns the context that a sealed password is bound to, so that it cannot be moved to another row. */
export function sealContext(accountId: string, part: Part): string {
  return `account ${accountId} ${part}`
}

/** Builds a row to insert; the store decides which account is the default. */
export function newRow(
  input: AccountInput,
  { isSandbox, at, secrets, auth }: { isSandbox: boolean; at: string; secrets: SecretBox; auth: AccountAuth },
): Omit<AccountRow, 'is_default'> {
  const id = randomBytes(8).toString('hex')
  const { imap, smtp } = input
  return {
    id,
    name: input.name ?? input.email,
    email: input.email,
    imap_host: imap.host,
    imap_port: imap.port,
    imap_tls: imap.tls,
    imap_user: imap.user,
    imap_password_sealed: secrets.seal(imap.password ?? '', sealContext(id, 'imap')),
    smtp_host: smtp?.host ?? null,
    smtp_port: smtp?.port ?? null,
    smtp_tls: smtp?.tls ?? null,
    smtp_user: smtp?.user ?? null,
    smtp_password_sealed: smtp ? secrets.seal(smtp.password ?? '', sealContext(id, 'smtp')) : null,
    is_sandbox: isSandbox ? 1 : 0,
    enabled: input.enabled ? 1 : 0,
    index_level: null,
    watched_folders: null,
    look_interval_seconds: null,
    ...authColumns(auth),
    created_at: at,
    updated_at: at,
  }
}

export function toAccount(row: AccountRow, isEnabled: boolean, health: AccountHealth): Account {
  return {
    id: row.id,
    name: row.name,
    email: row.email,
    imap: serverOf(row, 'imap')!,
    smtp: serverOf(row, 'smtp') ?? null,
    auth: authOf(row),
    is_default: row.is_default === 1,
    is_sandbox: row.is_sandbox === 1,
    enabled: isEnabled,
    ...health,
    index_level: row.index_level,
    watched_folders: foldersOf(row),
    look_interval_seconds: row.look_interval_seconds ?? lookInterval.byDefault,
    created_at: row.created_at,
    updated_at: row.updated_at,
  }
}

export function authOf({
  oauth_provider: provider,
  grant_id,
}: Pick<AccountRow, 'oauth_provider' | 'grant_id'>): AccountAuth {
  return provider === null || grant_id === null ? { kind: 'password' } : { kind: 'oauth', provider, grant_id }
}

function authColumns(auth: AccountAuth): Pick<AccountRow, 'oauth_provider' | 'grant_id'> {
  if (auth.kind === 'password') return { oauth_provider: null, grant_id: null }
  return { oauth_provider: auth.provider, grant_id: auth.grant_id }
}

/** Returns the row with a grant by which it logs in from now on, and without passwords. */
export function withGrant(row: AccountRow, auth: AccountAuth, secrets: SecretBox): AccountRow {
  return {
    ...row,
    ...authColumns(auth),
    imap_password_sealed: secrets.seal('', sealContext(row.id, 'imap')),
    smtp_password_sealed: row.smtp_host === null ? null : secrets.seal('', sealContext(row.id, 'smtp')),
  }
}

/** Returns the login with its password opened; undefined if the account has no such server. */
export function toLogin(row: AccountRow, part: Part, secrets: SecretBox): PasswordLogin | undefined {
  const server = serverOf(row, part)
  const sealed = row[`${part}_password_sealed`]
  if (!server || sealed === null) return undefined
  return { ...server, password: secrets.open(sealed, sealContext(row.id, part)) }
}

/** The fields that watching an account needs. */
export interface EnabledAccount extends LoginName {
  id: string
  name: string
  email: string
  /** Null for the server's default. */
  indexLevel: IndexLevel | null
  watchedFolders: string[]
  /** Seconds between two polls of all folders. */
  lookSeconds: number
}

export function toEnabled({ id, name, email, index_level: indexLevel, ...row }: AccountRow): EnabledAccount {
  const { imap_host: host, imap_port: port, imap_user: user } = row
  const lookSeconds = row.look_interval_seconds ?? lookInterval.byDefault
  return { id, name, email, host, port, user, indexLevel, watchedFolders: foldersOf(row), lookSeconds }
}

export function foldersOf({ watched_folders: paths }: Pick<AccountRow, 'watched_folders'>): string[] {
  return paths === null ? [] : (JSON.parse(paths) as string[])
}

/** Returns the watched folders as stored; INBOX is left out, since it is always watched. */
function folderColumn(paths: readonly string[]): string | null {
  const others = [...new Set(paths)].filter(path => path.toUpperCase() !== 'INBOX')
  return others.length === 0 ? null : JSON.stringify(others)
}

export function mergeChange(row: AccountRow, change: AccountChange, secrets: SecretBox): AccountRow {
  return {
    ...row,
    name: change.name ?? row.name,
    email: change.email ?? row.email,
    enabled: change.enabled === undefined ? row.enabled : Number(change.enabled),
    is_default: change.is_default ? 1 : row.is_default,
    watched_folders: change.watched_folders ? folderColumn(change.watched_folders) : row.watched_folders,
    look_interval_seconds: change.look_interval_seconds ?? row.look_interval_seconds,
    index_level: change.index_level === undefined ? row.index_level : change.index_level,
    ...mergeServer(row, 'imap', change.imap, secrets),
    ...mergeServer(row, 'smtp', change.smtp, secrets),
  }
}

export interface ServerChoice {
  host: string
  port: number
  useTls: boolean
  password?: string | undefined
}

/** Turns TLS as yes or no into a change: no keeps STARTTLS, and means no TLS at all only to this machine. */
export function changeOfServer(row: AccountRow, { host, port, useTls, password }: ServerChoice): AccountChange {
  const withoutImplicit = row.imap_tls === 'starttls' || !isLoopback(host) ? 'starttls' : 'none'
  return { imap: { host, port, tls: useTls ? 'implicit' : withoutImplicit, password } }
}

/** Returns the names of changed fields, such as `name`, `imap.host` and `smtp.password`. */
export function changedFields(before: AccountRow, after: AccountRow, change: AccountChange): string[] {
  const columns = Object.keys(before) as (keyof AccountRow)[]
  const fields = columns
    .filter(column => before[column] !== after[column] && !column.endsWith('_sealed'))
    .map(column => column.replace(/^(imap|smtp)_/, '$1.'))
  if (change.imap?.password !== undefined) fields.push('imap.password')
  if (change.smtp?.password !== undefined) fields.push('smtp.password')
  return fields
}

export function changedParts(changed: readonly string[]): Part[] {
  return (['imap', 'smtp'] as const).filter(part => changed.some(field => field.startsWith(`${part}.`)))
}

/** Returns the default among visible accounts, or else the oldest. @param rows Oldest first. */
export function defaultOf(rows: readonly AccountRow[]): AccountRow | undefined {
  return rows.find(row => row.is_default) ?? rows[0]
}

export function loginOf(row: AccountRow): LoginName {
  return { host: row.imap_host, port: row.imap_port, user: row.imap_user }
}

/** Returns the fields that facts about the account share. */
export function named(row: AccountRow, at: string) {
  return { account_id: row.id, name: row.name, email: row.email, is_sandbox: row.is_sandbox === 1, at }
}

export function serverOf(row: AccountRow, part: Part): MailServer | undefined {
  const [host, port, tls, user] = [row[`${part}_host`], row[`${part}_port`], row[`${part}_tls`], row[`${part}_user`]]
  if (host === null || port === null || user === null) return undefined
  return { host, port, tls: TlsKind.parse(tls), user }
}

function mergeServer(
  row: AccountRow,
  part: Part,
  change: AccountChange['smtp'],
  secrets: SecretBox,
): Partial<AccountRow> {
  if (change === undefined) return {}
  if (change === null) return serverColumns(part, undefined, null)
  const server = { ...serverOf(row, part), ...withoutUndefined(change) }
  const { host, port, tls, user, password } = server
  // An account that signs in by OAuth2 has no password, and needs none.
  const given = password ?? (row.grant_id !== null && row[`${part}_password_sealed`] === null ? '' : undefined)
  const sealed = given === undefined ? row[`${part}_password_sealed`] : secrets.seal(given, sealContext(row.id, part))
  if (host === undefined || port === undefined || tls === undefined || user === undefined || sealed === null) {
    const message = 'a new server needs host, port, tls, user and password'
    throw new Problem('bad_request', `${part}: ${message}`, { part, errors: [{ path: `body.${part}`, message }] })
  }
  return serverColumns(part, { host, port, tls, user }, sealed)
}

function serverColumns(part: Part, server: MailServer | undefined, sealed: string | null): Partial<AccountRow> {
  return {
    [`${part}_host`]: server?.host ?? null,
    [`${part}_port`]: server?.port ?? null,
    [`${part}_tls`]: server?.tls ?? null,
    [`${part}_user`]: server?.user ?? null,
    [`${part}_password_sealed`]: sealed,
  }
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> }

function withoutUndefined<T extends object>(value: T): Defined<T> {
  return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined)) as Defined<T>
}

/**
 * Returns what callers of the mail API and models may know of an account, for REST and tools alike.
 * Leaves out what requires `dashboard:read`: servers, limits, errors and connections.
 * @param account One that the principal may see.
 */
export function toMailAccount({ scopes }: Principal, { id, name, email, state }: Account): MailAccount {
  return {
    id,
    name,
    email,
    state,
    can: allScopes.filter(scope => isMailScope(scope) && scopes.has(scope) && !unusedScopes.includes(scope)),
  }
}
