/** One connection to PostgreSQL outside of the pool, for what belongs to a connection: a lock, or notifications. */
import { once } from 'node:events'
import { Socket } from 'node:net'
import type { Client } from 'pg'

export interface PostgresConnection {
  client: Client
  socket: Socket
}

/** A connection that broke without a word is known by this and by the socket's own patience. */
export const askEveryMs = 10_000
const silenceMs = 20_000
const goodbyeMs = 1_000
/** So that the database, too, soon knows that a machine is gone. */
const keepAlive = 'set tcp_keepalives_idle = 10; set tcp_keepalives_interval = 5; set tcp_keepalives_count = 3'

/** @param prepare What makes it the one that is wanted; when it fails, the connection is closed. */
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
  // What fails says so itself, and the end of the connection is heard by its owner.
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

/** With a goodbye, so that the database lets go at once. */
export async function endConnection({ client, socket }: PostgresConnection): Promise<void> {
  if (socket.destroyed) return
  const closed = once(socket, 'close')
  client.end().catch(() => undefined)
  const late = setTimeout(() => socket.destroy(), goodbyeMs)
  await closed.finally(() => clearTimeout(late))
}
