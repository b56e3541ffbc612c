/** Who may see and change a submission. */
import { maySeeAccount, type Principal } from '../platform/principal.ts'
import type { SubmissionQuery } from './submission-store.ts'
import type { SubmissionRow } from './submission-tables.ts'

/**
 * Whether a principal sees submissions of others: a token sees only its own; users and the API key of the environment
 * see all of their accounts.
 */
export function seesOthers({ kind }: Principal): boolean {
  return kind === 'session' || kind === 'api_key'
}

export function maySee(principal: Principal, row: Pick<SubmissionRow, 'account_id' | 'principal_id'>): boolean {
  return maySeeAccount(principal, row.account_id) && (seesOthers(principal) || row.principal_id === principal.id)
}

/** Returns the filter that narrows a list to what the principal may see. */
export function sightOf(principal: Principal): Pick<SubmissionQuery, 'principalId'> {
  return seesOthers(principal) ? {} : { principalId: principal.id }
}
