/** The most deliveries a second that a server sustains: the rate rises until it falls behind. */
import { median } from '../measure.ts'
import type { Start } from './candidates.ts'
import { faultsOf, interleave, measure, medianRatio, type Run } from './runs.ts'
import type { PartResult, Setting } from './setting.ts'

export interface Saturation extends PartResult {
  deliveries_per_second: Record<string, { median: number; best: number; rounds: number[] }>
  /** Ratio of RustyMail to each peer, medians over the rounds. */
  to: Record<string, number>
}

/** Rates in events a second; closely spaced and starting low, so that no candidate is rated below its capacity. */
const ladder = [2, 3, 5, 7, 10, 15, 20, 30, 40, 50, 75, 100, 125, 150, 200, 250, 300, 400]
const stepSeconds = 2
const maxP99Ms = 1_000
const minDelivered = 0.9

export async function saturation(setting: Setting, starts: Record<string, Start>): Promise<Saturation> {
  const runs = await interleave(setting, 'saturation', Object.keys(starts), name => {
    const steps = ladder.map(rate => `${rate}:${stepSeconds}`).join()
    const options = ['-n', String(setting.streams), '--steps', steps, '--stop-p99', String(maxP99Ms)]
    return measure(setting, starts[name]!, options)
  })
  const others = Object.entries(runs).filter(([name]) => name !== 'rustymail')
  return {
    what: `${setting.streams} streams, steps of ${stepSeconds} s: ${ladder.join()} events/s, ended by p99 > ${maxP99Ms} ms or less than ${minDelivered} delivered; the most of a step that was not; ${setting.rounds} interleaved rounds`,
    deliveries_per_second: Object.fromEntries(Object.entries(runs).map(([name, all]) => [name, summary(all)])),
    to: Object.fromEntries(others.map(([name, theirs]) => [name, medianRatio(runs.rustymail!, theirs, most)])),
    faults: faultsOf(runs.rustymail!),
  }
}

function most({ steps }: Run): number {
  const held = steps.filter(step => step.lat_ms_p99 < maxP99Ms && step.ratio >= minDelivered)
  return Math.max(0, ...held.map(step => step.per_s))
}

function summary(runs: Run[]) {
  const rounds = runs.map(most)
  return { median: median(rounds), best: Math.max(...rounds), rounds }
}
