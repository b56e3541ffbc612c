/**
 * Load and memory of what this process may use: by the limits of its control group if set, otherwise by the machine.
 */
import { readFileSync } from 'node:fs'
import { type CpuInfo, cpus, freemem, totalmem } from 'node:os'
import {
  type CpuGroup,
  findCpuGroup,
  findMemoryGroup,
  type MemoryUse,
  parseField,
  type ReadText,
} from './control-group.ts'
import { ProcessReadings } from './process-readings.ts'

export interface SystemReading {
  /** Percent (0–100) of the processors that this process may use. */
  cpuPercent: number
  memoryPercent: number
  rssBytes: number
  /** Percent of one processor. */
  processCpuPercent: number
  eventLoopLagMs: number
}

/** The sources of the readings. */
export interface Machine {
  readText: ReadText
  cpus(): Pick<CpuInfo, 'times'>[]
  totalMemory(): number
  freeMemory(): number
}

export const thisMachine: Machine = {
  readText: path => {
    try {
      return readFileSync(path, 'utf8')
    } catch {
      return undefined
    }
  },
  cpus,
  totalMemory: totalmem,
  freeMemory: freemem,
}

/** Time that processors have spent since they started, in any one unit. */
export interface CpuTimes {
  busy: number
  total: number
}

/** Reads the system; each reading covers the time since the previous one, the first that since the machine started. */
export class SystemReadings {
  readonly #machine: Machine
  readonly #process = new ProcessReadings()
  #times: CpuTimes = { busy: 0, total: 0 }
  #group: (CpuGroup & { at: number }) | undefined
  #cpuPercent: number | undefined
  #latest: SystemReading | undefined

  /** @param machine Replaced by tests only. */
  constructor(machine: Machine = thisMachine) {
    this.#machine = machine
  }

  /** Starts measuring the event loop. */
  start(): void {
    this.#process.start()
  }

  stop(): void {
    this.#process.stop()
  }

  /** The last reading; undefined before the first. */
  get latest(): SystemReading | undefined {
    return this.#latest
  }

  read(): SystemReading {
    const own = this.#process.read()
    const cpuPercent = this.#readCpu(own.lifetimeProcessors)
    this.#cpuPercent = cpuPercent
    this.#latest = {
      cpuPercent,
      memoryPercent: percent(readMemory(this.#machine)),
      rssBytes: own.rssBytes,
      processCpuPercent: own.cpuPercent,
      eventLoopLagMs: own.eventLoopLagMs,
    }
    return this.#latest
  }

  /** @param ownProcessors What this process has used since it began: the fallback if nothing else is known. */
  #readCpu(ownProcessors: number): number {
    const now = performance.now()
    const previousTimes = this.#times
    const previousGroup = this.#group
    const times = readTimes(this.#machine)
    const found = findCpuGroup(this.#machine.readText)
    const group = found && found.processors < times.processors ? { ...found, at: now } : undefined
    this.#times = times
    this.#group = group
    if (group) {
      if (group.directory !== previousGroup?.directory) return clampPercent(ownProcessors / group.processors)
      const passedUs = Math.max(1, now - previousGroup.at) * 1000
      return clampPercent((group.usedUs - previousGroup.usedUs) / passedUs / group.processors)
    }
    const total = times.total - previousTimes.total
    if (total > 0) return clampPercent((times.busy - previousTimes.busy) / total)
    return this.#cpuPercent ?? clampPercent(ownProcessors / Math.max(1, times.processors))
  }
}

/** Reads the times of the processors on which this process may run. */
function readTimes(machine: Machine): CpuTimes & { processors: number } {
  const stat = parseProcStat(machine.readText('/proc/stat') ?? '')
  const allowed = parseCpuList(
    /^Cpus_allowed_list:\s*(\S+)/m.exec(machine.readText('/proc/self/status') ?? '')?.[1] ?? '',
  )
  const usable = [...stat].filter(([number]) => allowed.size === 0 || allowed.has(number)).map(([, times]) => times)
  const all = usable.length > 0 ? usable : machine.cpus().map(({ times }) => osTimes(times))
  return {
    processors: all.length,
    busy: all.reduce((sum, times) => sum + times.busy, 0),
    total: all.reduce((sum, times) => sum + times.total, 0),
  }
}

/** Parses the `cpu<number>` lines of /proc/stat: user nice system idle iowait irq softirq steal (proc_stat(5)). */
export function parseProcStat(text: string): Map<number, CpuTimes> {
  const processors = new Map<number, CpuTimes>()
  for (const [, number, fields] of text.matchAll(/^cpu(\d+) ([\d ]+)$/gm)) {
    // Guest time, in the fields after the eighth, is already included in user and nice.
    const ticks = (fields ?? '').trim().split(/\s+/).slice(0, 8).map(Number)
    const total = ticks.reduce((sum, value) => sum + value, 0)
    processors.set(Number(number), { total, busy: total - (ticks[3] ?? 0) - (ticks[4] ?? 0) })
  }
  return processors
}

/** Parses `0-3,8` as in cpuset(7), section "List format". At most 4096 processors. */
export function parseCpuList(text: string): Set<number> {
  const numbers = new Set<number>()
  for (const [, first, last] of text.matchAll(/(\d+)(?:-(\d+))?/g)) {
    const end = Math.min(4095, Number(last ?? first))
    for (let number = Number(first); number <= end; number++) numbers.add(number)
  }
  return numbers
}

function osTimes({ user, nice, sys, irq, idle }: CpuInfo['times']): CpuTimes {
  const busy = user + nice + sys + irq
  return { busy, total: busy + idle }
}

function readMemory(machine: Machine): MemoryUse {
  const host = parseMeminfo(machine.readText('/proc/meminfo') ?? '') ?? {
    limitBytes: machine.totalMemory(),
    usedBytes: machine.totalMemory() - machine.freeMemory(),
  }
  const group = findMemoryGroup(machine.readText)
  return group && group.limitBytes < host.limitBytes ? group : host
}

/** Returns undefined if the kernel does not report available memory (proc_meminfo(5)). */
export function parseMeminfo(text: string): MemoryUse | undefined {
  const totalKib = parseField(text, 'MemTotal')
  const availableKib = parseField(text, 'MemAvailable')
  if (totalKib === undefined || availableKib === undefined) return undefined
  return { limitBytes: totalKib * 1024, usedBytes: (totalKib - availableKib) * 1024 }
}

function percent({ limitBytes, usedBytes }: MemoryUse): number {
  return clampPercent(limitBytes > 0 ? usedBytes / limitBytes : 0)
}

/** Rounds to one decimal; more would suggest false precision. */
function clampPercent(share: number): number {
  return Math.round(Math.min(1, Math.max(0, share)) * 1000) / 10
}
