/** In which order models are asked, whom that leaves out, and what is said when all failed. */
import { Problem } from '../platform/problem.ts'
import type { Standing } from './model-entry.ts'

interface StartOrder {
  queue: Standing[]
  /** So many of them, from the first on, are not resting. */
  healthy: number
  /** Those that are not asked for what is known of them already. */
  leftOut: { standing: Standing; problem: Problem }[]
}

/**
 * Those that fare well in their order; behind them, as a last resort, those that are resting. Who takes no more questions is not asked.
 * @param startWith Is asked first, even when it rests: the caller who chose it may know better.
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

/** When none takes a question, so it is told, and until when; when each was too slow, so is the answer; else they failed. */
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

/** Why one was not asked, while others were. */
export function restingProblem({ model, breaker }: Standing): Problem {
  const seconds = Math.max(1, Math.ceil((breaker.restsUntil - performance.now()) / 1_000))
  const fault = breaker.lastFault
  const words = breaker.state === 'probing' ? 'is being tried by another question' : `is left out for ${seconds} s`
  return new Problem(fault?.code ?? 'provider_failed', `${model.provider} ${words}: ${fault?.message ?? 'it failed.'}`)
}
