/**
 * Watches the storage of the server: whether the database accepts writes, how much space is left, and whether its files
 * and locks are still in place. A fault is logged once, shown on the page, and raised as an alert.
 */

import type { Fact } from '../../contract/event.ts'
import type { StorageReadings } from '../../contract/metrics.ts'
import { type DatabaseFaultKind, databaseFaultKind } from '../platform/database/database-fault.ts'
import type { DatabaseHealth } from '../platform/database/database-health.ts'
import { every } from '../platform/lifecycle.ts'
import type { Logger } from '../platform/logger.ts'
import { unlessLate } from '../platform/waits.ts'

export interface Room {
  freeBytes: number
  totalBytes: number
}

export interface StorageWatchOptions {
  health: DatabaseHealth
  /** Writes a probe. @throws if that fails. */
  probe(options: { hadFault: boolean }): Promise<void>
  /** Returns the space left for the database; undefined if unknown. */
  readRoom(): Promise<Room | undefined>
  /** Checks the locks of this process, and takes removed ones again. Returns false if another process has one. */
  keepLocks(): boolean
  /** Called once, when another process has taken the database. */
  lost(): void
  publish(fact: Fact): void
  now(): number
  logger: Logger
}

type Alert = Exclude<Extract<Fact, { type: 'alert_raised' }>['data']['alert'], 'rule'>

const tickMs = 1_000
/** Maximum age in ms of the readiness result; `unasked` is the interval without readiness requests. */
const freshMs = { good: 5_000, bad: 1_000, unasked: 30_000 }
const roomEveryMs = 5_000
/** Timeout in ms after which the database counts as unresponsive. */
const probeBoundMs = 2_000
/** Hysteresis: the alert is cleared only with some more space, so that it does not flap. */
const MiB = 1024 * 1024
export const lowRoom = { raise: 512 * MiB, clear: 640 * MiB } as const

const words: Record<DatabaseFaultKind, string> = {
  full: 'cannot be written: the disk is full',
  read_only: 'cannot be written: it is read-only',
  damaged: 'is damaged: restore a backup',
  removed: 'cannot be written: its files were removed or replaced',
  silent: 'does not answer writes in time',
  failed: 'cannot be written: the log says why',
}

export class StorageWatch {
  readonly #options: StorageWatchOptions
  readonly #stopped = new AbortController()
  readonly #raised = new Set<Alert>()
  #probing: Promise<void> | undefined
  #probedAt = Number.NEGATIVE_INFINITY
  #room: Room | undefined
  #roomAt = Number.NEGATIVE_INFINITY
  #readingRoom: Promise<void> | undefined
  #isLost = false

  constructor(options: StorageWatchOptions) {
    this.#options = options
  }

  /** Starts after the database is migrated. */
  async start(): Promise<void> {
    await Promise.all([this.#probe(), this.#readRoom()])
    const failed = (err: unknown) => this.#options.logger.error({ err }, 'the storage could not be checked')
    every(tickMs, this.#stopped.signal, () => this.#tick(), failed)
  }

  async stop(): Promise<void> {
    this.#stopped.abort()
    await Promise.all([this.#probing, this.#readingRoom])
  }

  /**
   * Returns what is wrong with writing, in words that follow "it", probed within the last seconds; undefined if the
   * database accepts writes.
   */
  async fault(): Promise<string | undefined> {
    const { health, now } = this.#options
    const patience = health.fault ? freshMs.bad : freshMs.good
    if (this.#probing || now() - this.#probedAt >= patience) await this.#probe()
    return health.fault && words[health.fault.kind]
  }

  /** The figures of the last probe. */
  get figures(): StorageReadings {
    const { fault, writeFailures } = this.#options.health
    return {
      is_writable: fault === undefined,
      fault: fault?.kind ?? null,
      write_failures: writeFailures,
      free_bytes: this.#room?.freeBytes ?? null,
      total_bytes: this.#room?.totalBytes ?? null,
    }
  }

  #tick(): void {
    const { health, keepLocks, lost, now } = this.#options
    if (!this.#isLost && !keepLocks()) {
      this.#isLost = true
      lost()
    }
    this.#tell()
    const patience = health.fault ? freshMs.bad : freshMs.unasked
    if (now() - this.#probedAt >= patience) void this.#probe()
    if (now() - this.#roomAt >= roomEveryMs) void this.#readRoom()
  }

  /** Probes once at a time; never rejects. */
  #probe(): Promise<void> {
    this.#probing ??= this.#try().finally(() => {
      this.#probing = undefined
      this.#probedAt = this.#options.now()
      this.#tell()
    })
    return this.#probing
  }

  async #try(): Promise<void> {
    const { health, probe } = this.#options
    const tried = probe({ hadFault: health.fault !== undefined }).then(
      () => health.writable(),
      (error: unknown) => health.unwritable({ kind: databaseFaultKind(error) ?? 'failed', error }),
    )
    const late = () => health.unwritable({ kind: 'silent', error: new Error('a database write timed out') })
    await unlessLate(tried, probeBoundMs, late)
  }

  async #readRoom(): Promise<void> {
    const { readRoom, now, logger } = this.#options
    this.#roomAt = now()
    this.#readingRoom = readRoom()
      .then(room => {
        this.#room = room
        this.#tell()
      })
      .catch((err: unknown) => {
        this.#room = undefined
        logger.debug({ err }, 'the free disk space could not be read')
      })
    await this.#readingRoom
  }

  #tell(): void {
    const { health, logger } = this.#options
    const { fault } = health
    const err = fault?.error
    this.#alert('database_unwritable', fault && `The database ${words[fault.kind]}.`, detail => {
      if (detail) logger.error({ err }, `the database ${words[fault?.kind ?? 'failed']}`)
      else logger.info('the database accepts writes again')
    })
    if (!this.#room) return
    const { freeBytes } = this.#room
    const isLow = freeBytes < (this.#raised.has('disk_low') ? lowRoom.clear : lowRoom.raise)
    const left = `${Math.floor(freeBytes / MiB)} MiB are left on the disk of the database.`
    this.#alert('disk_low', isLow ? left : undefined, detail => {
      if (detail) logger.warn({ free_bytes: freeBytes }, 'the disk of the database is almost full')
      else logger.info({ free_bytes: freeBytes }, 'the disk of the database has free space again')
    })
  }

  /** Publishes changes only. @param detail Why it is raised; undefined if it is not. */
  #alert(alert: Alert, detail: string | undefined, log: (detail: string | undefined) => void): void {
    if ((detail !== undefined) === this.#raised.has(alert)) return
    const at = new Date().toISOString()
    log(detail)
    if (detail === undefined) {
      this.#raised.delete(alert)
      return this.#options.publish({ type: 'alert_cleared', data: { alert, at } })
    }
    this.#raised.add(alert)
    this.#options.publish({ type: 'alert_raised', data: { alert, detail, at } })
  }
}
