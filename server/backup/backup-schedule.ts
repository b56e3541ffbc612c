/** Makes a backup every so often while the server runs, and keeps the newest of them. */
import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '../platform/logger.ts'
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

interface BackupFile {
  name: string
  /** Counts up, so that a clock that was wrong neither puts them out of order nor makes the newest look old. */
  number: number
  madeAtMs: number
}

const pattern = /^rustymail-(\d{8})-(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z\.db$/
/** Of one that was interrupted. */
const partial = /^rustymail-\d{8}-\d{8}T\d{6}Z\.db\.[0-9a-f]{8}\.partial(-wal|-shm|-journal)?$/

/** Oldest first. Every other file in the directory is somebody else's. */
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

/** For the next one. */
export function nextBackup(directory: string, nowMs: number): string {
  const number = (listBackups(directory).at(-1)?.number ?? 0) + 1
  const time = new Date(nowMs).toISOString().replaceAll(/[-:]|\.\d+/g, '')
  return `rustymail-${String(number).padStart(8, '0')}-${time}.db`
}

/** Leaves the newest `keep`. Answers what is gone. */
export function removeOldBackups(directory: string, keep: number): string[] {
  const old = listBackups(directory).slice(0, -keep)
  for (const { name } of old) rmSync(join(directory, name))
  return old.map(({ name }) => name)
}

/** What a kill left behind. None may be under way. */
function removePartialBackups(directory: string): void {
  for (const name of readdirSync(directory)) if (partial.test(name)) rmSync(join(directory, name), { force: true })
}
