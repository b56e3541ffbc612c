/** The audit trail for the assistant: actions counted by operation, and the newest of them individually. */
import { z } from 'zod'
import { Citation } from '../../contract/answers.ts'
import { type AuditEntry, Effect } from '../../contract/audit.ts'
import { Timestamp } from '../../contract/wire.ts'
import type { AuditService } from '../audit/audit-service.ts'
import { visibleAccounts } from '../platform/visible-figures.ts'
import { defineTool, type Tool } from '../tools/tool.ts'
import { cite } from './dashboard-tools.ts'

const pageSize = 200
/** Upper bound of entries that are counted. */
const mostEntries = 2_000
const mostGroups = 25
const shownWrites = 12
const shown = 5

export function auditTool(audit: Pick<AuditService, 'list'>): Tool {
  return defineTool({
    name: 'audit',
    title: 'Audit trail',
    description:
      'Audit trail: operations counted by outcome, and the newest changes. principal: id, or part of the name of a person or token. ' +
      'operation: a prefix, such as tool. or mail.',
    scope: 'dashboard:admin',
    effect: 'read',
    hints: { forbidden: 'Only administrators may read the audit trail. Say so.' },
    input: z.strictObject({
      principal: z.string().max(200).optional(),
      operation: z.string().max(100).optional(),
      effect: Effect.optional(),
      account_id: z.string().max(40).optional(),
      outcome: z.enum(['ok', 'failed']).optional(),
      from: Timestamp,
      to: Timestamp.optional(),
    }),
    output: z.object({ lines: z.array(z.string()), citations: z.array(Citation) }),
    text: ({ lines }) => lines.join('\n'),
    run: async ({ principal, input, signal }) => {
      const found: AuditEntry[] = []
      let cursor: string | undefined
      do {
        signal.throwIfAborted()
        const page = await audit.list({ ...input, accounts: visibleAccounts(principal), limit: pageSize, cursor })
        found.push(...page.items)
        cursor = page.next_cursor ?? undefined
      } while (cursor !== undefined && found.length < mostEntries)
      const { account_id: account, ...filter } = input
      const given = Object.entries({ ...filter, ...(account && { account }) }).flatMap(([name, value]) =>
        value === undefined ? [] : [[name, value] as const],
      )
      return {
        lines: [
          `${found.length}${cursor === undefined ? '' : ' or more'} entries.`,
          ...groupLines(found),
          ...newest(
            'Changes',
            found.filter(({ effect }) => effect !== 'read'),
            shownWrites,
          ),
          ...newest(
            'Refused or failed',
            found.filter(({ outcome }) => outcome !== 'ok'),
            shown,
          ),
        ],
        citations: [cite('audit', 'Audit trail', '/audit', Object.fromEntries(given))],
      }
    },
  })
}

function groupLines(found: readonly AuditEntry[]): string[] {
  const groups = new Map<string, { count: number; first: string; last: string }>()
  for (const { principal_name: name, operation, outcome, at } of found) {
    const key = `${name.slice(0, 60)}: ${operation} ${outcome}`
    const known = groups.get(key)
    if (known) {
      known.count++
      known.first = at
    } else groups.set(key, { count: 1, first: at, last: at })
  }
  const all = [...groups].sort(([, one], [, other]) => other.count - one.count)
  const rest = all.length - mostGroups
  return [
    ...all
      .slice(0, mostGroups)
      .map(([key, { count, first, last }]) =>
        count === 1 ? `1 × ${key}, ${short(last)}` : `${count} × ${key}, ${short(first)} to ${short(last)}`,
      ),
    ...(rest > 0 ? [`${rest} more kinds.`] : []),
  ]
}

function newest(title: string, entries: readonly AuditEntry[], most: number): string[] {
  if (entries.length === 0) return []
  const lines = entries.slice(0, most).map(entry => {
    const { number, at, principal_name: name, operation, outcome, account_id: account, ip_address: address } = entry
    const refs = JSON.stringify(entry.refs).slice(0, 160)
    return `#${number} ${short(at)} ${name.slice(0, 60)} from ${address}: ${operation} ${outcome}${account ? ` account ${account}` : ''} ${refs}`
  })
  const rest = entries.length - lines.length
  return [`${title}:`, ...lines, ...(rest > 0 ? [`${rest} more.`] : [])]
}

function short(at: string): string {
  return at.slice(0, 19)
}
