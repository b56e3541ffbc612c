/** Mail accounts: their connections and health. Passwords are write-only. */
import { z } from 'zod'
import { QuotaLevel } from './account-server.ts'
import { endpoint } from './endpoint.ts'
import { mailBounds } from './mail-bounds.ts'
import { ConnectionFault } from './problem-body.ts'
import { Scope } from './scope.ts'
import { AccountId, line, secret, Timestamp, typedLine } from './wire.ts'

export const TlsKind = z
  .enum(['implicit', 'starttls', 'none'])
  .describe('`implicit`: TLS from the first byte; `starttls`: must succeed; `none`: only to this machine')
export type TlsKind = z.infer<typeof TlsKind>

const host = z
  .string()
  .trim()
  .toLowerCase()
  .min(1)
  .max(253)
  .regex(/^[A-Za-z0-9.:_-]+$/, 'is not a host name or address')
const port = z.int().min(1).max(65535)
const user = line.min(1).max(320)
const password = secret(line.min(1).max(1024))

export const MailServer = z.object({ host, port, tls: TlsKind, user }).meta({ id: 'MailServer' })
export type MailServer = z.infer<typeof MailServer>
export const MailServerInput = z.strictObject({
  host,
  port,
  tls: TlsKind,
  user,
  password: password.optional().describe('Required unless the account signs in by OAuth2'),
})

export const AccountAuth = z
  .discriminatedUnion('kind', [
    z.object({ kind: z.literal('password') }),
    z.object({ kind: z.literal('oauth'), provider: z.string(), grant_id: z.string() }),
  ])
  .describe('How the account logs in to its servers')
  .meta({ id: 'AccountAuth' })
export type AccountAuth = z.infer<typeof AccountAuth>
const MailServerChange = z.strictObject({
  host: host.optional(),
  port: port.optional(),
  tls: TlsKind.optional(),
  user: user.optional(),
  password: password.optional(),
})

export const AccountState = z.enum(['connecting', 'ready', 'degraded', 'auth_failed', 'unreachable', 'disabled'])
export type AccountState = z.infer<typeof AccountState>

const networks = z
  .array(z.string())
  .optional()
  .describe('For `private_network`: the networks that an administrator would have to allow')

export const AccountError = z
  .object({
    cause: ConnectionFault,
    detail: z.string(),
    server_response: z.string().nullable(),
    networks,
    at: Timestamp,
  })
  .meta({ id: 'AccountError' })
export type AccountError = z.infer<typeof AccountError>

export const AccountConnections = z
  .object({
    watching: z.int().describe('1 while a connection is in IDLE on INBOX'),
    open: z.int().describe('All IMAP connections of this account, including the watching one'),
    busy: z.int(),
    idle: z.int(),
    connecting: z.int(),
    waiting: z.int().describe('Requests waiting for a command connection'),
    max: z
      .int()
      .describe(
        'Maximum concurrent command connections; lowered when the server reports too many, to 0 if requests share the watching one',
      ),
    server_limit: z
      .int()
      .nullable()
      .describe(
        'Maximum connections that the mail server allows this account, including the watching one, learned from its rejections; null while it has rejected none',
      ),
  })
  .meta({ id: 'AccountConnections' })
export type AccountConnections = z.infer<typeof AccountConnections>

export const IndexLevel = z
  .enum(['off', 'headers', 'text'])
  .describe('What the local index holds: nothing, headers, or headers and text')
export type IndexLevel = z.infer<typeof IndexLevel>

export const mostWatchedFolders = 5
const WatchedFolders = z
  .array(z.string().min(1).max(mailBounds.path))
  .max(mostWatchedFolders)
  .describe(
    'Folders beside INBOX whose changes are to be indexed immediately, each with a connection of its own; others are compared every `look_interval_seconds`',
  )

export const lookInterval = { least: 15, most: 60 * 60, byDefault: 60 } as const
const LookInterval = z
  .int()
  .min(lookInterval.least)
  .max(lookInterval.most)
  .describe('Polling interval for all folders, including those that are not watched; 60 by default')

