/**
 * Metrics of this process. prom-client's default metrics are not used: they wake the loop 100 times a second for a
 * second measure of its delay and add an observer of garbage collection, and neither can be stopped.
 */
import { readdirSync } from 'node:fs'
import { Counter, Gauge, type Registry } from 'prom-client'
import type { SystemReadings } from './system-readings.ts'

export function addProcessMetrics(registry: Registry, readings: SystemReadings): void {
  const registers = [registry]
  new Counter({
    name: 'rustymail_process_cpu_seconds_total',
    help: 'Processor time used',
    labelNames: ['mode'],
    registers,
    collect() {
      const { user, system } = process.cpuUsage()
      this.reset()
      this.inc({ mode: 'user' }, user / 1e6)
      this.inc({ mode: 'system' }, system / 1e6)
    },
  })
  new Gauge({
    name: 'rustymail_process_memory_bytes',
    help: 'Memory in use: resident, and the JavaScript heap within it',
    labelNames: ['kind'],
    registers,
    collect() {
      const { rss, heapUsed, heapTotal, external } = process.memoryUsage()
      const kinds = { resident: rss, heap_used: heapUsed, heap_total: heapTotal, external }
      for (const [kind, bytes] of Object.entries(kinds)) this.set({ kind }, bytes)
    },
  })
  new Gauge({
    name: 'rustymail_process_start_time_seconds',
    help: 'Start time of the process, in seconds since 1970',
    registers,
  }).set(Math.round(performance.timeOrigin / 1000))
  new Gauge({
    name: 'rustymail_process_event_loop_lag_seconds',
    help: '99th percentile of the time between the last two samples',
    registers,
    collect() {
      this.set((readings.latest?.eventLoopLagMs ?? 0) / 1000)
    },
  })
  addSystem(registry, readings)
}

/** Separate, since each connection to a mail server is one more file, which discloses activity in accounts. */
export function addOpenFiles(registry: Registry): void {
  // Only Linux exposes them this way.
  if (process.platform !== 'linux') return
  new Gauge({
    name: 'rustymail_process_open_fds',
    help: 'Open file descriptors',
    registers: [registry],
    collect() {
      // Minus the one that the listing itself holds.
      this.set(readdirSync('/proc/self/fd').length - 1)
    },
  })
}

function addSystem(registry: Registry, readings: SystemReadings): void {
  const ratios = {
    cpu: ['Share of the processors that this process may use', () => readings.latest?.cpuPercent],
    memory: ['Share of the memory that this process may use', () => readings.latest?.memoryPercent],
  } as const
  for (const [name, [help, read]] of Object.entries(ratios)) {
    new Gauge({
      name: `rustymail_system_${name}_usage_ratio`,
      help: `${help}, 0 to 1, as of the last sample`,
      registers: [registry],
      collect() {
        const percent = read()
        if (percent !== undefined) this.set(percent / 100)
      },
    })
  }
}
