/** The prefix of the window title, and the choice of the favicon. */

import { waitingMark } from '../approvals/approval-words.ts'
import { alertsHref, type Verdict } from '../overview/verdict.ts'

export const icons = { well: '/favicon.svg', bad: '/favicon-bad.svg', lost: '/favicon-lost.svg' } as const

export interface Alarm {
  mark: string
  icon: keyof typeof icons
  /** Number on the icon: proposals and messages that wait for approval. */
  waiting: number
}

/**
 * Chooses the alarm; only problems and alerts count, since a warning can wait until the page is seen.
 * @param verdict Undefined for callers who may not see the dashboard.
 * @param waiting Proposals and messages that wait for approval.
 */
export function alarmOf(
  verdict: Pick<Verdict, 'tone' | 'details'> | undefined,
  isCutOff: boolean,
  waiting: number,
): Alarm {
  if (isCutOff) return { mark: '⚠ Not live · ', icon: 'lost', waiting: 0 }
  const mark = waitingMark(waiting)
  const counted = verdict?.details.filter(({ href }) => verdict.tone === 'bad' || href === alertsHref)
  const problems = counted?.length ?? 0
  if (problems === 0) return { mark, icon: 'well', waiting }
  return { mark: `⚠ ${problems} · ${mark}`, icon: 'bad', waiting }
}
