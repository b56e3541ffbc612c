/** How long a request for the stats waits during a broadcast; apart from `cost`, whose figures it would raise. */
import { Agent } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import { get } from '../measure.ts'
import { type RustyMail, startRustyMail } from './candidates.ts'
import { type LoopDelay, loopDelays, rates } from './cost.ts'
import { faultsOf, load, type Run } from './runs.ts'
import { type PartResult, type Setting, say } from './setting.ts'

export interface Beside extends PartResult {
  stats: { rate: number; requests: number; p50_ms: number; p99_ms: number; max_ms: number }[]
  loop_delay: LoopDelay[]
}

interface Answer {
  /** When the request was due, epoch ms. */
  due: number
  ms: number
}

const everyMs = 20
/** Requests in flight; more wait for a socket, and their waiting counts. */
const maxSockets = 16

export async function beside(setting: Setting): Promise<Beside> {
  const runs: Run[] = []
  const answers: (Answer & { rate: number })[] = []
  const steps = rates.map(rate => `${rate}:${setting.seconds * 2}`).join()
  for (let turn = 0; turn < setting.rounds; turn++) {
    const server = await startRustyMail()
    try {
      const probe = keepAsking(server)
      const run = await load(setting, server, ['-n', String(setting.streams), '--steps', steps]).finally(probe.stop)
      const phases = run.server?.phases ?? []
      for (const answer of await probe.answers) {
        const phase = phases.find(({ from, to }) => answer.due >= from && answer.due < to)
        if (phase) answers.push({ ...answer, rate: phase.rate })
      }
      runs.push(run)
    } finally {
      await server.stop()
    }
    say(`beside, round ${turn + 1} of ${setting.rounds}: ${answers.length} answers`)
  }
  return {
    what: `GET /api/dashboard/stats every ${everyMs} ms beside ${setting.streams} streams, steps ${steps}, ms from due time to answer, all ${setting.rounds} rounds together`,
    stats: rates.map(rate => ({ rate, ...summary(answers.filter(answer => answer.rate === rate)) })),
    loop_delay: loopDelays(runs),
    faults: faultsOf(runs),
  }
}

/** Sends on a fixed schedule, whether or not the answer before has come, so that waiting is not hidden. */
function keepAsking({ url }: RustyMail) {
  const stopped = new AbortController()
  const agent = new Agent({ keepAlive: true, maxSockets })
  const answers: Promise<Answer>[] = []
  const ask = async () => {
    for (let due = performance.now(); !stopped.signal.aborted; due += everyMs) {
      await wait(Math.max(0, due - performance.now()))
      const answered = () => ({ due: performance.timeOrigin + due, ms: performance.now() - due })
      const answer = get(`${url}/api/dashboard/stats`, agent).then(answered)
      // A rejection is handled when all are awaited.
      answer.catch(() => undefined)
      answers.push(answer)
    }
    return Promise.all(answers).finally(() => agent.destroy())
  }
  const all = ask()
  all.catch(() => undefined)
  return { answers: all, stop: () => stopped.abort() }
}

function summary(answers: Answer[]) {
  const sorted = answers.map(({ ms }) => ms).sort((a, b) => a - b)
  const percentile = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]
  return {
    requests: sorted.length,
    p50_ms: percentile(0.5) ?? Number.NaN,
    p99_ms: percentile(0.99) ?? Number.NaN,
    max_ms: sorted.at(-1) ?? Number.NaN,
  }
}
