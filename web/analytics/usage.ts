/** The usage tables: callers by calls, operations by p95, and the audit filters that show them. */
import type { History } from '../../contract/history.ts'
import { addressOfWindow, type TimeWindow } from './time-range.ts'

export interface CallerUse {
  principal: string
  name: string
  calls: number
  tokens: number | undefined
}

export function callersOf(
  calls: History,
  tokens: History | undefined,
  names: ReadonlyMap<string, string>,
): CallerUse[] {
  const estimated = new Map(tokens?.groups.map(({ label, total }) => [label, total.sum[0]]))
  return calls.groups
    .map(({ label, total }) => {
      const principal = label ?? ''
      return {
        principal,
        name: names.get(principal) ?? wordsOf(principal),
        calls: total.sum[0] ?? 0,
        tokens: estimated.get(label),
      }
    })
    .filter(({ calls: count }) => count > 0)
    .sort((one, other) => other.calls - one.calls)
}

/** Names a principal that no longer exists, or is not visible to the caller. */
function wordsOf(principal: string): string {
  if (principal === 'api-key') return 'API key of the environment'
  if (principal.startsWith('session-')) return 'A session that has ended'
  if (principal.startsWith('token-')) return `A token that was revoked (${principal.slice('token-'.length)})`
  return principal
}

export function namesOfPrincipals(
  tokens: readonly { id: string; name: string; user_name: string }[],
  sessions: readonly { id: string; user_name: string }[],
): ReadonlyMap<string, string> {
  return new Map([
    ...tokens.map(({ id, name, user_name: owner }) => [`token-${id}`, `${name} (token of ${owner})`] as const),
    ...sessions.map(({ id, user_name: person }) => [`session-${id}`, `${person}, in a browser`] as const),
  ])
}

export interface OperationUse {
  operation: string
  p95: number
  longest: number
  count: number
}

export function slowestOf({ groups }: History): OperationUse[] {
  return groups
    .map(({ label, total }) => ({
      operation: label ?? '',
      p95: total.p95?.[0] ?? 0,
      longest: total.max[0] ?? 0,
      count: total.count[0] ?? 0,
    }))
    .filter(({ count }) => count > 0)
    .sort((one, other) => other.p95 - one.p95)
}

export function auditLink(of: { principal: string } | { operation: string }, window: TimeWindow): string {
  return `/audit?${new URLSearchParams({ ...of, ...addressOfWindow(window) })}`
}
