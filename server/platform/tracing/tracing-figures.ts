/** What became of spans, and of exports of metrics: counted, so that a collector that takes nothing is seen. */

/** `queue_full`: more than it could be told of; `failed`: it was away, too slow or busy; `refused`: it takes none of them. */
export const lossReasons = ['queue_full', 'failed', 'refused'] as const
export type LossReason = (typeof lossReasons)[number]

export interface TracingFigures {
  exported: number
  waiting: number
  lost: Record<LossReason, number>
  metricExports: Record<'sent' | 'failed', number>
}

export function tracingFigures(): TracingFigures {
  return {
    exported: 0,
    waiting: 0,
    lost: { queue_full: 0, failed: 0, refused: 0 },
    metricExports: { sent: 0, failed: 0 },
  }
}
