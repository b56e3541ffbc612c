/**
 * Learns of commits of other processes by LISTEN, and announces ours by NOTIFY, on one connection outside the pool:
 * NOTIFY inside the transactions would serialize them. Missed notifications (the connection is lost, or the committing
 * process died before sending) are made up for by polling every two seconds.
 */

import { once } from 'node:events'
import { doubledMs } from '../doubling.ts'
import type { Logger } from '../logger.ts'
import { pause } from '../waits.ts'
import { checkEveryMs, connectAlone, endConnection, type PostgresConnection } from './postgres-connection.ts'

/** Interval in which commits are coalesced into one notification. */
const notifyEveryMs = 25
const lookEveryMs = 2_000
const maxRetryMs = 2_000
/** Channel name, used by no other program in our database. */
const channel = 'rustymail_log'

export class PostgresChanges {
  readonly #url: string
  readonly #logger: Logger
  readonly #stopped = new AbortController()
  #connection: PostgresConnection | undefined
  #following: Promise<void> | undefined
  #look: NodeJS.Timeout | undefined
  #notifying: NodeJS.Timeout | undefined
  #isPending = false
  /** Whether a query is in flight; the connection runs one at a time. */
  #isPolling = false

  constructor({ url, logger }: { url: string; logger: Logger }) {
    this.#url = url
    this.#logger = logger
  }

  /** Starts without waiting for the connection: polling suffices until it is established. */
  async start(moved: () => void): Promise<void> {
    this.#look = setInterval(moved, lookEveryMs)
    this.#following = this.#follow(moved)
  }

  /** Notifies immediately, then coalesces further commits until the interval ends. */
  notify(): void {
    if (this.#notifying || this.#isPolling || this.#stopped.signal.aborted) {
      this.#isPending = true
      return
    }
    this.#isPending = false
    // Without a connection, other processes find out by polling.
    if (this.#connection) void this.#poll(this.#connection, `notify ${channel}, 'moved'`)
    this.#notifying = setTimeout(() => {
      this.#notifying = undefined
      if (this.#isPending) this.notify()
    }, notifyEveryMs)
  }

  async stop(): Promise<void> {
    this.#stopped.abort()
    clearInterval(this.#look)
    clearTimeout(this.#notifying)
    await this.#following
  }

  /** Runs a query, and ends the connection if it fails; then sends a pending notification. Never rejects. */
  async #poll({ client, socket }: PostgresConnection, statement: string): Promise<void> {
    this.#isPolling = true
    await client.query(statement).catch(() => socket.destroy())
    this.#isPolling = false
    if (this.#isPending && !this.#notifying) this.notify()
  }

  /** Reconnects with back-off until stopped. Never rejects. */
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

  /** Listens until the connection ends, which is an error unless it was requested. */
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
      if (!this.#isPolling) void this.#poll(connection, 'select 1')
    }, checkEveryMs)
    try {
      // Catches up with commits of all processes while there was no connection.
      moved()
      this.notify()
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
