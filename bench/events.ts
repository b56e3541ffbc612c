/**
 * The event stream under load, beside a broadcaster in C, bare node:http, better-sse and nchan. Needs cc and Linux.
 * `npm run bench -- events`; BENCH_PARTS names the parts (all), BENCH_STREAMS, BENCH_ROUNDS and BENCH_SECONDS make it
 * smaller.
 */
import { beside } from './events/beside.ts'
import { candidates } from './events/candidates.ts'
import { cost } from './events/cost.ts'
import { facts } from './events/facts.ts'
import { reconnect } from './events/reconnect.ts'
import { saturation } from './events/saturation.ts'
import { prepare, say } from './events/setting.ts'
import { stalled } from './events/stalled.ts'
import { faultsOf, type Results, targets } from './events/targets.ts'
import { thousand } from './events/thousand.ts'
import { round } from './measure.ts'

const parts = { cost, beside, thousand, saturation, stalled, facts, reconnect }

export async function events(): Promise<object> {
  const wanted = process.env.BENCH_PARTS?.split(',') ?? Object.keys(parts)
  const unknown = wanted.filter(name => !(name in parts))
  if (unknown.length > 0) throw new Error(`there is no part ${unknown}; there are ${Object.keys(parts)}`)
  const setting = prepare()
  const starts = candidates(setting)
  const results: Results = {}
  const failed: Record<string, string> = {}
  try {
    for (const [name, part] of Object.entries(parts).filter(([name]) => wanted.includes(name))) {
      say(`${name} begins`)
      // A failing part does not discard the results of the others, which took a quarter of an hour.
      try {
        Object.assign(results, { [name]: await part(setting, starts) })
      } catch (error) {
        say(`${name} failed: ${error instanceof Error ? error.stack : error}`)
        failed[name] = String(error)
        process.exitCode = 1
      }
    }
  } finally {
    setting.remove()
  }
  const { streams } = setting
  return rounded({
    targets: targets(results, streams),
    ...results,
    ...(Object.keys(failed).length > 0 && { failed }),
    ...(!('nchan' in starts) && { nchan: 'not installed' }),
    faults: faultsOf(results),
  }) as object
}

/** Rounds all fractions in a value to four digits. */
function rounded(value: unknown): unknown {
  if (typeof value === 'number') return Number.isInteger(value) ? value : round(value, 4)
  if (Array.isArray(value)) return value.map(rounded)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, rounded(one)]))
}
