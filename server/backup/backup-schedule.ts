/** Makes backups at an interval while the server runs, and keeps the newest ones. */
import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '../platform/logger.ts'
import type { BackupMade } from './make-backup.ts'

export interface BackupScheduleOptions {
  directory: string
  everyMs: number
  /** Backups to keep; beyond it the oldest are deleted once a new one exists. */
  keep: number
  /** Makes a backup without blocking the event loop; ends soon after the signal aborts. */
  make(file: string, signal: AbortSignal): Promise<BackupMade>
  now: () => number
  /**
   * Returns false while another process makes them. Files are published atomically, so the worst case is two of one
   * time.
   */
  mayRun?: () => boolean
  logger: Logger
}

/** Milliseconds after which a changed clock or the end of a machine's sleep is noticed. */
const lookEveryMs = 60_000
/** Milliseconds until a failed backup is retried, or less if the next one is due sooner. */
const retryMs = 15 * 60_000

export class BackupSchedule {
  readonly #options: BackupScheduleOptions
  readonly #stopping = new AbortController()
  #running: Promise<void> = Promise.resolve()
  /** On the monotonic clock. */
  #notBeforeMs = Number.NEGATIVE_INFINITY

  constructor(options: BackupScheduleOptions) {
    this.#options = options
  }

  start(): void {
    this.#running = this.#run()
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      try {
        const { mayRun = () => true } = this.#options
        const waitMs = mayRun() ? this.#dueInMs() : lookEveryMs
        if (waitMs > 0) await sleep(Math.min(waitMs, lookEveryMs), undefined, { signal, ref: false })
        else await this.#makeOne(signal)
      } catch (err) {
        if (signal.aborted) return
        this.#waitAtLeast(retryMs)
        this.#options.logger.error({ err }, 'no backup could be made; retrying')
      }
    }
  }

  /**
   * Returns when the next backup is due, by the time in the name of the newest, so that restarts make no extra ones. A
   * time in the future means that the clock was wrong.
   */
  #dueInMs(): number {
    const { directory, everyMs, now } = this.#options
    const leftMs = this.#notBeforeMs - performance.now()
    if (leftMs > 0) return leftMs
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    const newest = listBackups(directory).at(-1)
    if (!newest || newest.madeAtMs > now() + lookEveryMs) return 0
    return newest.madeAtMs + everyMs - now()
  }

  #waitAtLeast(ms: number): void {
    this.#notBeforeMs = performance.now() + Math.min(ms, this.#options.everyMs)
  }

  async #makeOne(signal: AbortSignal): Promise<void> {
    const { directory, keep, make, now, logger } = this.#options
    removePartialBackups(directory)
    const began = performance.now()
    try {
      const { file, bytes, note } = await make(join(directory, nextBackup(directory, now())), signal)
      // Whatever the clock says next, this prevents an endless series of backups.
      this.#waitAtLeast(lookEveryMs)
      const removed = removeOldBackups(directory, keep)
      const made = { file, bytes, duration_ms: Math.round(performance.now() - began), removed }
      if (note.trail_fault === null) logger.info(made, 'a backup was made')
      else
        logger.warn(
          { ...made, trail_fault: note.trail_fault },
          'a backup was made; the audit trail in it is not intact',
        )
    } finally {
      removePartialBackups(directory)
    }
  }
}

interface BackupFile {
  name: string
  /** Counts up, so that a wrong clock neither reorders them nor makes the newest look old. */
  number: number
  madeAtMs: number
}

const pattern = /^rustymail-(\d{8})-(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z\.db$/
/** Matches files of interrupted backups. */
const partial = /^rustymail-\d{8}-\d{8}T\d{6}Z\.db\.[0-9a-f]{8}\.partial(-wal|-shm|-journal)?$/

/** Lists the backups, oldest first. All other files in the directory are ignored. */
export function listBackups(directory: string): BackupFile[] {
  const found = readdirSync(directory).flatMap(name => {
    const [, number, year, month, day, hour, minute, second] = pattern.exec(name) ?? []
    if (number === undefined) return []
    return [
      { name, number: Number(number), madeAtMs: Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`) },
    ]
  })
  return found.toSorted((a, b) => a.number - b.number)
}

/** Returns the name of the next backup. */
export function nextBackup(directory: string, nowMs: number): string {
  const number = (listBackups(directory).at(-1)?.number ?? 0) + 1
  const time = new Date(nowMs).toISOString().replaceAll(/[-:]|\.\d+/g, '')
  return `rustymail-${String(number).padStart(8, '0')}-${time}.db`
}

/** Deletes all but the newest `keep`, and returns the deleted ones. */
export function removeOldBackups(directory: string, keep: number): string[] {
  const old = listBackups(directory).slice(0, -keep)
  for (const { name } of old) rmSync(join(directory, name))
  return old.map(({ name }) => name)
}

/** Deletes what killed backups left behind; called while none is running. */
function removePartialBackups(directory: string): void {
  for (const name of readdirSync(directory)) if (partial.test(name)) rmSync(join(directory, name), { force: true })
}
