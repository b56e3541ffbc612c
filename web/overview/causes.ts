/** Problems of the server by cause, worst first, with links to where to act. */
import type { Account } from '../../contract/accounts.ts'
import type { DashboardStats, Sample } from '../../contract/metrics.ts'
import { formatBytes, formatCount, formatNumber } from '../platform/format.ts'
import { accountCauses, type Cause } from './account-causes.ts'

/** Readings of the database and its disk. */
interface StorageReadings {
  is_writable: boolean
  fault: string | null
  free_bytes: number | null
  total_bytes: number | null
}

type Stats = DashboardStats & { storage?: StorageReadings }

/** Seconds for which CPU or memory must be full; a backup or a build is no problem. */
const sustainedSeconds = 300
const leastSeconds = 240
const fullPercent = 90
const fullMemoryPercent = 95
/** Event loop delay in milliseconds that users notice. */
const lateMs = 500
const lowDisk = { share: 0.05, bytes: 1_000_000_000 }
const endingDisk = { share: 0.01, bytes: 200_000_000 }

const storageFaults: ReadonlyMap<string, string> = new Map(
  Object.entries({
    full: 'its disk is full',
    read_only: 'it is read-only',
    damaged: 'it is damaged',
    removed: 'its files are missing',
    silent: 'it does not answer',
  }),
)

export interface Facts {
  accounts: readonly Account[]
  /** Undefined while there is no recent sample. */
  stats: DashboardStats | undefined
  samples: readonly Sample[]
}

export function causesOf({ accounts, stats, samples }: Facts): Cause[] {
  const own = stats ? [...requestCauses(stats), ...loadCauses(stats, samples)] : []
  const disk = stats ? diskCauses(stats) : []
  const causes = [...(stats ? databaseCauses(stats) : []), ...accountCauses(accounts), ...disk, ...own]
  return causes.toSorted((a, b) => Number(b.isBad) - Number(a.isBad))
}

function databaseCauses({ storage }: Stats): Cause[] {
  if (!storage || storage.is_writable) return []
  const why = storageFaults.get(storage.fault ?? '') ?? 'a write failed'
  const words = `Nothing can be stored: the database accepts no writes, ${why}`
  return [{ key: 'database', isBad: true, words, href: '/system' }]
}

function diskCauses({ storage }: Stats): Cause[] {
  const { free_bytes: free = null, total_bytes: total = null } = storage ?? {}
  if (free === null) return []
  const isBelow = ({ share, bytes }: typeof lowDisk) => free < bytes && (total === null || free < total * share)
  if (!isBelow(lowDisk)) return []
  const words = `The disk of the database is almost full: ${formatBytes(free)} left`
  return [{ key: 'disk', isBad: isBelow(endingDisk), words, href: '/system' }]
}

function requestCauses({ errors, requests_per_minute: requests }: Stats): Cause[] {
  const { failed_requests: failed, slow_streams: slow } = errors
  const causes: Cause[] = []
  if (failed > 0) {
    // A single failure may be accidental; a tenth of all requests is not.
    const isBad = failed > 1 && failed * 10 >= requests
    const words = `${formatCount(failed, 'request')} of ${formatNumber(requests)} failed in the last minute`
    causes.push({ key: 'requests', isBad, words, href: '/audit?outcome=failed' })
  }
  if (slow > 0) {
    const words = `${formatCount(slow, 'event stream')} closed in the last minute: the reader was too slow`
    causes.push({ key: 'streams', isBad: false, words, href: '/clients' })
  }
  return causes
}

function loadCauses({ process }: Stats, samples: readonly Sample[]): Cause[] {
  const causes: Cause[] = []
  const add = (key: string, words: string) => causes.push({ key, isBad: false, words, href: '/system' })
  const processor = sustained(samples, sample => sample.system_cpu_usage)
  if (processor !== undefined && processor >= fullPercent) {
    const ours = `RustyMail uses ${formatNumber(process.cpu_percent)} % of one`
    add('processor', `The processors have been ${formatNumber(processor)} % busy for 5 minutes; ${ours}`)
  }
  const memory = sustained(samples, sample => sample.system_memory_usage)
  if (memory !== undefined && memory >= fullMemoryPercent) {
    add('memory', `Memory is ${formatNumber(memory)} % full; RustyMail uses ${formatBytes(process.rss_bytes)}`)
  }
  if (process.event_loop_lag_ms >= lateMs) {
    add('late', `RustyMail is slow: its event loop lags by ${formatNumber(process.event_loop_lag_ms)} ms`)
  }
  return causes
}

/** Returns the mean of the last five minutes; undefined without enough samples. */
function sustained(samples: readonly Sample[], read: (sample: Sample) => number): number | undefined {
  const end = samples.at(-1)?.at ?? 0
  const recent = samples.filter(({ at }) => at > end - sustainedSeconds)
  if (recent.length === 0 || end - recent[0]!.at < leastSeconds) return undefined
  return recent.reduce((sum, sample) => sum + read(sample), 0) / recent.length
}
