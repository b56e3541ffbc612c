/** The states of an account over the last day, without guessing: times when nobody watched are `unknown`. */
import type { Account, AccountStretch, AccountStretches } from '../../contract/accounts.ts'
import type { StateSign } from '../events/account-states.ts'
import type { AccountHealth } from './health-registry.ts'

const windowMs = 24 * 3_600_000
/** Upper bound of stretches; of an account that flaps all day, the newest are returned. */
const mostStretches = 500

/** @param now In epoch milliseconds. */
export function stateHistory(
  signs: readonly StateSign[],
  account: Pick<AccountHealth, 'state' | 'state_since' | 'last_error'> & Pick<Account, 'created_at'>,
  now: number,
): AccountStretches {
  const since = new Date(now - windowMs).toISOString()
  const all: AccountStretch[] = [{ from: since, state: 'unknown', error: null }]
  const { state, state_since: from, last_error: error, created_at: createdAt } = account
  const isOfAccount = (sign: StateSign) => sign.kind === 'changed' || sign.at > createdAt
  for (const sign of signs.filter(isOfAccount)) all.push(...stretchesOf(sign, all.at(-1)!))
  if (all.at(-1)!.state !== state) all.push({ from, state, error })
  const items = merged(clipped(all, since))
  return { since, until: new Date(now).toISOString(), items: newest(items) }
}

function stretchesOf(sign: StateSign, before: AccountStretch): AccountStretch[] {
  if (sign.kind === 'changed') {
    const { at, state, last_error: error } = sign.data
    return [{ from: at, state, error: state === 'ready' ? null : error }]
  }
  const { at, seenAt } = sign
  // At a start each enabled account connects, which is not recorded as a fact.
  const state = before.state === 'disabled' ? 'disabled' : 'connecting'
  const down = { from: seenAt ?? at, state: 'unknown', error: null } as const
  return [down, { from: at, state, error: null }]
}

/** Drops stretches that ended before the window, and cuts the one that reaches into it. */
function clipped(stretches: readonly AccountStretch[], since: string): AccountStretch[] {
  const inside = stretches.filter((_stretch, index) => (stretches[index + 1]?.from ?? '9') > since)
  return inside.map(stretch => (stretch.from < since ? { ...stretch, from: since } : stretch))
}

/** Merges adjacent stretches with the same state and error. */
function merged(stretches: readonly AccountStretch[]): AccountStretch[] {
  return stretches.filter((stretch, index) => {
    const before = stretches[index - 1]
    return before?.state !== stretch.state || before.error?.detail !== stretch.error?.detail
  })
}

function newest(stretches: AccountStretch[]): AccountStretch[] {
  if (stretches.length <= mostStretches) return stretches
  const kept = stretches.slice(1 - mostStretches)
  return [{ from: stretches[0]!.from, state: 'unknown', error: null }, ...kept]
}
