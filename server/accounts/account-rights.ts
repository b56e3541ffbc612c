/** What concerns accounts beyond one's own list. Only tokens have such a list and may change accounts: people who may, see all. */
import type { AccountChange } from '../../contract/accounts.ts'
import type { Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import { seesAll } from '../platform/visible-figures.ts'

/** Which login an account is: the answer tells whether that login is connected already. */
const loginFields = ['host', 'port', 'user'] as const

/** @param doing What is not done, as the beginning of a sentence: `Adding an account`. */
export function refuseNarrow(principal: Principal, doing: string): void {
  if (seesAll(principal)) return
  const detail = `${doing} requires access to all accounts, and this token sees only some. Sign in instead.`
  throw new Problem('beyond_own_rights', detail)
}

/** Changing an account that one sees: not what others are measured by, nor to another login. */
export function refuseBeyondList(principal: Principal, change: AccountChange): void {
  if (change.is_default !== undefined) refuseNarrow(principal, 'Choosing the default account')
  if (loginFields.some(field => change.imap?.[field] !== undefined)) {
    refuseNarrow(principal, 'Changing the mailbox of an account')
  }
}
