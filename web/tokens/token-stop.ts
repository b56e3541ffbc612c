/** What stops an active token: a stop of its own, of all programs, or of its accounts. */
import type { Freeze } from '../../contract/freezes.ts'
import type { ApiToken } from '../../contract/tokens.ts'
import type { Tone } from '../ui/tone.ts'

export type TokenStop = 'itself' | 'everything' | 'all accounts' | 'some accounts'

/** @param freezes The active stops. */
export function stopOf({ id, accounts }: ApiToken, freezes: readonly Freeze[]): TokenStop | undefined {
  if (freezes.some(({ principal }) => principal === id)) return 'itself'
  if (freezes.some(({ target }) => target === 'everything')) return 'everything'
  const stopped = new Set(freezes.map(({ account_id: account }) => account))
  const count = accounts.filter(account => stopped.has(account)).length
  if (count === 0) return undefined
  return count === accounts.length ? 'all accounts' : 'some accounts'
}

export const stopWords: Readonly<Record<TokenStop, { tone: Tone; text: string; why?: string }>> = {
  itself: { tone: 'bad', text: 'Stopped' },
  everything: { tone: 'bad', text: 'Stopped', why: 'with all programs' },
  'all accounts': { tone: 'bad', text: 'Stopped', why: 'with its accounts' },
  'some accounts': { tone: 'warn', text: 'Partly stopped', why: 'with some of its accounts' },
}
