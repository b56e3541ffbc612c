/**
 * The delay of an event with a tenth of the streams, where the walk over them is short, beside the broadcaster in C.
 */
import type { Start } from './candidates.ts'
import { faultsOf, interleave, measure, medianOf, medianRatio, stepAt } from './runs.ts'
import type { PartResult, Setting } from './setting.ts'

export interface Thousand extends PartResult {
  p99_ms: { rustymail: number; c: number }
  p99_to_c: number
}

const rate = 50

export async function thousand(setting: Setting, starts: Record<string, Start>): Promise<Thousand> {
  const streams = Math.ceil(setting.streams / 10)
  const options = ['-n', String(streams), '--steps', `${rate}:${setting.seconds * 2}`]
  const names = ['rustymail', 'c'] as const
  const runs = await interleave(setting, 'thousand', names, name => measure(setting, starts[name]!, options))
  const p99 = (name: 'rustymail' | 'c') => medianOf(runs[name], rate, step => step.lat_ms_p99)
  return {
    what: `${streams} streams, ${rate} events/s, ${setting.rounds} interleaved rounds, medians; ratio within a round`,
    p99_ms: { rustymail: p99('rustymail'), c: p99('c') },
    p99_to_c: medianRatio(runs.rustymail, runs.c, run => stepAt(run, rate).lat_ms_p99),
    faults: faultsOf(runs.rustymail),
  }
}
