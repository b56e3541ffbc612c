/**
 * Preloaded into a server with `--import`: reports over IPC how long the main thread's event loop was blocked since the
 * last report. `used_max_ms` is the CPU time of its longest turn. `slept_max_ms` is the longest time between two checks
 * without the CPU time that the thread used or queued for: the time that it waited for something else, such as a disk,
 * whatever other load the machine had.
 */
import { readFileSync } from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { isMainThread } from 'node:worker_threads'

export interface LoopFigures {
  max_ms: number
  p99_ms: number
  slept_max_ms: number
  used_max_ms: number
}

const lookEveryMs = 1

if (isMainThread && process.send) watch()

function watch(): void {
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  let [sleptMs, usedMs] = [0, 0]
  let last = look()
  setInterval(() => {
    const next = look()
    sleptMs = Math.max(sleptMs, next.at - last.at - (next.processorMs - last.processorMs))
    usedMs = Math.max(usedMs, next.usedMs - last.usedMs)
    last = next
  }, lookEveryMs).unref()
  process.on('message', () => {
    const [max, p99] = [delay.max, delay.percentile(99)].map(ns => ns / 1e6)
    const figures: LoopFigures = { max_ms: max!, p99_ms: p99!, slept_max_ms: sleptMs, used_max_ms: usedMs }
    process.send?.(figures)
    delay.reset()
    sleptMs = usedMs = 0
  })
}

/** Reads the scheduler's figures for this thread: nanoseconds on a CPU, and queued for one. */
function look(): { at: number; processorMs: number; usedMs: number } {
  const [ran = 0, queued = 0] = readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ').map(Number)
  const { user, system } = process.threadCpuUsage()
  return { at: performance.now(), processorMs: (ran + queued) / 1e6, usedMs: (user + system) / 1e3 }
}
