/** Puts load on the candidates one by one, in another order each round, and reads the load generator's output. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { median } from '../measure.ts'
import type { Candidate, ServerState, Start } from './candidates.ts'
import { type Setting, say } from './setting.ts'

export interface ConnectLine {
  phase: 'connect'
  n: number
  connected: number
  server_cpu_us_per_conn: number
  rss1_kib: number
}

export interface StepLine {
  phase: 'step'
  k: number
  seconds: number
  per_s: number
  /** Share of the due events that were delivered. */
  ratio: number
  /** Microseconds of CPU time per delivery, which is seconds per million. */
  cpu_s_per_M: number
  lat_ms_p50: number
  lat_ms_p99: number
  gaps: number
  dups: number
  closed: number
  rss_max_kib: number
  rss_per_conn_kib: number
  /** CPU seconds that neither the server nor the load generator used. */
  machine: { other_busy: number }
}

export interface StallLine {
  phase: 'stall'
  stalled: number
  closed_while_stalled: number
}

export interface Run {
  connect: ConnectLine
  steps: StepLine[]
  stall: StallLine | undefined
  server: ServerState | undefined
}

/** Milliseconds after which a run is ended in any case. */
const runBoundMs = 240_000
const fixed = ['--warm', '0.4', '--drain', '8', '--connect-timeout', '30']

/** Runs each candidate once a round. The order rotates, so that none always comes first. */
export async function interleave<Name extends string>(
  { rounds }: Setting,
  part: string,
  names: readonly Name[],
  run: (name: Name) => Promise<Run>,
): Promise<Record<Name, Run[]>> {
  const runs = Object.fromEntries(names.map(name => [name, []])) as unknown as Record<Name, Run[]>
  for (let turn = 0; turn < rounds; turn++) {
    for (let index = 0; index < names.length; index++) {
      const name = names[(index + turn) % names.length]!
      const done = await run(name)
      runs[name].push(done)
      say(`${part}, round ${turn + 1} of ${rounds}, ${name}: ${done.steps.map(describe).join('; ')}`)
    }
  }
  return runs
}

/** Restarts the candidate, loads it, and stops it. */
export async function measure(setting: Setting, start: Start, options: string[]): Promise<Run> {
  const candidate = await start()
  try {
    return await load(setting, candidate, options)
  } finally {
    await candidate.stop()
  }
}

export async function load(setting: Setting, candidate: Candidate, options: string[]): Promise<Run> {
  const child = spawn(setting.load, [...candidate.arguments, ...fixed, ...options], {
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: runBoundMs,
  })
  const lines: (ConnectLine | StepLine | StallLine)[] = []
  createInterface({ input: child.stdout }).on('line', line => lines.push(JSON.parse(line)))
  const [code] = await once(child, 'close')
  const connect = lines.find(line => line.phase === 'connect')
  const steps = lines.filter(line => line.phase === 'step')
  if (code !== 0 || !connect || steps.length === 0) throw new Error(`the load generator ended with ${code}`)
  if (connect.connected < connect.n) say(`only ${connect.connected} of ${connect.n} streams were opened`)
  return { connect, steps, stall: lines.find(line => line.phase === 'stall'), server: await candidate.state() }
}

/** sse-load counts an out-of-order event as a duplicate. */
export function faultsOf(runs: Run[]): number {
  return runs.flatMap(run => run.steps).reduce((sum, step) => sum + step.gaps + step.dups, 0)
}

/** Returns NaN, which becomes null in the result, if no run has such a step. */
export function medianOf(runs: Run[], rate: number, value: (step: StepLine) => number): number {
  const values = runs.flatMap(run => run.steps.filter(step => step.k === rate)).map(value)
  return values.length > 0 ? median(values) : Number.NaN
}

/** Returns the median of each round's ratio: only adjacent measurements are compared. */
export function medianRatio(ours: Run[], theirs: Run[], value: (run: Run) => number): number {
  return median(ours.map((run, turn) => value(run) / value(theirs[turn]!)))
}

/** Returns the first step of a rate. */
export function stepAt(run: Run, rate: number): StepLine {
  const step = run.steps.find(({ k }) => k === rate)
  if (!step) throw new Error(`the step of ${rate} events a second was not reached`)
  return step
}

function describe({ k, ratio, lat_ms_p99, cpu_s_per_M }: StepLine): string {
  return `${k}/s ${Math.round(ratio * 100)} % p99 ${Math.round(lat_ms_p99)} ms ${cpu_s_per_M.toFixed(1)} µs`
}
