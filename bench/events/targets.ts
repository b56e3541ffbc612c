/** The targets of the stream, row by row, against what was measured. */
import type { Beside } from './beside.ts'
import type { Cost } from './cost.ts'
import type { Facts } from './facts.ts'
import type { Reconnect } from './reconnect.ts'
import type { Saturation } from './saturation.ts'
import type { Stalled } from './stalled.ts'
import type { Thousand } from './thousand.ts'

/** Results of the parts that ran. */
export interface Results {
  cost?: Cost
  beside?: Beside
  thousand?: Thousand
  saturation?: Saturation
  stalled?: Stalled
  facts?: Facts
  reconnect?: Reconnect
}

export interface Target {
  figure: string
  target: string
  measured: number | 'not measured'
  met: boolean
}

const partCount = 7

export function targets(results: Results, streams: number): Target[] {
  const { cost, beside, thousand, saturation, stalled, facts } = results
  const cpu = cost?.cpu_per_delivery_at_5_to
  const ours = cost?.figures.rustymail
  const at50 = ours?.at_50_a_second
  const loops = [...(cost?.loop_delay ?? []), ...(beside?.loop_delay ?? [])]
  const many = saturation?.to
  const isWhole = Object.keys(results).length === partCount
  return [
    atMost(`CPU per delivery, ${streams} × 5/s, to C`, 1.5, cpu?.c),
    atMost(`CPU per delivery, ${streams} × 5/s, to better-sse`, 0.6, cpu?.better_sse),
    atMost(`CPU per delivery, ${streams} × 5/s, to bare node:http`, 0.8, cpu?.bare),
    atLeast(`most deliveries/s with p99 < 1 s, ${streams}, to better-sse`, 10, many?.better_sse),
    atLeast(`most deliveries/s with p99 < 1 s, ${streams}, to bare node:http`, 4, many?.bare),
    atLeast(`most deliveries/s with p99 < 1 s, ${streams}, to nchan`, 8, many?.nchan),
    atLeast(`${streams} × 50/s, delivered`, 0.99, at50?.delivered),
    atMost(`${streams} × 50/s, p99 in ms`, 500, at50?.p99_ms),
    atMost(`p99 at ${Math.ceil(streams / 10)} × 50/s, to C`, 2, thousand?.p99_to_c),
    atMost('event-loop delay p99 meanwhile, in ms', 20, largest(loops.map(loop => loop.p99_ms))),
    atMost(
      'GET /api/dashboard/stats p99 beside it, in ms',
      50,
      largest(beside?.stats.map(({ p99_ms }) => p99_ms) ?? []),
    ),
    atMost('RSS per stream, in KiB', 20, ours?.rss_kib_per_stream),
    atMost('CPU per connect with authentication, in µs', 250, ours?.cpu_us_per_connect),
    atLeast(`stalled readers that were reset, of ${stalled?.stalled ?? 20}`, stalled?.stalled ?? 20, stalled?.reset),
    atMost('stalled readers: first blocked write to reset, in s', 15, stalled?.blocked_s),
    atMost('stalled readers: RSS each, in MiB', 2, stalled?.rss_mib_per_stalled_reader),
    atMost('stalled readers: p99 of the others, in ms', 50, stalled?.others_p99_ms),
    atLeast('facts appended per second on SQLite', 5_000, facts?.appended_per_second),
    atMost('publish to received at 100/s, p99 in ms', 20, facts?.publish_to_received.p99_ms),
    // Only the sum over all parts proves that there was none.
    atMost('gaps, doubles, order faults over everything', 0, isWhole ? faultsOf(results) : undefined),
  ]
}

export function faultsOf(results: Results): number {
  return Object.values(results).reduce((sum, part) => sum + part.faults, 0)
}

function atMost(figure: string, bound: number, measured: number | undefined): Target {
  return row(figure, `<= ${bound}`, measured, value => value <= bound)
}

function atLeast(figure: string, bound: number, measured: number | undefined): Target {
  return row(figure, `>= ${bound}`, measured, value => value >= bound)
}

function row(figure: string, target: string, measured: number | undefined, isMet: (value: number) => boolean): Target {
  if (measured === undefined || !Number.isFinite(measured))
    return { figure, target, measured: 'not measured', met: false }
  return { figure, target, measured, met: isMet(measured) }
}

function largest(values: number[]): number | undefined {
  return values.length > 0 ? Math.max(...values) : undefined
}
