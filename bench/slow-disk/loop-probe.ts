/**
 * Loaded into a server with `--import`: tells its parent, by IPC, how long the event loop of the main thread stood since it was last asked.
 * `slept_max_ms` is what remains of the longest time between two looks without what the thread used or waited for of the processor:
 * the time that it waited for something else, such as a disk, whatever other work the machine had.
 */
import { readFileSync } from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { isMainThread } from 'node:worker_threads'

const lookEveryMs = 1

if (isMainThread && process.send) watch()

function watch(): void {
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  let sleptMs = 0
  let last = look()
  setInterval(() => {
    const next = look()
    sleptMs = Math.max(sleptMs, next.at - last.at - (next.processorMs - last.processorMs))
    last = next
  }, lookEveryMs).unref()
  process.on('message', () => {
    process.send?.({ max_ms: delay.max / 1e6, p99_ms: delay.percentile(99) / 1e6, slept_max_ms: sleptMs })
    delay.reset()
    sleptMs = 0
  })
}

/** What the scheduler says of this thread: nanoseconds on a processor, and in the queue for one. */
function look(): { at: number; processorMs: number } {
  const [ran = 0, queued = 0] = readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ').map(Number)
  return { at: performance.now(), processorMs: (ran + queued) / 1e6 }
}
