/** How many facts a second the log commits to its SQLite file, and how soon after a publish one reader has it. */
import { median } from '../measure.ts'
import { startRustyMail } from './candidates.ts'
import { faultsOf, load, medianOf, type Run } from './runs.ts'
import { type PartResult, type Setting, say } from './setting.ts'

export interface Facts extends PartResult {
  appended_per_second: number
  appended_per_second_rounds: number[]
  publish_to_received: { p50_ms: number; p99_ms: number }
}

const appendSeconds = 5
const rate = 100
const listenSeconds = 10

export async function facts(setting: Setting): Promise<Facts> {
  const runs: Run[] = []
  const appended: number[] = []
  for (let turn = 0; turn < setting.rounds; turn++) {
    const server = await startRustyMail()
    try {
      runs.push(await load(setting, server, ['-n', '1', '--steps', `${rate}:${listenSeconds}`]))
      const { committed, seconds } = await server.append(appendSeconds)
      appended.push(committed / seconds)
    } finally {
      await server.stop()
    }
    say(`facts, round ${turn + 1} of ${setting.rounds}: ${Math.round(appended.at(-1)!)} a second`)
  }
  return {
    what: `facts committed in ${appendSeconds} s, published as fast as the log takes them; ms from due time to one reader in another process at ${rate}/s for ${listenSeconds} s; ${setting.rounds} rounds, medians`,
    appended_per_second: median(appended),
    appended_per_second_rounds: appended,
    publish_to_received: {
      p50_ms: medianOf(runs, rate, step => step.lat_ms_p50),
      p99_ms: medianOf(runs, rate, step => step.lat_ms_p99),
    },
    faults: faultsOf(runs),
  }
}
