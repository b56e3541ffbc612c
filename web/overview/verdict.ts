/** The one-line verdict on the system. Unknown is grey rather than falsely green. */
import type { Account } from '../../contract/accounts.ts'
import type { Alert } from '../../contract/alerts.ts'
import { formatClock, formatCount } from '../platform/format.ts'
import type { Freshness } from '../platform/live.tsx'
import type { Tone } from '../ui/tone.ts'
import { nameApart } from './account-trouble.ts'
import { causesOf, type Facts } from './causes.ts'

export interface Verdict {
  tone: Tone
  title: string
  /** Problems as sentences, worst first, with a link to where to act; keys are stable. */
  details: { key: string; words: string; href?: string }[]
}

/** Where alerts lead; problems that no rule reports lead elsewhere. */
export const alertsHref = '/alerts'

interface Known extends Omit<Facts, 'accounts'> {
  accounts: readonly Account[] | undefined
  /** Alerts that fire and need attention. */
  alerts: readonly Pick<Alert, 'id' | 'severity' | 'words' | 'account_id'>[]
  /** Why the accounts could not be loaded. */
  error: Error | null
  freshness: Freshness
}

export function verdictOf({ accounts, alerts, stats, samples, error, freshness }: Known): Verdict {
  if (!accounts) {
    if (error)
      return {
        tone: 'unknown',
        title: 'Unknown',
        details: [alone(`The accounts could not be loaded: ${error.message}`)],
      }
    return { tone: 'unknown', title: 'Checking…', details: [] }
  }
  if (freshness.isStale) {
    return {
      tone: 'unknown',
      title: 'Unknown',
      details: [alone(`Data as of ${formatClock(freshness.asOf)}.`)],
    }
  }
  const causes = causesOf({ accounts, stats, samples })
  // An account that does not work is among the causes already.
  const failing = accounts.filter(({ state }) => state === 'auth_failed' || state === 'unreachable')
  const inTrouble = new Set(failing.map(({ id }) => id))
  const others = alerts.filter(({ account_id: id }) => id === null || !inTrouble.has(id))
  const fired = others.map(({ id, severity, words }) => {
    return { key: id, isBad: severity === 'critical', words, href: alertsHref }
  })
  const all = [...causes, ...fired]
  if (all.length > 0) {
    const tone = all.some(({ isBad }) => isBad) ? 'bad' : 'warn'
    const details = all.map(({ key, words, href }) => ({ key, words: `${words}.`, href }))
    return { tone, title: titleOf(causes.length, fired.length), details }
  }
  const connecting = accounts.filter(({ state }) => state === 'connecting')
  if (connecting.length > 0) {
    const details = connecting.map(account => ({
      key: account.id,
      words: `${nameApart(account, accounts)} is being connected.`,
      href: `/accounts/${account.id}`,
    }))
    return { tone: 'busy', title: 'Connecting', details }
  }
  const ready = accounts.filter(({ state }) => state === 'ready').length
  if (accounts.length === 0) {
    return { tone: 'unknown', title: 'No accounts', details: [alone('No accounts are visible to you.')] }
  }
  if (ready === 0) return { tone: 'unknown', title: 'No accounts', details: [alone('No account is enabled.')] }
  return { tone: 'good', title: 'All good', details: [alone(`${formatCount(ready, 'account')} connected.`)] }
}

function titleOf(problems: number, alerts: number): string {
  const counted = problems > 0 ? [formatCount(problems, 'problem')] : []
  return [...counted, ...(alerts > 0 ? [formatCount(alerts, 'alert')] : [])].join(', ')
}

/** Returns a problem that concerns all accounts. */
function alone(words: string) {
  return { key: 'all', words }
}
