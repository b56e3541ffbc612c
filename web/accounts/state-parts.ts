/** Lays out an account's states of a day on a strip, with the failures among them, and summarises them. */
import type { AccountStretch, AccountStretches } from '../../contract/accounts.ts'
import { formatDuration } from '../platform/format.ts'
import { stateWords } from './account-words.ts'

interface StripPart {
  /** Offset in thousandths of the strip. */
  x: number
  width: number
  state: AccountStretch['state']
  from: string
  seconds: number
}

/** Minimum width, so that a failure of one second is visible. */
const leastWidth = 3
const failing: readonly string[] = ['auth_failed', 'unreachable', 'degraded']

export function stripOf({ since, until, items }: AccountStretches): StripPart[] {
  const [begin, end] = [Date.parse(since), Date.parse(until)]
  const scale = 1000 / Math.max(1, end - begin)
  return items.map(({ from, state }, index) => {
    const [fromMs, toMs] = [Date.parse(from), Date.parse(items[index + 1]?.from ?? until)]
    const width = Math.max((toMs - fromMs) * scale, failing.includes(state) ? leastWidth : 0)
    // Keeps the minimum width at the right end, too.
    const x = Math.min((fromMs - begin) * scale, 1000 - width)
    return { x, width, state, from, seconds: (toMs - fromMs) / 1000 }
  })
}

/** Returns how long the account was in each state, longest first. */
export function wordsOfStates({ until, items }: AccountStretches): string {
  const sums = new Map<AccountStretch['state'], number>()
  for (const [index, { from, state }] of items.entries()) {
    const seconds = (Date.parse(items[index + 1]?.from ?? until) - Date.parse(from)) / 1000
    sums.set(state, (sums.get(state) ?? 0) + seconds)
  }
  const parts = [...sums].filter(([, seconds]) => seconds >= 1).sort(([, a], [, b]) => b - a)
  return parts.map(([state, seconds]) => `${nameOf(state)} ${formatDuration(seconds)}`).join(', ')
}

function nameOf(state: AccountStretch['state']): string {
  return state === 'unknown' ? 'not known' : stateWords[state].text.toLowerCase()
}
