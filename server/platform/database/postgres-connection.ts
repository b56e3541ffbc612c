/** A single connection to PostgreSQL outside the pool, for state bound to a connection: a lock, or notifications. */
import { once } from 'node:events'
import { Socket } from 'node:net'
import type { Client } from 'pg'

export interface PostgresConnection {
  client: Client
  socket: Socket
}

/** Interval of keep-alive queries; with the socket's timeout `silenceMs`, they detect a dead connection. */
export const checkEveryMs = 10_000
const silenceMs = 20_000
const goodbyeMs = 1_000
/** TCP keep-alive settings with which the database soon detects a dead client. */
const keepAlive = 'set tcp_keepalives_idle = 10; set tcp_keepalives_interval = 5; set tcp_keepalives_count = 3'

/** Opens a connection. @param prepare Sets it up; if it rejects, the connection is closed. */
export async function connectAlone(
  url: string,
  signal: AbortSignal,
  prepare: (connection: PostgresConnection) => Promise<void>,
): Promise<PostgresConnection> {
  signal.throwIfAborted()
  const { default: pg } = await import('pg')
  signal.throwIfAborted()
  const socket = new Socket()
  const abort = () => socket.destroy()
  signal.addEventListener('abort', abort)
  socket.setTimeout(silenceMs, () => socket.destroy(new Error('the database did not answer in time')))
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000, stream: () => socket })
  // Ignored: failing queries reject, and the owner listens for the end of the connection.
  client.on('error', () => undefined)
  const connection = { client, socket }
  try {
    await client.connect()
    await client.query(keepAlive)
    await prepare(connection)
    return connection
  } catch (error) {
    socket.destroy()
    throw error
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

/** Closes a connection gracefully, so that the database releases its locks immediately. */
export async function endConnection({ client, socket }: PostgresConnection): Promise<void> {
  if (socket.destroyed) return
  const closed = once(socket, 'close')
  client.end().catch(() => undefined)
  const late = setTimeout(() => socket.destroy(), goodbyeMs)
  await closed.finally(() => clearTimeout(late))
}
