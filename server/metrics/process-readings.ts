/** The resource usage of this process, and the delay of its event loop. */
import { type ELDHistogram, monitorEventLoopDelay } from 'node:perf_hooks'

export interface ProcessReading {
  rssBytes: number
  /** Percent of one processor since the last reading; the first time since the process began. */
  cpuPercent: number
  /** Mean number of processors in use since the process began. */
  lifetimeProcessors: number
  /** 99th percentile since the last reading; 0 while nothing was measured. */
  eventLoopLagMs: number
}

/** Resolution in ms: each interval is a wake-up, and shorter ones would cost more than they reveal. */
const resolutionMs = 20

export class ProcessReadings {
  readonly #delay: ELDHistogram = monitorEventLoopDelay({ resolution: resolutionMs })
  #usedUs = 0
  #atMs = 0

  start(): void {
    this.#delay.enable()
  }

  stop(): void {
    this.#delay.disable()
  }

  read(): ProcessReading {
    const { user, system } = process.cpuUsage()
    const usedUs = user + system
    const atMs = process.uptime() * 1000
    const passedUs = Math.max(1, atMs - this.#atMs) * 1000
    const cpuPercent = (Math.max(0, usedUs - this.#usedUs) / passedUs) * 100
    this.#usedUs = usedUs
    this.#atMs = atMs
    const eventLoopLagMs = lagOf(this.#delay)
    this.#delay.reset()
    return {
      rssBytes: process.memoryUsage.rss(),
      cpuPercent: Math.round(cpuPercent * 10) / 10,
      lifetimeProcessors: usedUs / 1000 / Math.max(1, atMs),
      eventLoopLagMs,
    }
  }
}

/** Returns the delay: the recorded time includes the interval itself, which is subtracted. */
function lagOf(delay: ELDHistogram): number {
  if (delay.count === 0) return 0
  const lagMs = delay.percentile(99) / 1e6 - resolutionMs
  return Math.max(0, Math.round(lagMs * 100) / 100)
}
