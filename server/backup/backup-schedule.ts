/** Makes a backup every so often while the server runs, and keeps the newest of them. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '../platform/logger.ts'
import { listBackups, nextBackup, removeOldBackups, removePartialBackups } from './backup-files.ts'
import type { BackupMade } from './make-backup.ts'

export interface BackupScheduleOptions {
  directory: string
  everyMs: number
  /** More are deleted, oldest first, once a new one is there. */
  keep: number
  /** Does not hold up the event loop; ends soon when the signal says so. */
  make(file: string, signal: AbortSignal): Promise<BackupMade>
  now: () => number
  /** False while another process makes them. A file is written whole or not at all, so the worst are two of one time. */
  mayRun?: () => boolean
  logger: Logger
}

/** A clock that is set, and a machine that slept, are noticed so soon. */
const lookEveryMs = 60_000
/** What failed is tried again so soon, or at the next time if that is sooner. */
const retryMs = 15 * 60_000

export class BackupSchedule {
  readonly #options: BackupScheduleOptions
  readonly #stopping = new AbortController()
  #running: Promise<void> = Promise.resolve()
  /** By a clock that nobody sets. */
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

  /** By the time in the name of the newest, so that a restart makes none too many. One that lies in the future was made by a wrong clock. */
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
      // Whatever the clock says next, they do not follow each other without end.
      this.#waitAtLeast(lookEveryMs)
      const removed = removeOldBackups(directory, keep)
      const made = { file, bytes, duration_ms: Math.round(performance.now() - began), removed }
      if (note.trail_fault === null) logger.info(made, 'a backup was made')
      else
        logger.warn({ ...made, trail_fault: note.trail_fault }, 'a backup was made; the audit trail in it is not whole')
    } finally {
      removePartialBackups(directory)
    }
  }
}
