/**
 * A lock on a PostgreSQL database: an advisory lock held by a dedicated connection, which ends with it. If the
 * connection is lost, the lock is retaken, unless another process takes it first.
 */

import { randomUUID } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import type { Client } from 'pg'
import { doubledMs } from '../doubling.ts'
import type { Logger } from '../logger.ts'
import { pause } from '../waits.ts'
import { checkEveryMs, connectAlone, endConnection, type PostgresConnection } from './postgres-connection.ts'

/** Thrown behind a pooler that shares sessions: the lock would pass to the next client of the session. */
export class SharedSessions extends Error {
  constructor() {
    super(
      'RUSTYMAIL_DATABASE_URL leads to a pooler that shares sessions between transactions (PgBouncer: pool_mode = transaction or statement), ' +
        'through which one server per database cannot be ensured. Use pool_mode = session, or connect to PostgreSQL directly',
    )
  }
}

export interface PostgresLockOptions {
  url: string
  logger: Logger
  /** Called at most once, when another process has taken the lock. */
  lost(): void
}

/** Key of the advisory lock, a pair of 32-bit numbers: `RMai`, `Lock`. */
const key = [0x524d6169, 0x4c6f636b]
/** Attempts at the start: the connection of a server that was just killed ends a little later. */
const firstTries = 10
const betweenTriesMs = 100
const sessionRounds = 3
/** Upper bound of the doubling back-off between attempts to retake the lock, which continue until the process stops. */
const maxRetryMs = 2_000

export class PostgresLock {
  readonly #options: PostgresLockOptions
  readonly #stopped = new AbortController()
  /** Application name that identifies our connections in `pg_stat_activity`. */
  readonly #name = `rustymail ${randomUUID()}`
  #held: PostgresConnection | undefined
  #retaking: Promise<void> | undefined

  constructor(options: PostgresLockOptions) {
    this.#options = options
  }

  /**
   * Takes the lock; returns false if another process has it.
   * @throws SharedSessions
   */
  async take(): Promise<boolean> {
    await this.#refuseSharedSessions()
    return this.#try(firstTries)
  }

  async release(): Promise<void> {
    this.#stopped.abort()
    await this.#retaking
    const held = this.#held
    this.#held = undefined
    if (held) await endConnection(held)
  }

  async #refuseSharedSessions(): Promise<void> {
    const open = () => connectAlone(this.#options.url, this.#stopped.signal, async () => undefined)
    const one = await open()
    try {
      const other = await open()
      try {
        if (await sharesSessions(one.client, other.client)) throw new SharedSessions()
      } finally {
        await endConnection(other)
      }
    } finally {
      await endConnection(one)
    }
  }

  /** Tries to take the lock on a new connection, which is kept on success. */
  async #try(times: number): Promise<boolean> {
    const { signal } = this.#stopped
    let isOurs = false
    const connection = await connectAlone(this.#options.url, signal, async ({ client }) => {
      // Not set as a connection parameter, which a name in the URL, possibly shared, would override.
      await client.query("select set_config('application_name', $1, false)", [this.#name])
      await this.#endFormer(client)
      for (let tries = 1; !isOurs; tries++) {
        isOurs = await isTaken(client)
        if (isOurs || tries >= times) return
        await wait(betweenTriesMs, undefined, { signal })
      }
    })
    if (!isOurs) {
      await endConnection(connection)
      return false
    }
    this.#held = connection
    this.#watch(connection)
    return true
  }

  /** Terminates our previous connection, which the database may still consider alive, with the lock. */
  async #endFormer(client: Client): Promise<void> {
    const { rowCount } = await client.query(
      'select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1 and pid <> pg_backend_pid()',
      [this.#name],
    )
    if (rowCount) throw new Error('the previous connection has not ended yet')
  }

  #watch(held: PostgresConnection): void {
    const ended = new AbortController()
    held.client.once('end', () => {
      ended.abort()
      if (this.#held !== held) return
      this.#held = undefined
      this.#retaking = this.#retake()
    })
    this.#check(held.client, AbortSignal.any([ended.signal, this.#stopped.signal])).catch(() => held.socket.destroy())
  }

  /** Sends periodic queries, to detect a dead connection. */
  async #check(client: Client, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await pause(checkEveryMs, signal)
      if (!signal.aborted) await client.query('select 1')
    }
  }

  /** Retakes the lock, with back-off. Never rejects. */
  async #retake(): Promise<void> {
    const { logger, lost } = this.#options
    const { signal } = this.#stopped
    for (let failures = 0; !signal.aborted; failures++) {
      try {
        if (await this.#try(1)) logger.info('the lock on the database is taken again')
        else lost()
        return
      } catch (err) {
        // Logged once per outage, since the database may be down for long.
        if (failures === 0) logger.warn({ err }, 'the connection that holds the lock on the database was lost')
      }
      const pauseMs = doubledMs(failures, betweenTriesMs, maxRetryMs)
      await pause(pauseMs, signal)
    }
  }
}

/**
 * Whether a pooler gives both connections the same session in turn, or one of them several. It may choose by chance or
 * in turns, so it is asked more than once.
 */
async function sharesSessions(one: Client, other: Client): Promise<boolean> {
  const own = await sessionOf(one)
  const others = await sessionOf(other)
  for (let round = 0; round < sessionRounds; round++) {
    if (!(await begins(one))) return true
    const isSame = (await sessionOf(one)) === own
    // While this transaction holds the only session of a pool, the other connection would wait for it.
    const isOther = isSame && own !== others && (await sessionOf(other)) === others
    await one.query('commit')
    if (!isOther) return true
  }
  return false
}

/** False behind PgBouncer with `pool_mode = statement`. */
async function begins(client: Client): Promise<boolean> {
  return client.query('begin').then(
    () => true,
    (error: Error) => {
      if (/pooling mode/.test(error.message)) return false
      throw error
    },
  )
}

async function sessionOf(client: Client): Promise<number> {
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
  return rows[0]!.pid
}

async function isTaken(client: Client): Promise<boolean> {
  const { rows } = await client.query<{ is_ours: boolean }>('select pg_try_advisory_lock($1, $2) as is_ours', key)
  return rows[0]?.is_ours === true
}
