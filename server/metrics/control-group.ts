/** Reads the limits of this process's control group (version 2 or 1), and the group's usage. */

/** Returns undefined if there is no such file. */
export type ReadText = (path: string) => string | undefined

export interface CpuGroup {
  directory: string
  /** The quota in processors: 1.5 is one and a half. */
  processors: number
  usedUs: number
}

export interface MemoryUse {
  limitBytes: number
  usedBytes: number
}

interface Membership {
  /** Undefined on a machine without version 2. */
  unified: string | undefined
  /** Version 1: the path by controller. */
  controllers: Map<string, string>
}

const root = '/sys/fs/cgroup'

/** Returns the group with the tightest quota above this process; undefined if there is none. */
export function findCpuGroup(readText: ReadText): CpuGroup | undefined {
  const { unified, controllers } = parseMembership(readText('/proc/self/cgroup') ?? '')
  const groups: CpuGroup[] = []
  for (const path of upwards(unified)) {
    const directory = root + path
    const processors = parseCpuMax(readText(`${directory}/cpu.max`))
    const usedUs = parseField(readText(`${directory}/cpu.stat`), 'usage_usec')
    if (processors !== undefined && usedUs !== undefined) groups.push({ directory, processors, usedUs })
  }
  for (const path of upwards(controllers.get('cpu'))) {
    const directory = `${root}/cpu${path}`
    const quota = parseNumber(readText(`${directory}/cpu.cfs_quota_us`))
    const period = parseNumber(readText(`${directory}/cpu.cfs_period_us`))
    const usedNs = parseNumber(readText(`${root}/cpuacct${path}/cpuacct.usage`))
    if (quota && period && usedNs !== undefined && quota > 0)
      groups.push({ directory, processors: quota / period, usedUs: usedNs / 1000 })
  }
  return smallest(groups, group => group.processors)
}

/**
 * Returns the group with the tightest limit; undefined if there is none. Page cache that the kernel can drop does not
 * count as used, as with MemAvailable.
 */
export function findMemoryGroup(readText: ReadText): MemoryUse | undefined {
  const { unified, controllers } = parseMembership(readText('/proc/self/cgroup') ?? '')
  const groups: MemoryUse[] = []
  const add = (limit: number | undefined, current: number | undefined, cached: number | undefined) => {
    if (limit === undefined || current === undefined) return
    groups.push({ limitBytes: limit, usedBytes: Math.max(0, current - (cached ?? 0)) })
  }
  for (const path of upwards(unified)) {
    const directory = root + path
    const limit = parseNumber(readText(`${directory}/memory.max`))
    const current = parseNumber(readText(`${directory}/memory.current`))
    add(limit, current, parseField(readText(`${directory}/memory.stat`), 'inactive_file'))
  }
  for (const path of upwards(controllers.get('memory'))) {
    const directory = `${root}/memory${path}`
    const limit = parseNumber(readText(`${directory}/memory.limit_in_bytes`))
    const current = parseNumber(readText(`${directory}/memory.usage_in_bytes`))
    add(limit, current, parseField(readText(`${directory}/memory.stat`), 'total_inactive_file'))
  }
  return smallest(groups, group => group.limitBytes)
}

/** Parses `/proc/self/cgroup`, one `id:controllers:path` per line; version 2 is `0::path` (cgroups(7)). */
export function parseMembership(text: string): Membership {
  const membership: Membership = { unified: undefined, controllers: new Map() }
  for (const line of text.split('\n')) {
    const [, id, names, path] = /^(\d+):([^:]*):(\/.*)$/.exec(line) ?? []
    if (path === undefined || names === undefined) continue
    if (id === '0' && names === '') membership.unified = path
    for (const name of names.split(',')) if (name !== '') membership.controllers.set(name, path)
  }
  return membership
}

/** Parses `cpu.max`, which is `quota period` or `max period`, to a number of processors; undefined for no limit. */
export function parseCpuMax(text: string | undefined): number | undefined {
  const [, quota, period] = /^(\d+) (\d+)/.exec(text ?? '') ?? []
  return Number(quota) > 0 && Number(period) > 0 ? Number(quota) / Number(period) : undefined
}

/** Returns the number after a name in `cpu.stat`, `memory.stat` and the like. */
export function parseField(text: string | undefined, name: string): number | undefined {
  const value = new RegExp(`^${name}:?\\s+(\\d+)`, 'm').exec(text ?? '')?.[1]
  return value === undefined ? undefined : Number(value)
}

function parseNumber(text: string | undefined): number | undefined {
  return /^-?\d+\s*$/.test(text ?? '') ? Number(text) : undefined
}

/**
 * Returns all ancestors, since their limits apply too. The root is always tried: in a container it may be the
 * container's own group.
 */
function upwards(path: string | undefined): string[] {
  if (path === undefined) return []
  const names = path.split('/').filter(name => name !== '' && name !== '..')
  return names.map((_, index) => `/${names.slice(0, names.length - index).join('/')}`).concat('')
}

function smallest<T>(items: readonly T[], size: (item: T) => number): T | undefined {
  return items.toSorted((a, b) => size(a) - size(b))[0]
}
