/** Accounts whose alerts no notifier tells: mail about an account never leaves by it, nor goes to it alone. */
import type { Notifier } from '../../contract/notifiers.ts'

export interface NamedAccount {
  id: string
  email: string
}

const ranks = { info: 0, warning: 1, critical: 2 } as const

/** Of what this one would tell if it could: told by none of the others either. */
export function untoldAccounts<Account extends NamedAccount>(
  notifier: Notifier,
  all: readonly Notifier[],
  accounts: readonly Account[],
): Account[] {
  const { enabled, only_escalations: isSecond, escalate } = notifier
  if (!enabled || isSecond) return []
  const others = all.filter(({ id }) => id !== notifier.id)
  return accounts.filter(account => {
    if (!isAbout(notifier, account) || !loops(notifier, account)) return false
    return !others.some(
      other =>
        other.enabled &&
        !loops(other, account) &&
        (other.id === escalate?.notifier_id || (isAbout(other, account) && tellsAsMuch(other, notifier))),
    )
  })
}

function isAbout({ account_ids: ids }: Notifier, { id }: NamedAccount): boolean {
  return ids.length === 0 || ids.includes(id)
}

function loops({ target }: Notifier, { id, email }: NamedAccount): boolean {
  if (target.kind !== 'email') return false
  return target.account_id === id || target.to.every(to => to.toLowerCase() === email.toLowerCase())
}

function tellsAsMuch(other: Notifier, one: Notifier): boolean {
  if (other.only_escalations || ranks[other.min_severity] > ranks[one.min_severity]) return false
  if (other.rule_ids.length === 0) return true
  return one.rule_ids.length > 0 && one.rule_ids.every(id => other.rule_ids.includes(id))
}