export const Account = z
  .object({
    id: AccountId,
    name: z.string(),
    email: z.string(),
    imap: MailServer,
    smtp: MailServer.nullable(),
    auth: AccountAuth,
    is_default: z
      .boolean()
      .describe(
        'The account that `/api/dashboard/config` configures. Callers that may not see it get the oldest account visible to them instead',
      ),
    is_sandbox: z.boolean(),
    enabled: z.boolean().describe("False for the sandbox's account while the sandbox does not run"),
    state: AccountState,
    state_since: Timestamp,
    last_error: AccountError.nullable(),
    next_retry_at: Timestamp.nullable(),
    note: z
      .string()
      .nullable()
      .describe('A warning although nothing failed, such as a low connection limit of the mail server'),
    quota_level: QuotaLevel.nullable().describe(
      'Quota usage of the mailbox; null if the mail server does not report it',
    ),
    last_mail_at: Timestamp.nullable().describe('When new mail was last announced, since this server started'),
    connections: AccountConnections,
    index_level: IndexLevel.nullable().describe('null: the default of the server, `RUSTYMAIL_INDEX`'),
    watched_folders: WatchedFolders,
    look_interval_seconds: LookInterval,
    created_at: Timestamp,
    updated_at: Timestamp,
  })
  .meta({ id: 'Account' })
export type Account = z.infer<typeof Account>

/**
 * An account as callers of the mail API see it. Its servers, limits, errors and connections are for `dashboard:read`, under
 * `/api/dashboard/accounts`.
 */
export const MailAccount = z
  .object({
    id: AccountId,
    name: z.string().describe('Display name; defaults to the address'),
    email: z.string(),
    state: AccountState.describe('Mail can be read while the account is `ready` or `degraded`'),
    can: z.array(Scope).describe('The caller’s mail scopes for which an endpoint or a tool exists'),
  })
  .meta({ id: 'MailAccount' })
export type MailAccount = z.infer<typeof MailAccount>

/** A period with an unchanged state; it ends where the next one begins. */
const AccountStretch = z
  .object({
    from: Timestamp,
    state: z
      .enum([...AccountState.options, 'unknown'])
      .describe('`unknown`: the server was not running, or has no record'),
    error: AccountError.nullable(),
  })
  .meta({ id: 'AccountStretch' })
export type AccountStretch = z.infer<typeof AccountStretch>

const AccountStretches = z
  .object({
    since: Timestamp,
    until: Timestamp.describe('Now'),
    items: z.array(AccountStretch).describe('Oldest first, without gaps from `since` on; at most 500'),
  })
  .meta({ id: 'AccountStretches' })
export type AccountStretches = z.infer<typeof AccountStretches>

const name = typedLine.trim().min(1).max(100)
const email = z.email().max(320)

interface Secrets {
  imap?: { password?: string | undefined } | null | undefined
  smtp?: { password?: string | undefined } | null | undefined
  auth?: unknown
}

function hasSecret(part: 'imap' | 'smtp') {
  return ({ auth, [part]: server }: Secrets) =>
    auth !== undefined || typeof server !== 'object' || server === null || server.password !== undefined
}

function missingSecret(part: 'imap' | 'smtp') {
  // Checked even if other fields are invalid, so that all faults are reported together.
  const when = ({ value }: { value: unknown }) => typeof value === 'object' && value !== null
  return { path: [part, 'password'], message: 'is required', when }
}

export const AccountInput = z
  .strictObject({
    name: name.optional().describe('Display name; defaults to the address'),
    email,
    imap: MailServerInput,
    smtp: MailServerInput.optional(),
    auth: z
      .strictObject({ grant_id: line.min(1).max(60) })
      .optional()
      .describe('Instead of passwords: the grant obtained with `beginOAuthSignIn`'),
    enabled: z.boolean().default(true),
  })
  .refine(hasSecret('imap'), missingSecret('imap'))
  .refine(hasSecret('smtp'), missingSecret('smtp'))
  .meta({ id: 'AccountInput' })
export type AccountInput = z.infer<typeof AccountInput>

export const AccountChange = z
  .strictObject({
    name: name.optional(),
    email: email.optional(),
    imap: MailServerChange.optional(),
    smtp: MailServerChange.nullable().optional(),
    enabled: z.boolean().optional(),
    is_default: z.literal(true).optional(),
    watched_folders: WatchedFolders.optional(),
    look_interval_seconds: LookInterval.optional(),
    index_level: IndexLevel.nullable()
      .optional()
      .describe(
        'Takes effect immediately: `off` deletes the index, `headers` deletes its texts, a higher level begins to index; null: the default of the server',
      ),
  })
  .meta({ id: 'AccountChange' })
export type AccountChange = z.infer<typeof AccountChange>

