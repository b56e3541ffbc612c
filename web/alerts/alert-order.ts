/** Sorts open alerts. */
import type { Alert } from '../../contract/alerts.ts'

const urgency = { critical: 0, warning: 1, info: 2 } as const

/** Compares: firing before pending, then by severity; ties keep the server's order. */
export function byUrgency(one: Pick<Alert, 'state' | 'severity'>, other: Pick<Alert, 'state' | 'severity'>): number {
  const rank = ({ state, severity }: typeof one) => (state === 'firing' ? 0 : 3) + urgency[severity]
  return rank(one) - rank(other)
}
