/** Counters of exported and lost spans, and of metric exports, which reveal a failing collector. */

/** `queue_full`: the queue overflowed; `failed`: the collector was unreachable or slow; `refused`: it rejected them. */
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
