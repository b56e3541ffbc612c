/** In which order open alerts are listed. */
import type { Alert } from '../../contract/alerts.ts'

const urgency = { critical: 0, warning: 1, info: 2 } as const

/** What fires is above what only may, and the worst of each comes first; the rest stays in the order of the server. */
export function byUrgency(one: Pick<Alert, 'state' | 'severity'>, other: Pick<Alert, 'state' | 'severity'>): number {
  const rank = ({ state, severity }: typeof one) => (state === 'firing' ? 0 : 3) + urgency[severity]
  return rank(one) - rank(other)
}