const PartResult = z.object({
  ok: z.boolean(),
  cause: ConnectionFault.nullable(),
  detail: z.string(),
  server_response: z.string().nullable(),
  networks,
  duration_ms: z.number(),
})
export const VerifyResult = z.object({ imap: PartResult, smtp: PartResult.nullable() }).meta({ id: 'VerifyResult' })
export type VerifyResult = z.infer<typeof VerifyResult>
export type PartResult = z.infer<typeof PartResult>

const params = z.object({ account_id: AccountId })
const verify = z.strictObject({
  verify: z.enum(['true', 'false']).default('true').describe('`false`: save without testing the server first'),
})
const connecting = [
  'oauth_grant_not_found',
  'oauth_unreachable',
  'address_refused',
  'mail_login_refused',
  'mail_server_refused',
  'mail_server_tls',
  'mail_server_starttls',
  'mail_server_not_imap',
  'mail_server_unreachable',
  'mail_server_timeout',
] as const
const path = '/api/dashboard/accounts'
const tag = 'Accounts'

export const accountsApi = {
  listMailAccounts: endpoint({
    method: 'GET',
    path: '/api/v1/accounts',
    tag: 'Mail',
    summary: 'List the mail accounts that the caller may use, with its scopes for each',
    description:
      'Requires any mail scope. A token gets the accounts that it names. Servers, limits and errors of an account are ' +
      'under `/api/dashboard/accounts`, which requires `dashboard:read`.',
    scope: 'mail:meta',
    effect: 'read',
    response: z.object({ items: z.array(MailAccount), next_cursor: z.null() }),
  }),
  listAccounts: endpoint({
    method: 'GET',
    path,
    tag,
    summary: 'List the mail accounts that the caller may see',
    scope: 'dashboard:read',
    effect: 'read',
    response: z.object({ items: z.array(Account), next_cursor: z.null() }),
  }),
  createAccount: endpoint({
    method: 'POST',
    path,
    tag,
    summary: 'Connect a mail account; its servers are tested first',
    description: 'Not for tokens that see only some accounts.',
    limit: 'connect',
    scope: 'dashboard:admin',
    effect: 'write',
    query: verify,
    body: AccountInput,
    response: Account,
    status: 201,
    problems: [...connecting, 'account_exists', 'beyond_own_rights'],
  }),
  getAccount: endpoint({
    method: 'GET',
    path: `${path}/{account_id}`,
    tag,
    summary: 'Get one account with its state',
    scope: 'dashboard:read',
    effect: 'read',
    params,
    response: Account,
    problems: ['account_not_found'],
  }),
  listAccountStates: endpoint({
    method: 'GET',
    path: `${path}/{account_id}/states`,
    tag,
    summary: 'List the states of an account in the last 24 hours',
    scope: 'dashboard:read',
    effect: 'read',
    params,
    response: AccountStretches,
    problems: ['account_not_found'],
  }),
  updateAccount: endpoint({
    method: 'PATCH',
    path: `${path}/{account_id}`,
    tag,
    summary: 'Change an account; changed servers are tested first',
    description:
      'Tokens that see only some accounts may not choose the default one, nor change `email`, or `host`, `port` or `user` of `imap` and `smtp`.',
    limit: 'connect',
    scope: 'dashboard:admin',
    effect: 'write',
    params,
    query: verify,
    body: AccountChange,
    response: Account,
    problems: [...connecting, 'account_not_found', 'account_exists', 'account_disabled', 'beyond_own_rights'],
  }),
  deleteAccount: endpoint({
    method: 'DELETE',
    path: `${path}/{account_id}`,
    tag,
    summary: 'Disconnect an account and delete its password, or revoke its access; mail on the server stays',
    scope: 'dashboard:admin',
    effect: 'destroy',
    params,
    response: z.undefined(),
    status: 204,
    problems: ['account_not_found'],
  }),
  verifyAccount: endpoint({
    method: 'POST',
    path: `${path}/{account_id}/verify`,
    tag,
    summary: 'Test the servers of an account now, and reconnect if they respond',
    limit: 'connect',
    scope: 'dashboard:operate',
    effect: 'write',
    params,
    response: VerifyResult,
    problems: ['account_not_found', 'account_disabled'],
  }),
  startSandbox: endpoint({
    method: 'POST',
    path: '/api/dashboard/sandbox',
    tag,
    summary: 'Start the sandbox, a disposable mail server on this machine, and connect its account',
    description: 'The account of an earlier run is reconnected with the same id; its mail is new.',
    scope: 'dashboard:admin',
    effect: 'write',
    response: Account,
    status: 201,
    problems: ['sandbox_running', 'sandbox_missing', 'beyond_own_rights'],
  }),
}
