/** Why an account does not work: a step-by-step diagnosis of its servers, explained for people, and an anonymized report. */
import { z } from 'zod'
import { endpoint } from './endpoint.ts'
import { AccountId, Timestamp } from './wire.ts'

export const DiagnosisPart = z.enum(['imap', 'smtp', 'account'])
export type DiagnosisPart = z.infer<typeof DiagnosisPart>

export const CheckId = z.enum([
  'dns',
  'port',
  'tls',
  'greeting',
  'starttls',
  'login_methods',
  'login',
  'quota',
  'folders',
  'capabilities',
  'clock',
  'state',
  'index',
  'connections',
  'history',
])
export type CheckId = z.infer<typeof CheckId>

export const CheckState = z.enum(['ok', 'warning', 'failed', 'skipped'])
export type CheckState = z.infer<typeof CheckState>

export const DiagnosisCheck = z
  .object({
    id: CheckId,
    part: DiagnosisPart.describe('`account`: what this server knows of the account, without contacting a mail server'),
    state: CheckState.describe('`skipped`: not checked; the reason is in `words`'),
    words: z.string().max(1_000).describe('What was found, for people'),
    details: z.array(z.object({ name: z.string().max(100), value: z.string().max(2_000) })).max(40),
    ms: z.int().describe('Duration in milliseconds'),
  })
  .meta({ id: 'DiagnosisCheck' })
export type DiagnosisCheck = z.infer<typeof DiagnosisCheck>

export const SpokenLine = z
  .object({
    at: Timestamp.describe('Most recent occurrence'),
    part: z.enum(['imap', 'smtp']),
    connection: z.int().describe('Number of the connection since this server started'),
    from: z.enum(['client', 'server']),
    text: z
      .string()
      .max(500)
      .describe('A command or status response; `…` replaces credentials, addresses and message contents'),
    count: z.int().describe('Consecutive lines with the same text'),
  })
  .meta({ id: 'SpokenLine' })
export type SpokenLine = z.infer<typeof SpokenLine>

export const Diagnosis = z
  .object({
    account_id: AccountId,
    made_at: Timestamp,
    duration_ms: z.int(),
    state: z.enum(['ok', 'warning', 'failed']).describe('The worst state of all checks'),
    verdict: z.string().max(1_000).describe('One sentence: the root fault'),
    advice: z.array(z.string().max(1_000)).max(10).describe('What to do, in this order'),
    checks: z.array(DiagnosisCheck).max(60),
    lines: z
      .array(SpokenLine)
      .max(200)
      .describe('Protocol log: the last lines to and from its mail servers, oldest first'),
  })
  .meta({ id: 'Diagnosis' })
export type Diagnosis = z.infer<typeof Diagnosis>

const params = z.object({ account_id: AccountId })
const path = '/api/dashboard/accounts/{account_id}/diagnose'
const tag = 'Accounts'

export const diagnoseApi = {
  diagnoseAccount: endpoint({
    method: 'GET',
    path,
    tag,
    summary: 'Diagnose step by step why an account does not work',
    description: [
      'Connects to its servers: name resolution, ports, TLS, greeting, login, quota and capabilities, and what this server knows of the account.',
      'Takes up to 30 seconds where servers do not answer. A password that was rejected is not tried again, since that could lock the account, unless',
      '`retry_login` asks for it, which requires `dashboard:operate`.',
    ].join(' '),
    limit: 'connect',
    scope: 'dashboard:read',
    effect: 'read',
    params,
    query: z.strictObject({
      retry_login: z.enum(['true', 'false']).default('false').describe('`true`: try a rejected password once more'),
    }),
    response: Diagnosis,
    problems: ['account_not_found', 'account_disabled'],
  }),
  getDiagnosisReport: endpoint({
    method: 'GET',
    path: `${path}/report`,
    tag,
    summary: 'Get an anonymized report on an account for a public bug tracker',
    description: [
      'Of the last diagnosis, when it is less than ten minutes old; otherwise one is made. Addresses, user names, servers of private domains, IP addresses,',
      'names of folders and message ids are replaced, each by the same word throughout. It contains no secrets.',
    ].join(' '),
    limit: 'connect',
    scope: 'dashboard:read',
    effect: 'read',
    params,
    response: z
      .object({ file_name: z.string().max(100), text: z.string().describe('Plain text') })
      .meta({ id: 'DiagnosisReport' }),
    problems: ['account_not_found', 'account_disabled'],
  }),
}
