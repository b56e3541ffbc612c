/** Export and import of accounts as a file sealed with a passphrase, and import of many accounts from a table (CSV). */
import { z } from 'zod'
import { AccountChange, IndexLevel, MailServerInput } from './accounts.ts'
import { endpoint } from './endpoint.ts'
import { OAuthProviderId } from './mail-oauth.ts'
import { AccountId, secret, Timestamp, typedLine } from './wire.ts'

export const movingBounds = {
  accounts: 1_000,
  fileBytes: 8 * 1024 * 1024,
  /** Maximum characters of the sealed part, which leaves room for the rest of the file. */
  sealed: 8 * 1024 * 1024 - 4_096,
  csvBytes: 1024 * 1024,
  csvRows: 1_000,
} as const

const base64 = z.string().regex(/^[A-Za-z0-9+/]*={0,2}$/, 'is not base64')
const passphrase = secret(z.string().min(12, 'must have at least 12 characters').max(256)).describe(
  'The passphrase that seals the file: without it the file cannot be opened',
)

/** `docs/moving.md` has the format for other programs. */
export const AccountsFile = z
  .strictObject({
    format: z.literal('rustymail-accounts'),
    version: z.literal(1),
    created_at: Timestamp,
    accounts: z.int().min(0).max(movingBounds.accounts).describe('Number of accounts in the file'),
    kdf: z.strictObject({
      name: z.literal('argon2id'),
      memory_kib: z.int().min(8_192).max(262_144),
      passes: z.int().min(1).max(10),
      parallelism: z.int().min(1).max(4),
      salt: base64.max(88),
    }),
    check: base64.max(88).describe('Distinguishes a wrong passphrase from a damaged file'),
    cipher: z.strictObject({ name: z.literal('aes-256-gcm'), nonce: base64.max(24), tag: base64.max(32) }),
    sealed: base64
      .max(movingBounds.sealed)
      .describe('Servers, user names, passwords, signatures and settings of the accounts'),
  })
  .meta({
    id: 'AccountsFile',
    examples: [
      {
        format: 'rustymail-accounts',
        version: 1,
        created_at: '2026-11-29T08:00:00.000Z',
        accounts: 1,
        kdf: { name: 'argon2id', memory_kib: 65_536, passes: 3, parallelism: 1, salt: 'c2FsdHNhbHRzYWx0c2FsdA==' },
        check: 'Y2hlY2tjaGVja2NoZWNrIQ==',
        cipher: { name: 'aes-256-gcm', nonce: 'bm9uY2Vub25jZSEh', tag: 'dGFndGFndGFndGFndGFnIQ==' },
        sealed: 'c2VhbGVk',
      },
    ],
  })
export type AccountsFile = z.infer<typeof AccountsFile>

/** The sealed data of one account. Readers ignore unknown fields. */
export const MovedAccount = z
  .object({
    name: typedLine.trim().min(1).max(100),
    email: z.email().max(320),
    enabled: z.boolean(),
    imap: z.object(MailServerInput.shape),
    smtp: z.object(MailServerInput.shape).nullable(),
    index_level: IndexLevel.nullable(),
    watched_folders: AccountChange.shape.watched_folders.unwrap(),
    look_interval_seconds: AccountChange.shape.look_interval_seconds.unwrap(),
    /** Provider of an account that signs in by OAuth2, instead of passwords; its grant is not exported. */
    oauth_provider: OAuthProviderId.nullable().default(null),
    /** Account data of other features, under their names: `identity`. */
    parts: z.record(z.string().max(40), z.unknown()).default({}),
  })
  .refine(({ imap, oauth_provider }) => oauth_provider !== null || imap.password !== undefined, {
    path: ['imap', 'password'],
    message: 'is required unless the account signs in by OAuth2',
  })
  .refine(({ smtp, oauth_provider }) => oauth_provider !== null || !smtp || smtp.password !== undefined, {
    path: ['smtp', 'password'],
    message: 'is required unless the account signs in by OAuth2',
  })
export type MovedAccount = z.infer<typeof MovedAccount>

