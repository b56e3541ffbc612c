/**
 * Hears of commits of other processes by LISTEN, and tells of ours by NOTIFY, on one connection beside the pool: a NOTIFY inside of
 * the transactions would make them wait for each other. What is not heard (the connection is lost, or the process that committed ended
 * before it could tell) is found by looking every two seconds.
 */

import { once } from 'node:events'
import { doubledMs } from '../doubling.ts'
import type { Logger } from '../logger.ts'
import { pause } from '../waits.ts'
import { askEveryMs, connectAlone, endConnection, type PostgresConnection } from './postgres-connection.ts'

/** Commits of so long a time are told together. */
const tellEveryMs = 25
const lookEveryMs = 2_000
const maxRetryMs = 2_000
/** Nobody else's channel in a database of ours. */
const channel = 'rustymail_log'

export class PostgresChanges {
  readonly #url: string
  readonly #logger: Logger
  readonly #stopped = new AbortController()
  #connection: PostgresConnection | undefined
  #following: Promise<void> | undefined
  #look: NodeJS.Timeout | undefined
  #telling: NodeJS.Timeout | undefined
  #isUntold = false
  /** One question at a time on the connection. */
  #isAsking = false

  constructor({ url, logger }: { url: string; logger: Logger }) {
    this.#url = url
    this.#logger = logger
  }

  /** Does not wait for the connection: until it stands, looking is enough. */
  async start(moved: () => void): Promise<void> {
    this.#look = setInterval(moved, lookEveryMs)
    this.#following = this.#follow(moved)
  }

  /** At once, and what comes in the next moments together at their end. */
  tell(): void {
    if (this.#telling || this.#isAsking || this.#stopped.signal.aborted) {
      this.#isUntold = true
      return
    }
    this.#isUntold = false
    // What cannot be told is found by looking.
    if (this.#connection) void this.#ask(this.#connection, `notify ${channel}, 'moved'`)
    this.#telling = setTimeout(() => {
      this.#telling = undefined
      if (this.#isUntold) this.tell()
    }, tellEveryMs)
  }

  async stop(): Promise<void> {
    this.#stopped.abort()
    clearInterval(this.#look)
    clearTimeout(this.#telling)
    await this.#following
  }

  /** Never rejects; a connection that does not answer is ended. What waits meanwhile is told behind it. */
  async #ask({ client, socket }: PostgresConnection, statement: string): Promise<void> {
    this.#isAsking = true
    await client.query(statement).catch(() => socket.destroy())
    this.#isAsking = false
    if (this.#isUntold && !this.#telling) this.tell()
  }

  /** Never rejects. */
  async #follow(moved: () => void): Promise<void> {
    const { signal } = this.#stopped
    for (let failures = 0; !signal.aborted; failures++) {
      try {
        await this.#listen(() => {
          failures = 0
          moved()
        })
      } catch (err) {
        if (failures === 0 && !signal.aborted) {
          this.#logger.warn({ err }, 'changes of other processes are noticed late: the connection for them was lost')
        }
      }
      const pauseMs = doubledMs(failures, 100, maxRetryMs)
      await pause(pauseMs, signal)
    }
  }

  /** Until the connection ends, which is an error unless it was wanted. */
  async #listen(moved: () => void): Promise<void> {
    const { signal } = this.#stopped
    let own: number | undefined
    const connection = await connectAlone(this.#url, signal, async ({ client }) => {
      client.on('notification', ({ processId }) => {
        if (processId !== own) moved()
      })
      const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
      own = rows[0]?.pid
      await client.query(`listen ${channel}`)
    })
    const { client, socket } = connection
    this.#connection = connection
    const ask = setInterval(() => {
      if (!this.#isAsking) void this.#ask(connection, 'select 1')
    }, askEveryMs)
    try {
      // What was committed, here and there, while nobody listened.
      moved()
      this.tell()
      const ended = once(client, 'end', { signal }).catch(() => undefined)
      if (!socket.destroyed) await ended
      if (!signal.aborted) throw new Error('the connection has ended')
    } finally {
      this.#connection = undefined
      clearInterval(ask)
      await endConnection(connection)
    }
  }
}
