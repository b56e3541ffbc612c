/**
 * A disk whose fsync takes 100 ms, simulated by `strace`, under a server that stores facts and audit entries in SQLite:
 * how long its event loop is blocked, how long /health/live takes, and which thread waited for the disk. Beside it the
 * same server, under `strace` too, on the unmodified disk. Linux only.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as wait } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { api } from '../contract/index.ts'
import { apiKey, median, round, unlimited } from './measure.ts'
import type { LoopFigures } from './slow-disk/loop-probe.ts'
import type { StatsWatch, WatchedAnswer } from './stats-watcher.ts'

const fsyncMs = Number(process.env.RUSTYMAIL_BENCH_FSYNC_MS ?? 100)
const perSecond = 100
const measuredMs = Number(process.env.RUSTYMAIL_BENCH_MS ?? 30_000)
/** Milliseconds after which the garbage collection that follows a start, which is not measured, is over. */
const settledMs = 8_000
const rounds = Number(process.env.RUSTYMAIL_BENCH_ROUNDS ?? 3)
/** Unanswered changes, above which no more are started. */
const maxUnderWay = 200
const liveEveryMs = 10
const headers = { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' }

export async function slowDisk(): Promise<object> {
  const what =
    `${perSecond} changes of an account a second (a fact and an audit entry each) for ${measuredMs} ms, SQLite; ` +
    `medians of ${rounds} rounds, in turns, with fsync as it is and with ${fsyncMs} ms more`
  if (spawnSync('strace', ['--version']).status !== 0) return { what, not_measured: 'strace is not installed' }
  const load_average_before = loadavg().map(load => round(load))
  const rows: Record<'as_it_is' | 'slow', Figures[]> = { as_it_is: [], slow: [] }
  for (let turn = 0; turn < rounds; turn++) {
    rows.as_it_is.push(await measure(0))
    rows.slow.push(await measure(fsyncMs))
  }
  return {
    what,
    target: 'slow: the loop is never held over 20 ms, and the main thread makes no fsync',
    load_average_before,
    fsync_as_it_is: medians(rows.as_it_is),
    fsync_slow: medians(rows.slow),
    rows,
    load_average_behind: loadavg().map(load => round(load)),
  }
}

type Figures = Awaited<ReturnType<typeof measure>>

async function measure(delayMs: number) {
  const dir = mkdtempSync(join(tmpdir(), 'rustymail-bench-'))
  const server = await startTraced(dir, delayMs)
  try {
    const account = await createAccount(server.url)
    await wait(settledMs)
    const live = watchLive(server.url)
    await live.started
    await server.askLoop()
    const from = Date.now()
    const changes = await change(server.url, account)
    const to = Date.now()
    const loop = await server.askLoop()
    const answers = await live.stop()
    const fsyncs = server.fsyncs(from, to)
    return {
      loop_max_ms: round(loop.max_ms),
      loop_p99_ms: round(loop.p99_ms),
      loop_slept_max_ms: round(loop.slept_max_ms),
      live_p50_ms: round(median(answers)),
      live_p99_ms: round(answers.toSorted((a, b) => a - b)[Math.floor(answers.length * 0.99)] ?? 0),
      live_max_ms: round(Math.max(...answers)),
      ...changes,
      fsyncs_of_main_thread: fsyncs.filter(thread => thread === server.pid).length,
      fsyncs_of_others: fsyncs.filter(thread => thread !== server.pid).length,
    }
  } finally {
    await server.stop()
    rmSync(dir, { recursive: true, force: true })
  }
}

function medians(rows: Figures[]): Figures {
  const names = Object.keys(rows[0]!) as (keyof Figures)[]
  return Object.fromEntries(names.map(name => [name, round(median(rows.map(row => row[name])))])) as Figures
}

/** Starts the real server. Only fsync is traced, by a seccomp filter, so that other calls cost nothing. */
async function startTraced(dir: string, delayMs: number) {
  const trace = join(dir, 'strace.txt')
  const inject = delayMs === 0 ? [] : ['-e', `inject=fsync,fdatasync:delay_exit=${delayMs * 1_000}`]
  const probe = join(import.meta.dirname, 'slow-disk', 'loop-probe.ts')
  const strace = ['-f', '--seccomp-bpf', '-ttt', '-e', 'trace=fsync,fdatasync', ...inject, '-o', trace]
  const node = [process.execPath, '--max-semi-space-size=16', '--import', probe, 'bin/rustymail.js', 'serve']
  const data = join(dir, 'data')
  const child = spawn('strace', [...strace, ...node], {
    cwd: join(import.meta.dirname, '..'),
    env: {
      ...process.env,
      ...unlimited,
      RUSTYMAIL_PORT: '0',
      RUSTYMAIL_DATA_DIR: data,
      RUSTYMAIL_API_KEY: apiKey,
      RUSTYMAIL_LOG_LEVEL: 'warn',
    },
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  })
  const ended = once(child, 'exit')
  const lines = createInterface({ input: child.stdout! })
  const ready = await Promise.race([once(lines, 'line'), ended.then(() => undefined)])
  if (!ready) throw new Error('the server did not start under strace')
  const pid = Number(readFileSync(join(data, 'rustymail.pid'), 'utf8'))
  return {
    url: String(ready[0]).replace(/^.*(?=http:)/, ''),
    pid,
    askLoop: () => askLoop(child),
    /** Returns the threads that called fsync between two times. */
    fsyncs: (from: number, to: number) => threadsOf(readFileSync(trace, 'utf8'), from, to),
    stop: async () => {
      if (child.connected) child.disconnect()
      // strace ends with what it traces, and ignores signals.
      process.kill(pid, 'SIGTERM')
      await ended
    },
  }
}

/** Asks a process with `loop-probe.ts` for its figures. */
export async function askLoop(child: ChildProcess): Promise<LoopFigures> {
  const answered = once(child, 'message')
  child.send('loop')
  return (await answered)[0]
}

/** Parses `1234  1795882948.153897 fsync(21) = 0 (DELAYED)`; a call interleaved with others is split into two lines. */
function threadsOf(trace: string, from: number, to: number): number[] {
  return [...trace.matchAll(/^(\d+)\s+(\d+\.\d+) (?:fsync|fdatasync)\(/gm)]
    .filter(([, , at]) => Number(at) * 1_000 >= from && Number(at) * 1_000 <= to)
    .map(([, thread]) => Number(thread))
}

/** Creates a disabled account, so that nothing connects to its server. */
async function createAccount(url: string): Promise<string> {
  const imap = { host: '127.0.0.1', port: 1, tls: 'none', user: 'alice', password: 'pw' }
  const body = JSON.stringify({ email: 'alice@example.com', imap, enabled: false })
  const { method, path } = api.accounts.createAccount
  const created = await fetch(`${url}${path}?verify=false`, { method, headers, body })
  if (created.status !== 201) throw new Error(`creating an account answered ${created.status}`)
  return ((await created.json()) as { id: string }).id
}

/** Sends changes on a fixed schedule, whether or not earlier ones are answered. */
async function change(url: string, account: string) {
  const { method, path } = api.accounts.updateAccount
  const times: number[] = []
  const underWay = new Set<Promise<void>>()
  const one = async (number: number) => {
    const began = performance.now()
    const body = JSON.stringify({ name: `Alice ${number}` })
    const answer = await fetch(url + path.replace('{account_id}', account), { method, headers, body })
    await answer.arrayBuffer()
    if (answer.status !== 200) throw new Error(`a change answered ${answer.status}`)
    times.push(performance.now() - began)
  }
  const began = performance.now()
  for (let number = 0; performance.now() - began < measuredMs; number++) {
    await wait(Math.max(0, began + (number * 1_000) / perSecond - performance.now()))
    if (underWay.size >= maxUnderWay) await Promise.race(underWay)
    const changed = one(number).finally(() => underWay.delete(changed))
    underWay.add(changed)
  }
  await Promise.all(underWay)
  const seconds = (performance.now() - began) / 1_000
  return {
    changes_per_s: round(times.length / seconds),
    change_p50_ms: round(median(times)),
    change_max_ms: round(Math.max(...times)),
  }
}

/** Measures on a fixed schedule from a separate thread; returns the milliseconds of each answer. */
function watchLive(url: string) {
  const workerData: StatsWatch = {
    url: `${url}/health/live`,
    authorization: `Bearer ${apiKey}`,
    everyMs: liveEveryMs,
  }
  const worker = new Worker(new URL('./stats-watcher.ts', import.meta.url), { workerData })
  return {
    started: once(worker, 'message'),
    stop: async (): Promise<number[]> => {
      worker.postMessage('stop')
      const [answers]: [WatchedAnswer[]] = (await once(worker, 'message')) as [WatchedAnswer[]]
      if (answers.some(({ status }) => status !== 200)) throw new Error('/health/live did not answer 200')
      return answers.map(({ ms }) => ms)
    },
  }
}
