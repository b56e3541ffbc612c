/** Known capabilities and limits of an account’s mail servers, and the quota of the mailbox. */
import { z } from 'zod'
import { endpoint } from './endpoint.ts'
import { AccountId, Timestamp } from './wire.ts'

/** Capabilities of IMAP servers, by the keywords that announce them; any one of the keywords suffices. */
export const imapOffers = {
  idle: ['IDLE'],
  condstore: ['CONDSTORE', 'QRESYNC'],
  qresync: ['QRESYNC'],
  object_ids: ['OBJECTID', 'X-GM-EXT-1'],
  move: ['MOVE'],
  uidplus: ['UIDPLUS'],
  special_use: ['SPECIAL-USE', 'XLIST'],
  list_status: ['LIST-STATUS'],
  quota: ['QUOTA'],
  utf8: ['UTF8=ACCEPT', 'UTF8=ONLY'],
} as const satisfies Record<string, readonly string[]>

export const smtpOffers = {
  size: ['SIZE'],
  eight_bit_mime: ['8BITMIME'],
  smtputf8: ['SMTPUTF8'],
  pipelining: ['PIPELINING'],
  delivery_reports: ['DSN'],
} as const satisfies Record<string, readonly string[]>

const ImapCapabilities = z
  .object({
    idle: z.boolean().describe('Announces new mail (RFC 2177)'),
    condstore: z.boolean().describe('Numbers changes of messages (RFC 7162)'),
    qresync: z.boolean().describe('Reports messages removed since a state (RFC 7162)'),
    object_ids: z.boolean().describe('Identifies messages across moves (RFC 8474, or the equivalent of Gmail)'),
    move: z.boolean().describe('Moves messages in one command (RFC 6851)'),
    uidplus: z.boolean().describe('Deletes single messages permanently (RFC 4315)'),
    special_use: z.boolean().describe('Marks the special use of folders (RFC 6154)'),
    list_status: z.boolean().describe('Returns the status of all folders in one response (RFC 5819)'),
    quota: z.boolean().describe('Reports the quota of the mailbox (RFC 9208)'),
    utf8: z.boolean().describe('UTF-8 in names and headers (RFC 9755)'),
  })
  .meta({ id: 'ImapCapabilities' })

const SmtpCapabilities = z
  .object({
    size: z.boolean().describe('Declares the maximum message size (RFC 1870)'),
    eight_bit_mime: z.boolean().describe('Accepts eight-bit bodies (RFC 6152)'),
    smtputf8: z.boolean().describe('Addresses with letters beyond ASCII (RFC 6531)'),
    pipelining: z.boolean().describe('Accepts several commands per round trip (RFC 2920)'),
    delivery_reports: z.boolean().describe('Delivery status notifications on request (RFC 3461)'),
  })
  .meta({ id: 'SmtpCapabilities' })

export const QuotaLevel = z
  .enum(['ok', 'nearly_full', 'full'])
  .describe(
    '`nearly_full` from 90 % on until it is below 85 %; `full` from 100 % on, or when the mail server refused for lack of room',
  )
export type QuotaLevel = z.infer<typeof QuotaLevel>

const MailboxQuota = z
  .object({
    level: QuotaLevel,
    used_bytes: z.int().nullable().describe('null if the mail server does not limit storage'),
    limit_bytes: z.int().nullable(),
    used_messages: z.int().nullable().describe('null if the mail server does not limit the number of messages'),
    limit_messages: z.int().nullable(),
    percent: z.int().nullable().describe('Usage of the resource nearest to its limit, in percent, rounded down'),
    at: Timestamp,
  })
  .meta({ id: 'MailboxQuota' })
export type MailboxQuota = z.infer<typeof MailboxQuota>

export const AccountServers = z
  .object({
    imap: z
      .object({
        capabilities: ImapCapabilities,
        append_limit_bytes: z
          .int()
          .nullable()
          .describe('Maximum size of a message that is stored in a folder (RFC 7889)'),
        connection_limit: z
          .object({ connections: z.int(), at: Timestamp })
          .nullable()
          .describe(
            'Maximum connections, learned from rejections, also before the last restart; null while it has rejected none',
          ),
        at: Timestamp.describe('Time of the latest such rejection'),
      })
      .nullable()
      .describe('null before the first connection'),
    smtp: z
      .object({
        capabilities: SmtpCapabilities,
        size_limit_bytes: z.int().nullable().describe('Maximum message size; null if the server states none'),
        at: Timestamp,
      })
      .nullable()
      .describe('null before the first connection, and without an SMTP server'),
    quota: MailboxQuota.nullable().describe('null if the mail server has no quota, or has not reported it yet'),
  })
  .meta({ id: 'AccountServers' })
export type AccountServers = z.infer<typeof AccountServers>

export const accountServerApi = {
  getServers: endpoint({
    method: 'GET',
    path: '/api/dashboard/accounts/{account_id}/servers',
    tag: 'Accounts',
    summary: 'Get the capabilities and limits of an account’s mail servers, and the quota of the mailbox',
    description:
      'The latest known values: this call makes no request to the mail servers. The quota is queried at most once an hour.',
    scope: 'dashboard:read',
    effect: 'read',
    params: z.object({ account_id: AccountId }),
    response: AccountServers,
    problems: ['account_not_found'],
  }),
}
