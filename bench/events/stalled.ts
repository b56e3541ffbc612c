/** Half of the readers stop reading during 1 MB a second: they are reset soon, cost little, and delay no one else. */
import { setTimeout as wait } from 'node:timers/promises'
import { median } from '../measure.ts'
import { startRustyMail } from './candidates.ts'
import { faultsOf, load, medianOf, type Run } from './runs.ts'
import { type PartResult, type Setting, say } from './setting.ts'

export interface Stalled extends PartResult {
  stalled: number
  /** The lowest number of resets of all rounds. */
  reset: number
  /** The longest of all rounds, from the first blocked write of a stream to its reset. */
  blocked_s: number
  /** The longest of all rounds, from the start of publishing to the last reset. */
  since_publishing_s: number
  rss_mib_per_stalled_reader: number
  others_p99_ms: number
  others_delivered: number
  slow_consumers: number[]
  dropped: number[]
}

const readers = 40
const stalledReaders = 20
/** Events a second of some 300 bytes each: 1 MB a second to every reader. */
const rate = 3_300
const seconds = 15
const warmSeconds = 5

export async function stalled(setting: Setting): Promise<Stalled> {
  const runs: Run[] = []
  for (let turn = 0; turn < setting.rounds; turn++) {
    runs.push(await stall(setting))
    say(`stalled, round ${turn + 1} of ${setting.rounds}: ${runs.at(-1)!.server?.resets.length} reset`)
  }
  const servers = runs.map(run => run.server!)
  const resets = servers.flatMap(server => server.resets)
  const grown = ({ connect, steps }: Run) => (steps[0]!.rss_max_kib - connect.rss1_kib) / 1024 / stalledReaders
  return {
    what: `${stalledReaders} of ${readers} readers stop reading at ${rate} events/s for ${seconds} s, ${setting.rounds} rounds. The server says when a stream has a write that waits (looked at every 20 ms) and when it is reset; since_publishing is the bound from outside. RSS: the most while stalled less that before, after ${warmSeconds} s of publishing to nobody`,
    stalled: stalledReaders,
    reset: Math.min(...runs.map(run => Math.min(run.stall?.closed_while_stalled ?? 0, run.server!.slow_consumers))),
    blocked_s: Math.max(...resets.map(reset => reset.blocked_ms)) / 1000,
    since_publishing_s: Math.max(...resets.map(reset => reset.since_publishing_ms)) / 1000,
    rss_mib_per_stalled_reader: median(runs.map(grown)),
    others_p99_ms: medianOf(runs, rate, step => step.lat_ms_p99),
    others_delivered: medianOf(runs, rate, step => step.ratio),
    slow_consumers: servers.map(server => server.slow_consumers),
    dropped: servers.map(server => server.dropped),
    faults: faultsOf(runs),
  }
}

/** Runs after a warm-up, so that neither compiling nor the in-memory log counts as the cost of a stalled reader. */
async function stall(setting: Setting): Promise<Run> {
  const server = await startRustyMail({ watchBlocked: true })
  try {
    await server.publish(rate)
    await wait(warmSeconds * 1000)
    await server.publish(0)
    const options = ['-n', String(readers), '--stall', String(stalledReaders), '--steps', `${rate}:${seconds}`]
    return await load(setting, server, options)
  } finally {
    await server.stop()
  }
}