const why = z.string().nullable().describe('The reason, unless the account was created')

export const ImportedAccount = z
  .object({
    email: z.string().nullable().describe('null if it cannot be read'),
    status: z.enum(['created', 'exists', 'invalid']),
    account_id: AccountId.nullable(),
    needs_sign_in: z
      .boolean()
      .describe('The account was created and signs in by OAuth2: a user must sign in at its provider again'),
    why,
  })
  .meta({ id: 'ImportedAccount' })
export type ImportedAccount = z.infer<typeof ImportedAccount>

export const csvColumns = [
  'email',
  'name',
  'imap_host',
  'imap_port',
  'imap_tls',
  'imap_user',
  'imap_password',
  'smtp_host',
  'smtp_port',
  'smtp_tls',
  'smtp_user',
  'smtp_password',
] as const
export type CsvColumn = (typeof csvColumns)[number]

export const ImportedRow = z
  .object({
    line: z.int().describe('Line number in the file; the header is line 1'),
    email: z.string().nullable(),
    status: z
      .enum(['created', 'valid', 'exists', 'invalid', 'could_not_connect', 'not_tried'])
      .describe('`valid`: it would be created (dry run); `not_tried`: the time limit of one import was reached'),
    field: z.enum(csvColumns).nullable().describe('For `invalid`: the column; null if the whole row is invalid'),
    why,
    account_id: AccountId.nullable(),
  })
  .meta({ id: 'ImportedRow' })
export type ImportedRow = z.infer<typeof ImportedRow>

const path = '/api/dashboard/accounts'
const tag = 'Accounts'
const shared = { tag, scope: 'dashboard:admin', effect: 'write', callers: 'session' } as const

export const accountMovingApi = {
  exportAccounts: endpoint({
    ...shared,
    method: 'POST',
    path: `${path}/export`,
    summary: 'Export all accounts as a file, sealed with a passphrase',
    description: [
      'With servers, user names, passwords, signatures and settings, to move them to another server; mail, drafts, the sandbox and what OAuth2 providers granted are not in it. Signed-in administrators only, within 10 minutes',
      'of the sign-in. Lose the passphrase and the file is worthless.',
    ].join(' '),
    limit: 'access',
    body: z.strictObject({ passphrase }),
    response: AccountsFile,
    problems: ['session_needed', 'recent_sign_in_required', 'overloaded'],
  }),
  importAccounts: endpoint({
    ...shared,
    method: 'POST',
    path: `${path}/import`,
    summary: 'Import the accounts of such a file',
    description:
      'Each account is created completely or not at all; accounts whose login is already connected are left unchanged. Servers are not tested first: the state of each account shows whether it works.',
    limit: 'access',
    bodyLimit: movingBounds.fileBytes,
    body: z.strictObject({ file: AccountsFile, passphrase }),
    response: z.object({ items: z.array(ImportedAccount) }),
    problems: ['session_needed', 'overloaded'],
  }),
  importCsv: endpoint({
    ...shared,
    method: 'POST',
    path: `${path}/import-csv`,
    summary: 'Import many accounts from a table (CSV)',
    description: [
      `A header row names the columns: ${csvColumns.join(', ')}. Required are email, imap_host and imap_password; what is left out is taken from the others as on the page.`,
      'RFC 4180, with commas or semicolons. Servers are tested first, four logins at a time on each, unless `verify` is false. Passwords are never answered.',
    ].join(' '),
    limit: 'connect',
    bodyLimit: 2 * movingBounds.csvBytes,
    body: z.strictObject({
      csv: secret(z.string().min(1).max(movingBounds.csvBytes)).meta({
        examples: ['email,imap_host,imap_password\nann@example.org,imap.example.org,secret'],
      }),
      dry_run: z.boolean().default(false).describe('Only reports what would happen; servers are still tested'),
      verify: z.boolean().default(true),
    }),
    response: z.object({ items: z.array(ImportedRow).describe('Results in the order of the file') }),
    problems: ['session_needed', 'overloaded'],
  }),
}
