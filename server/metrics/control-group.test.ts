/** Limits as the kernel writes them. */
import { expect, test } from 'vitest'
import { findCpuGroup, findMemoryGroup, parseCpuMax, parseMembership } from './control-group.ts'

const files = (texts: Record<string, string>) => (path: string) => texts[path]

const cpuStat = `usage_usec 8123456
user_usec 6000000
system_usec 2123456
core_sched.force_idle_usec 0
nr_periods 120
nr_throttled 3
throttled_usec 51234
`

test('in a container with version 2, quota and limit are those of the container', () => {
  const readText = files({
    '/proc/self/cgroup': '0::/\n',
    '/sys/fs/cgroup/cpu.max': '150000 100000\n',
    '/sys/fs/cgroup/cpu.stat': cpuStat,
    '/sys/fs/cgroup/memory.max': '536870912\n',
    '/sys/fs/cgroup/memory.current': '268435456\n',
    '/sys/fs/cgroup/memory.stat': 'anon 100000000\nfile 168435456\ninactive_anon 12\ninactive_file 134217728\n',
  })
  expect(findCpuGroup(readText)).toEqual({ directory: '/sys/fs/cgroup', processors: 1.5, usedUs: 8_123_456 })
  expect(findMemoryGroup(readText)).toEqual({ limitBytes: 536_870_912, usedBytes: 134_217_728 })
})

test('a tighter limit on a group further up binds, with what that group uses', () => {
  const readText = files({
    '/proc/self/cgroup': '0::/system.slice/rustymail.service\n',
    '/sys/fs/cgroup/system.slice/rustymail.service/cpu.max': '400000 100000\n',
    '/sys/fs/cgroup/system.slice/rustymail.service/cpu.stat': 'usage_usec 5\n',
    '/sys/fs/cgroup/system.slice/cpu.max': '200000 100000\n',
    '/sys/fs/cgroup/system.slice/cpu.stat': cpuStat,
    '/sys/fs/cgroup/system.slice/rustymail.service/memory.max': 'max\n',
    '/sys/fs/cgroup/system.slice/rustymail.service/memory.current': '7\n',
    '/sys/fs/cgroup/system.slice/memory.max': '1000\n',
    '/sys/fs/cgroup/system.slice/memory.current': '400\n',
  })
  expect(findCpuGroup(readText)).toMatchObject({ directory: '/sys/fs/cgroup/system.slice', processors: 2 })
  expect(findMemoryGroup(readText)).toEqual({ limitBytes: 1000, usedBytes: 400 })
})

test('version 1 tells the same in other words', () => {
  const readText = files({
    '/proc/self/cgroup': '9:name=systemd:/\n4:memory:/docker/8d47\n3:cpu,cpuacct:/docker/8d47\n0::/\n',
    '/sys/fs/cgroup/cpu/docker/8d47/cpu.cfs_quota_us': '50000\n',
    '/sys/fs/cgroup/cpu/docker/8d47/cpu.cfs_period_us': '100000\n',
    '/sys/fs/cgroup/cpuacct/docker/8d47/cpuacct.usage': '7000000\n',
    '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '-1\n',
    '/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n',
    '/sys/fs/cgroup/memory/docker/8d47/memory.limit_in_bytes': '104857600\n',
    '/sys/fs/cgroup/memory/docker/8d47/memory.usage_in_bytes': '52428800\n',
    '/sys/fs/cgroup/memory/docker/8d47/memory.stat': 'cache 5\ninactive_file 1\ntotal_inactive_file 2428800\n',
    '/sys/fs/cgroup/memory/memory.limit_in_bytes': '9223372036854771712\n',
    '/sys/fs/cgroup/memory/memory.usage_in_bytes': '123456789\n',
  })
  expect(findCpuGroup(readText)).toEqual({ directory: '/sys/fs/cgroup/cpu/docker/8d47', processors: 0.5, usedUs: 7000 })
  expect(findMemoryGroup(readText)).toEqual({ limitBytes: 104_857_600, usedBytes: 50_000_000 })
})

test('without limits, or without control groups at all, there is no group', () => {
  const unlimited = files({
    '/proc/self/cgroup': '0::/\n',
    '/sys/fs/cgroup/cpu.max': 'max 100000\n',
    '/sys/fs/cgroup/cpu.stat': cpuStat,
    '/sys/fs/cgroup/memory.max': 'max\n',
    '/sys/fs/cgroup/memory.current': '1\n',
  })
  for (const readText of [unlimited, files({}), files({ '/proc/self/cgroup': 'nonsense\n::\n' })]) {
    expect(findCpuGroup(readText)).toBeUndefined()
    expect(findMemoryGroup(readText)).toBeUndefined()
  }
})

test('what is no quota is not taken for one', () => {
  for (const text of [undefined, '', 'max 100000', '0 100000', '100000', '100000 0', '-1 100000'])
    expect(parseCpuMax(text)).toBeUndefined()
  expect(parseMembership('0::/a:b\n').unified).toBe('/a:b')
})
