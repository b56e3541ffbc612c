/** The cost of a delivery, a connect and an open stream, beside four peers, at two rates that a dashboard may see. */
import { median } from '../measure.ts'
import type { Start } from './candidates.ts'
import { faultsOf, interleave, measure, medianOf, medianRatio, type Run, stepAt } from './runs.ts'
import type { PartResult, Setting } from './setting.ts'

/** Events a second to every stream. */
export const rates = [5, 50] as const

export interface Cost extends PartResult {
  figures: Record<string, Figures>
  /** Ratio of RustyMail to each peer, medians over the rounds. */
  cpu_per_delivery_at_5_to: Record<string, number>
  loop_delay: LoopDelay[]
}

interface Figures {
  cpu_us_per_connect: number
  rss_kib_per_stream: number
  /** Streams not opened, or closed early, over all rounds. */
  streams_lost: number
  at_5_a_second: StepFigures
  at_50_a_second: StepFigures
}

interface StepFigures {
  cpu_us_per_delivery: number
  p50_ms: number
  p99_ms: number
  delivered: number
  /** Cores that other processes kept busy meanwhile: noise. */
  foreign_cores: number
}

export interface LoopDelay {
  rate: number
  p50_ms: number
  p99_ms: number
  max_ms: number
}

export async function cost(setting: Setting, starts: Record<string, Start>): Promise<Cost> {
  const steps = rates.map(rate => `${rate}:${setting.seconds}`).join()
  const options = ['-n', String(setting.streams), '--steps', steps]
  const runs = await interleave(setting, 'cost', Object.keys(starts), name => measure(setting, starts[name]!, options))
  const ours = runs.rustymail!
  const others = Object.entries(runs).filter(([name]) => name !== 'rustymail')
  const delivery = (run: Run) => stepAt(run, 5).cpu_s_per_M
  return {
    what: `${setting.streams} streams, steps ${steps} (events/s : seconds), ${setting.rounds} interleaved rounds, medians; ratios within a round`,
    figures: Object.fromEntries(Object.entries(runs).map(([name, all]) => [name, figures(all)])),
    cpu_per_delivery_at_5_to: Object.fromEntries(
      others.map(([name, theirs]) => [name, medianRatio(ours, theirs, delivery)]),
    ),
    loop_delay: loopDelays(ours),
    faults: faultsOf(ours),
  }
}

/**
 * Returns event loop delays during the broadcast, without the burst of connects; they include the timer's own
 * millisecond.
 */
export function loopDelays(runs: Run[]): LoopDelay[] {
  return rates.map(rate => {
    const phases = runs.flatMap(({ server }) => server?.phases.filter(phase => phase.rate === rate) ?? [])
    const of = (value: (phase: (typeof phases)[number]) => number) => median(phases.map(value))
    return { rate, p50_ms: of(one => one.p50_ms), p99_ms: of(one => one.p99_ms), max_ms: of(one => one.max_ms) }
  })
}

function figures(runs: Run[]): Figures {
  const step = (rate: number) => ({
    cpu_us_per_delivery: medianOf(runs, rate, one => one.cpu_s_per_M),
    p50_ms: medianOf(runs, rate, one => one.lat_ms_p50),
    p99_ms: medianOf(runs, rate, one => one.lat_ms_p99),
    delivered: medianOf(runs, rate, one => one.ratio),
    foreign_cores: medianOf(runs, rate, one => Math.max(0, one.machine.other_busy / one.seconds)),
  })
  const lost = ({ connect, steps }: Run) =>
    steps.reduce((sum, { closed }) => sum + closed, connect.n - connect.connected)
  return {
    cpu_us_per_connect: median(runs.map(run => run.connect.server_cpu_us_per_conn)),
    rss_kib_per_stream: medianOf(runs, 50, one => one.rss_per_conn_kib),
    streams_lost: runs.reduce((sum, run) => sum + lost(run), 0),
    at_5_a_second: step(5),
    at_50_a_second: step(50),
  }
}
