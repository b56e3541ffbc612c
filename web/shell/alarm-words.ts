/** The mark before the title, and which icon the window has. */

import { waitingMark } from '../approvals/approval-words.ts'
import type { Verdict } from '../overview/verdict.ts'

export const icons = { well: '/favicon.svg', bad: '/favicon-bad.svg', lost: '/favicon-lost.svg' } as const

export interface Alarm {
  mark: string
  icon: keyof typeof icons
  /** On the icon: how many proposals and messages wait for approval. */
  waiting: number
}

/**
 * Only what is bad: a warning waits until one looks.
 * @param verdict Undefined for callers who may not look at the dashboard.
 * @param waiting Proposals and messages that wait for approval.
 * @param firing Alerts; what is bad now is among them when it lasts.
 */
export function alarmOf(
  verdict: Pick<Verdict, 'tone' | 'details'> | undefined,
  isCutOff: boolean,
  waiting: number,
  firing = 0,
): Alarm {
  if (isCutOff) return { mark: '⚠ Not live · ', icon: 'lost', waiting: 0 }
  const mark = waitingMark(waiting)
  const problems = Math.max(firing, verdict?.tone === 'bad' ? verdict.details.length : 0)
  if (problems === 0) return { mark, icon: 'well', waiting }
  return { mark: `⚠ ${problems} · ${mark}`, icon: 'bad', waiting }
}
