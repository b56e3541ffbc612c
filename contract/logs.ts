/** The last lines of the log of this process, without secrets. */
import { z } from 'zod'
import { endpoint } from './endpoint.ts'
import { AccountId, Timestamp, wholeOr } from './wire.ts'

/** Bounds of log lines in memory: `text` in characters of one value, `bytes` of all lines together. */
export const logBounds = { lines: 2_000, bytes: 1024 * 1024, page: 500, text: 4_000 } as const

/** Levels in ascending severity. */
export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const
export const LogLevelName = z.enum(logLevels)
export type LogLevelName = z.infer<typeof LogLevelName>

const text = z.string().describe('Control and invisible characters are written as escapes (`\\u202e`)')

export const LogLine = z
  .object({
    number: z.int().describe('Counted from the start of the process'),
    at: Timestamp,
    level: LogLevelName,
    message: text,
    account_id: z.string().nullable(),
    request_id: z.string().nullable().describe('Request id, as in the audit trail and in `instance` of a problem'),
    fields: z.record(z.string(), text).describe('Other fields of the line; objects as JSON'),
    error: z.object({ type: text, message: text, stack: z.string().describe('Bound in lines') }).nullable(),
  })
  .meta({ id: 'LogLine' })
export type LogLine = z.infer<typeof LogLine>

const filters = {
  level: LogLevelName.optional().describe('Lines of this level and above'),
  account_id: AccountId.optional(),
  request_id: z.string().min(1).max(100).optional(),
  q: z.string().min(1).max(200).optional().describe('Words in the line, case-insensitive; all must match'),
}
export const LogFilter = z.strictObject(filters)
export type LogFilter = z.infer<typeof LogFilter>

/** A line of a process: the id of the process and the number of the line. */
const position = z
  .string()
  .regex(/^[0-9a-f]{8}-(0|[1-9]\d{0,14})$/, 'is not a position in the log, as in an earlier response')
  .meta({ examples: ['9beeae19-6'] })

const shared = { tag: 'System', scope: 'dashboard:admin', effect: 'read' } as const

export const logsApi = {
  listLogs: endpoint({
    ...shared,
    method: 'GET',
    path: '/api/dashboard/logs',
    summary: 'List the last lines of the log of this process, newest first',
    description:
      'Memory holds the newest 2,000 lines, or 1 MiB of them. Requires access to all accounts. To poll for later lines, pass `after`.',
    query: z.strictObject({
      ...filters,
      limit: wholeOr(100, 1, logBounds.page).describe('How many, 1–500'),
      cursor: position.optional().describe('`next_cursor` of the previous response'),
      after: position.optional().describe('`newest` of an earlier response: return only later lines'),
    }),
    response: z.object({
      items: z.array(LogLine),
      next_cursor: z.string().nullable().describe('Cursor for older lines'),
      newest: z.string().describe('Position up to which the log was searched: pass it as `after` of the next request'),
      is_complete: z
        .boolean()
        .describe('False if lines after `after` are missing: there were too many, or the process has restarted'),
      written_level: LogLevelName.or(z.literal('silent')).describe('The level that is logged: `RUSTYMAIL_LOG_LEVEL`'),
      held: z.object({
        lines: z.int(),
        bytes: z.int(),
        since: Timestamp.nullable().describe('Time of the oldest line'),
      }),
    }),
    problems: ['stale_cursor', 'beyond_own_rights'],
  }),
}

/** The export as a file. Not in the table of JSON endpoints. */
export const exportLogs = endpoint({
  ...shared,
  method: 'GET',
  path: '/api/dashboard/logs/export',
  summary: 'Export the last lines of the log as a file of JSON lines, oldest first',
  query: LogFilter,
  response: z.undefined(),
})
