/** The audit trail: who did what, when, from where, with which outcome; hash-chained, so that no row can be changed undetected. */
import { z } from 'zod'
import { endpoint } from './endpoint.ts'
import { Cursor, GivenTime, Limit, Timestamp } from './wire.ts'

export const Effect = z.enum(['read', 'write', 'send', 'destroy'])

export const AuditEntry = z
  .object({
    number: z.int(),
    at: Timestamp,
    principal_id: z
      .string()
      .describe(
        '`session-…`, `token-…`, `api-key`, `oidc` (the provider), `anonymous`, or `system` (RustyMail itself)',
      ),
    principal_name: z.string(),
    user_id: z.string().nullable(),
    session_id: z.string().nullable(),
    token_id: z.string().nullable(),
    ip_address: z.string(),
    user_agent: z.string(),
    operation: z
      .string()
      .describe(
        '`mail.getMessage`: the name of an endpoint; `tool.…` for a call over MCP, `cli.…` for the command line, `oidc.…` for what the provider ' +
          'does; or an action that is not an endpoint, such as `audit.forget`',
      ),
    effect: Effect,
    account_id: z.string().nullable(),
    refs: z
      .record(z.string(), z.string())
      .describe('The targets, such as `user_id`; `fields` lists the fields to be changed'),
    input_digest: z
      .string()
      .nullable()
      .describe(
        'HMAC-SHA-256 of query and body as parsed, without secrets (`writeOnly`); the same input gives the same digest. Null when ' +
          'nothing is left, or when the request was rejected before its input was parsed',
      ),
    outcome: z
      .string()
      .describe(
        '`ok`; `second_factor` for a correct password that still needs a second factor; or the code of the problem',
      ),
    status: z.int(),
    duration_ms: z.number(),
    request_id: z.string(),
    hash: z.string().describe('SHA-256 over this entry and the hash of the previous one'),
  })
  .meta({ id: 'AuditEntry' })
export type AuditEntry = z.infer<typeof AuditEntry>

/** Outcomes of operations that were neither rejected nor failed. */
export const goodOutcomes = ['ok', 'second_factor'] as const
export type GoodOutcome = (typeof goodOutcomes)[number]

const filters = {
  principal: z.string().max(200).optional().describe('Id, or part of the name'),
  operation: z.string().max(100).optional().describe('Name, or its prefix: `mail.`'),
  effect: Effect.optional(),
  account_id: z.string().max(40).optional(),
  outcome: z.enum(['ok', 'failed']).optional(),
  from: GivenTime.optional(),
  to: GivenTime.optional(),
}
export const AuditFilter = z.strictObject(filters)
export type AuditFilter = z.infer<typeof AuditFilter>

export const AuditSettings = z
  .strictObject({
    reads: z
      .enum(['none', 'mail', 'all'])
      .describe(
        'Which reads are recorded: none, reads of mail, or all. Writes and rejected requests are always recorded; of floods of rejections, the number',
      ),
    keep_days: z.int().min(1).max(3650),
    keep_entries: z.int().min(1000).max(10_000_000),
  })
  .meta({ id: 'AuditSettings' })
export type AuditSettings = z.infer<typeof AuditSettings>

const shared = { tag: 'Audit', scope: 'dashboard:admin', effect: 'read' } as const

export const auditApi = {
  listAudit: endpoint({
    ...shared,
    method: 'GET',
    path: '/api/dashboard/audit',
    summary: 'List the audit trail, newest first',
    query: z.strictObject({ ...filters, limit: Limit, cursor: Cursor }),
    response: z.object({ items: z.array(AuditEntry), next_cursor: z.string().nullable() }),
    problems: ['stale_cursor'],
  }),
  verifyAudit: endpoint({
    ...shared,
    method: 'POST',
    path: '/api/dashboard/audit/verify',
    summary:
      'Verify that no entry was changed, removed or reordered, and that the trail is as long as `audit.head` says',
    response: z.object({
      is_whole: z.boolean().describe('Also false when it cannot be confirmed: see the kind `unconfirmed`'),
      entries: z.int(),
      oldest: z.int().nullable(),
      newest: z.int().nullable(),
      begun_at: Timestamp.nullable().describe(
        'When the trail was started, or migrated from an earlier version; if later than the first start, it was restarted',
      ),
      fault: z
        .object({
          number: z.int(),
          kind: z
            .enum(['changed', 'missing', 'reordered', 'unconfirmed'])
            .describe(
              '`unconfirmed`: the entries fit together, but what would show that the newest were cut off (`audit.head`) is missing or is not ' +
                'valid',
            ),
          detail: z.string(),
        })
        .nullable(),
    }),
  }),
  getAuditSettings: endpoint({
    ...shared,
    method: 'GET',
    path: '/api/dashboard/audit/settings',
    summary: 'Get what the audit trail records, and how long entries are kept',
    response: AuditSettings,
  }),
  changeAuditSettings: endpoint({
    callers: 'not_token',
    ...shared,
    effect: 'write',
    method: 'PUT',
    path: '/api/dashboard/audit/settings',
    summary: 'Change what the audit trail records, and how long entries are kept',
    body: AuditSettings,
    response: AuditSettings,
    problems: ['session_needed'],
  }),
}

/** The export as a file. Not in the table of JSON endpoints. */
export const exportAudit = endpoint({
  ...shared,
  method: 'GET',
  path: '/api/dashboard/audit/export',
  summary: 'Export the audit trail as a file, oldest first',
  query: AuditFilter.extend({ format: z.enum(['csv', 'jsonl']) }),
  response: z.undefined(),
})
