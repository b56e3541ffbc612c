/** The stretches of a day as places on a strip, in words, and the failures among them. */
import type { AccountStretch, AccountStretches } from '../../contract/accounts.ts'
import { formatDuration } from '../platform/format.ts'
import { stateWords } from './account-words.ts'

interface StripPart {
  /** In thousandths of the strip. */
  x: number
  width: number
  state: AccountStretch['state']
  from: string
  seconds: number
}

/** So that a failure of a second is seen at all. */
const leastWidth = 3
const failing: readonly string[] = ['auth_failed', 'unreachable', 'degraded']

export function stripOf({ since, until, items }: AccountStretches): StripPart[] {
  const [begin, end] = [Date.parse(since), Date.parse(until)]
  const scale = 1000 / Math.max(1, end - begin)
  return items.map(({ from, state }, index) => {
    const [fromMs, toMs] = [Date.parse(from), Date.parse(items[index + 1]?.from ?? until)]
    const width = Math.max((toMs - fromMs) * scale, failing.includes(state) ? leastWidth : 0)
    // At the right end too.
    const x = Math.min((fromMs - begin) * scale, 1000 - width)
    return { x, width, state, from, seconds: (toMs - fromMs) / 1000 }
  })
}

/** How long it was in each state, the longest first. */
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
