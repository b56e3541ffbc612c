/** What this process itself uses, and how late its event loop is. */
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

/** The loop is looked at this often: each 20 ms is a wake-up, and a shorter wait would cost more than it tells. */
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

/** What is recorded is the time from one look to the next, so the wait itself is taken off. */
function lagOf(delay: ELDHistogram): number {
  if (delay.count === 0) return 0
  const lagMs = delay.percentile(99) / 1e6 - resolutionMs
  return Math.max(0, Math.round(lagMs * 100) / 100)
}
