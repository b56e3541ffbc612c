/** Shows a freeze, from its row. */
import type { Freeze } from '../../contract/freezes.ts'
import type { FreezeRow } from './freeze-tables.ts'

/** The id of the `Principal` of the API key. */
export const apiKeyId = 'api-key'
const tokenMark = 'token-'

/** Returns the principal id of a token, given with or without its prefix, or of the API key. */
export function principalIdOf(named: string): string {
  if (named === 'api_key' || named === apiKeyId) return apiKeyId
  return named.startsWith(tokenMark) ? named : tokenMark + named
}

/** Returns the token id; undefined for the API key. */
export function tokenIdOf(principalId: string): string | undefined {
  return principalId.startsWith(tokenMark) ? principalId.slice(tokenMark.length) : undefined
}

export function toFreeze(row: FreezeRow): Freeze {
  const { id, target, principal_id: principalId, account_id, reads, reason, at, lifted_at } = row
  const { lifted_by_kind: kind, lifted_by_id: lifterId, lifted_by_name: name } = row
  return {
    id,
    target,
    principal: principalId === null ? null : (tokenIdOf(principalId) ?? 'api_key'),
    account_id,
    reads,
    reason,
    by: { kind: row.by_kind, id: row.by_id, name: row.by_name },
    at,
    lifted_at,
    lifted_by: kind === null ? null : { kind, id: lifterId ?? '', name: name ?? '' },
  }
}
