/** Busy and full, as percent of what the process may use. */
import { setImmediate } from 'node:timers/promises'
import { afterEach, expect, test, vi } from 'vitest'
import {
  type Machine,
  parseCpuList,
  parseMeminfo,
  parseProcStat,
  SystemReadings,
  thisMachine,
} from './system-readings.ts'

afterEach(() => void vi.useRealTimers())

const statText = (first: string, second: string) => `cpu  9999 0 9999 9999 0 0 0 0 0 0
cpu0 ${first}
cpu1 ${second}
intr 112233 0 9
ctxt 55
`

const meminfo = `MemTotal:       24684096 kB
MemFree:        14433196 kB
MemAvailable:   18513072 kB
Buffers:            1144 kB
`

function machineOf(texts: Record<string, string>): Machine {
  return { ...thisMachine, readText: path => texts[path], cpus: () => [], totalMemory: () => 1, freeMemory: () => 1 }
}

test('a reading of the host tells of the time since the reading before, the first of the time since the start', () => {
  const texts: Record<string, string> = {
    '/proc/stat': statText('100 0 100 700 100 0 0 0 50 0', '0 0 0 1000 0 0 0 0 0 0'),
    '/proc/meminfo': meminfo,
  }
  const readings = new SystemReadings(machineOf(texts))
  expect(readings.latest).toBeUndefined()
  expect(readings.read()).toMatchObject({ cpuPercent: 10, memoryPercent: 25 })
  texts['/proc/stat'] = statText('130 10 120 730 110 0 0 0 50 0', '100 0 0 1000 0 0 0 0 0 0')
  expect(readings.read().cpuPercent).toBe(80)
  expect(readings.read().cpuPercent, 'no time has passed').toBe(80)
})

test('processors that are not for this process do not count', () => {
  const readings = new SystemReadings(
    machineOf({
      '/proc/stat': statText('900 0 0 100 0 0 0 0 0 0', '250 0 0 750 0 0 0 0 0 0'),
      '/proc/self/status': 'Name:\tnode\nCpus_allowed:\t2\nCpus_allowed_list:\t1\n',
    }),
  )
  expect(readings.read().cpuPercent).toBe(25)
})

test('under a quota the reading is the share of the quota, not of the host', () => {
  vi.useFakeTimers({ toFake: ['performance'] })
  const texts: Record<string, string> = {
    '/proc/stat': statText('0 0 0 1000 0 0 0 0 0 0', '0 0 0 1000 0 0 0 0 0 0'),
    '/proc/meminfo': meminfo,
    '/proc/self/cgroup': '0::/\n',
    '/sys/fs/cgroup/cpu.max': '50000 100000\n',
    '/sys/fs/cgroup/cpu.stat': 'usage_usec 1000000\n',
    '/sys/fs/cgroup/memory.max': '1000000\n',
    '/sys/fs/cgroup/memory.current': '900000\n',
  }
  const readings = new SystemReadings(machineOf(texts))
  const first = readings.read()
  expect(first.memoryPercent).toBe(90)
  const own = process.cpuUsage()
  const ownPercent = ((own.user + own.system) / 1e6 / process.uptime() / 0.5) * 100
  expect(first.cpuPercent, 'its own share since it began').toBeCloseTo(Math.min(100, ownPercent), -1)
  vi.advanceTimersByTime(5000)
  texts['/sys/fs/cgroup/cpu.stat'] = 'usage_usec 2000000\n'
  expect(readings.read().cpuPercent).toBe(40)
  vi.advanceTimersByTime(5000)
  texts['/sys/fs/cgroup/cpu.stat'] = 'usage_usec 9000000\n'
  expect(readings.read().cpuPercent, 'a burst above the quota').toBe(100)
})

test('limits above what the machine has are none', () => {
  const readings = new SystemReadings(
    machineOf({
      '/proc/stat': statText('500 0 0 500 0 0 0 0 0 0', '500 0 0 500 0 0 0 0 0 0'),
      '/proc/meminfo': meminfo,
      '/proc/self/cgroup': '0::/\n',
      '/sys/fs/cgroup/cpu.max': '800000 100000\n',
      '/sys/fs/cgroup/cpu.stat': 'usage_usec 1\n',
      '/sys/fs/cgroup/memory.max': '9223372036854771712\n',
      '/sys/fs/cgroup/memory.current': '5\n',
    }),
  )
  expect(readings.read()).toMatchObject({ cpuPercent: 50, memoryPercent: 25 })
})

test('where there is no /proc, as on macOS and Windows, the figures come from Node', () => {
  const readings = new SystemReadings({
    readText: () => undefined,
    cpus: () => [{ times: { user: 200, nice: 0, sys: 50, idle: 750, irq: 0 } }],
    totalMemory: () => 1000,
    freeMemory: () => 400,
  })
  expect(readings.read()).toMatchObject({ cpuPercent: 25, memoryPercent: 60 })
})

test('on this very machine all figures are real', async () => {
  const readings = new SystemReadings(thisMachine)
  readings.start()
  try {
    readings.read()
    // Ten blocks of 60 ms, each seen by the next check of the loop.
    for (let index = 0; index < 10; index++) {
      const end = performance.now() + 60
      while (performance.now() < end);
      await setImmediate()
    }
    const reading = readings.read()
    expect(reading.eventLoopLagMs).toBeGreaterThan(20)
    // Other programs may use the CPU meanwhile.
    expect(reading.processCpuPercent).toBeGreaterThan(0)
    expect(reading.rssBytes).toBeGreaterThan(10_000_000)
    expect(reading.memoryPercent).toBeGreaterThan(0)
    expect(reading.memoryPercent).toBeLessThanOrEqual(100)
    expect(reading.cpuPercent).toBeGreaterThan(0)
    expect(reading.cpuPercent).toBeLessThanOrEqual(100)
    expect(readings.latest).toBe(reading)
    expect(readings.read().eventLoopLagMs, 'lag is told once').toBe(0)
  } finally {
    readings.stop()
  }
})

test('texts of the kernel are read as the kernel means them', () => {
  expect(parseProcStat(statText('1 2 3 4 5 6 7 8 9 10', '1 1 1 1')).get(0)).toEqual({ total: 36, busy: 27 })
  expect([...parseCpuList('0-2,5,7-8')]).toEqual([0, 1, 2, 5, 7, 8])
  expect(parseCpuList('')).toEqual(new Set())
  expect(parseMeminfo('MemTotal:  100 kB\nMemFree: 50 kB\n')).toBeUndefined()
  expect(parseMeminfo(meminfo)).toEqual({ limitBytes: 24_684_096 * 1024, usedBytes: 6_171_024 * 1024 })
})
