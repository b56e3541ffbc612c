/**
 * A lock on a PostgreSQL database: an advisory one, which the database holds for a connection of its own and which ends with
 * that. When the connection is lost it is taken again, unless somebody else was faster.
 */

import { randomUUID } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import type { Client } from 'pg'
import { doubledMs } from '../doubling.ts'
import type { Logger } from '../logger.ts'
import { pause } from '../waits.ts'
import { askEveryMs, connectAlone, endConnection, type PostgresConnection } from './postgres-connection.ts'

export interface PostgresLockOptions {
  url: string
  logger: Logger
  /** Somebody else has it now. Called once at most. */
  lost(): void
}

/** `RMai`, `Lock`: advisory locks of a database are told apart by two numbers. */
const key = [0x524d6169, 0x4c6f636b]
/** The one before us may have been killed a moment ago: its connection ends a little later. */
const firstTries = 10
const betweenTriesMs = 100
/** The pause between tries to take it again doubles up to this; they go on until it is taken or the process stops. */
const maxRetryMs = 2_000

export class PostgresLock {
  readonly #options: PostgresLockOptions
  readonly #stopped = new AbortController()
  /** In the database's list of connections, by which ours are told from those of others. */
  readonly #name = `rustymail ${randomUUID()}`
  #held: PostgresConnection | undefined
  #retaking: Promise<void> | undefined

  constructor(options: PostgresLockOptions) {
    this.#options = options
  }

  /** False when somebody else has it. */
  async take(): Promise<boolean> {
    return this.#try(firstTries)
  }

  async release(): Promise<void> {
    this.#stopped.abort()
    await this.#retaking
    const held = this.#held
    this.#held = undefined
    if (held) await endConnection(held)
  }

  /** On one connection, which is kept when it has the lock. */
  async #try(times: number): Promise<boolean> {
    const { signal } = this.#stopped
    let isOurs = false
    const connection = await connectAlone(this.#options.url, signal, async ({ client }) => {
      // Not as the connection's parameter: there a name in the URL, which many may share, would go before.
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

  /** A connection of ours that we think lost may still be held for alive by the database, and the lock with it. */
  async #endFormer(client: Client): Promise<void> {
    const { rowCount } = await client.query(
      'select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1 and pid <> pg_backend_pid()',
      [this.#name],
    )
    if (rowCount) throw new Error('the connection before has not ended yet')
  }

  #watch(held: PostgresConnection): void {
    const ended = new AbortController()
    held.client.once('end', () => {
      ended.abort()
      if (this.#held !== held) return
      this.#held = undefined
      this.#retaking = this.#retake()
    })
    this.#ask(held.client, AbortSignal.any([ended.signal, this.#stopped.signal])).catch(() => held.socket.destroy())
  }

  /** Where nothing is said nobody notices that a connection is dead. */
  async #ask(client: Client, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await pause(askEveryMs, signal)
      if (!signal.aborted) await client.query('select 1')
    }
  }

  /** Never rejects. */
  async #retake(): Promise<void> {
    const { logger, lost } = this.#options
    const { signal } = this.#stopped
    for (let failures = 0; !signal.aborted; failures++) {
      try {
        if (await this.#try(1)) logger.info('the lock on the database is taken again')
        else lost()
        return
      } catch (err) {
        // Once for each time: the database may be away for long.
        if (failures === 0) logger.warn({ err }, 'the connection that holds the lock on the database was lost')
      }
      const pauseMs = doubledMs(failures, betweenTriesMs, maxRetryMs)
      await pause(pauseMs, signal)
    }
  }
}

async function isTaken(client: Client): Promise<boolean> {
  const { rows } = await client.query<{ is_ours: boolean }>('select pg_try_advisory_lock($1, $2) as is_ours', key)
  return rows[0]?.is_ours === true
}
