/** Finds accounts whose alerts no notifier announces: mail about an account is never sent from it, or only to it. */
import { lowerAscii } from '../../contract/ascii-case.ts'
import { type Notifier, notifierBounds } from '../../contract/notifiers.ts'

export interface NamedAccount {
  id: string
  email: string
}

/** The fields of a notifier that decide that. */
type RoutedNotifier = Pick<
  Notifier,
  'id' | 'enabled' | 'only_escalations' | 'escalate' | 'account_ids' | 'rule_ids' | 'min_severity' | 'target'
>

/** Accounts that a warning names. */
const mostNamed = 3

export function warningsOf(
  notifier: RoutedNotifier,
  all: readonly RoutedNotifier[],
  accounts: readonly NamedAccount[],
): Notifier['warnings'] {
  const unannounced = unannouncedAccounts(notifier, all, accounts)
  if (unannounced.length === 0) return []
  const names = unannounced.slice(0, mostNamed).map(({ email }) => email)
  const more = unannounced.length > mostNamed ? ` and ${unannounced.length - mostNamed} more` : ''
  const detail = `Alerts about ${names.join(', ')}${more} reach nobody: mail about an account is never sent from it. Add another notifier.`
  const account_ids = unannounced.slice(0, notifierBounds.accounts).map(({ id }) => id)
  return [{ code: 'accounts_untold', detail, account_ids }]
}

const ranks = { info: 0, warning: 1, critical: 2 } as const

/** Returns the accounts that this notifier would announce if it could, and no other one does. */
function unannouncedAccounts<Account extends NamedAccount>(
  notifier: RoutedNotifier,
  all: readonly RoutedNotifier[],
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
        (other.id === escalate?.notifier_id || (isAbout(other, account) && announcesAsMuch(other, notifier))),
    )
  })
}

function isAbout({ account_ids: ids }: RoutedNotifier, { id }: NamedAccount): boolean {
  return ids.length === 0 || ids.includes(id)
}

function loops({ target }: RoutedNotifier, { id, email }: NamedAccount): boolean {
  if (target.kind !== 'email') return false
  return target.account_id === id || target.to.every(to => lowerAscii(to) === lowerAscii(email))
}

function announcesAsMuch(other: RoutedNotifier, one: RoutedNotifier): boolean {
  if (other.only_escalations || ranks[other.min_severity] > ranks[one.min_severity]) return false
  if (other.rule_ids.length === 0) return true
  return one.rule_ids.length > 0 && one.rule_ids.every(id => other.rule_ids.includes(id))
}
