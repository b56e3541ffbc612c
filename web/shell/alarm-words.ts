/** The mark before the title, and which icon the window has. */
import type { Verdict } from '../overview/verdict.ts'

export const icons = { well: '/favicon.svg', bad: '/favicon-bad.svg', lost: '/favicon-lost.svg' } as const

export interface Alarm {
  mark: string
  icon: keyof typeof icons
}

/**
 * Only what is bad: a warning waits until one looks.
 * @param verdict Undefined for callers who may not look at the dashboard.
 */
export function alarmOf(verdict: Pick<Verdict, 'tone' | 'details'> | undefined, isCutOff: boolean): Alarm {
  if (isCutOff) return { mark: '⚠ Not live · ', icon: 'lost' }
  if (verdict?.tone !== 'bad') return { mark: '', icon: 'well' }
  return { mark: `⚠ ${verdict.details.length} · `, icon: 'bad' }
}
