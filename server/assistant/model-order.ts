/** The order in which models are asked, which of them are skipped, and the error if all failed. */
import { Problem } from '../platform/problem.ts'
import type { Standing } from './model-entry.ts'

interface StartOrder {
  queue: Standing[]
  /** How many entries at the head of the queue are not resting. */
  healthy: number
  /** Models that are not asked because of a known state. */
  leftOut: { standing: Standing; problem: Problem }[]
}

/**
 * Puts healthy models first, in their order, then resting ones as a last resort. Models that accept no more questions
 * are skipped.
 * @param startWith Asked first, even if it rests: the caller who chose it may know better.
 */
export function startOrder(standings: readonly Standing[], startWith: string | undefined): StartOrder {
  const queue: Standing[] = []
  const resting: Standing[] = []
  const leftOut: StartOrder['leftOut'] = []
  const first = standings.find(({ model }) => model.id === startWith)
  for (const standing of first ? [first, ...standings.filter(each => each !== first)] : standings) {
    const { state, lastFault } = standing.breaker
    if (state === 'limited' && lastFault) leftOut.push({ standing, problem: lastFault })
    else if (state === 'ready' || standing === first) queue.push(standing)
    else resting.push(standing)
  }
  resting.sort((one, other) => one.breaker.restsUntil - other.breaker.restsUntil)
  return { queue: [...queue, ...resting], healthy: queue.length, leftOut }
}

/** Combines failures: all limited, with the time of the first that accepts questions again; all too slow; or failed. */
export function summaryOf(failures: readonly Problem[], standings: readonly Standing[]): Problem {
  const detail = [...new Set(failures.map(({ message }) => message))].join(' ')
  const limited = standings.filter(({ breaker }) => breaker.state === 'limited')
  if (limited.length === standings.length) {
    const soonest = Math.min(...limited.map(({ breaker }) => breaker.restsUntil))
    const retryAfterSeconds = Math.max(1, Math.ceil(Math.round(soonest - performance.now()) / 1_000))
    return new Problem('provider_limited', detail, { retryAfterSeconds })
  }
  const isTimeout = failures.length > 0 && failures.every(({ code }) => code === 'provider_timeout')
  return new Problem(isTimeout ? 'provider_timeout' : 'provider_failed', detail)
}

/** Returns why a resting model was not asked. */
export function restingProblem({ model, breaker }: Standing): Problem {
  const seconds = Math.max(1, Math.ceil((breaker.restsUntil - performance.now()) / 1_000))
  const fault = breaker.lastFault
  const words = breaker.state === 'probing' ? 'is being probed by another question' : `is left out for ${seconds} s`
  return new Problem(fault?.code ?? 'provider_failed', `${model.provider} ${words}: ${fault?.message ?? 'it failed.'}`)
}
