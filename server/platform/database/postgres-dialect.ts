/** Kysely's dialect over PostgreSQL, with a timeout for unresponsive connections, and errors reported once. */
import { Socket } from 'node:net'
import { PostgresDialect, type PostgresPool } from 'kysely'
import type { CustomTypesConfig } from 'pg'
import { markDatabaseFault } from './database-fault.ts'
import { PreparedStatements } from './prepared-statements.ts'

/** Socket timeout: a connection on which the database does not respond for this long is destroyed. */
const defaultSilenceMs = 30_000

export interface PostgresOptions {
  silenceMs?: number
  /** Upper bound on connections. */
  max?: number
  /** Search path for tables without a schema; a trusted name. */
  schema?: string
}

export function postgresDialect(url: string, options: PostgresOptions = {}): PostgresDialect {
  return new PostgresDialect({ pool: () => openPool(url, options) })
}

export async function openPool(
  url: string,
  { silenceMs = defaultSilenceMs, max = 10, schema }: PostgresOptions,
): Promise<PostgresPool> {
  // Loaded lazily, to save its memory in a server on SQLite.
  const { default: pg } = await import('pg')
  const types = {
    // node-postgres returns 64-bit integers as strings; ours fit into a number.
    getTypeParser: (oid: number, format?: 'text' | 'binary') =>
      oid === pg.types.builtins.INT8 ? Number : pg.types.getTypeParser(oid, format as 'text'),
  }
  const pool = new pg.Pool({
    connectionString: url,
    max,
    connectionTimeoutMillis: 10_000,
    stream: () => {
      const socket = new Socket()
      return socket.setTimeout(silenceMs, () => socket.destroy(new Error('the database did not answer in time')))
    },
    types: types as CustomTypesConfig,
  })
  // Without a listener, a connection that breaks while idle would crash the process; the next query reports it.
  pool.on('error', () => undefined)
  // A connection that breaks while in use reports it twice: its query rejects, and it emits an error, ignored here.
  pool.on('connect', client => client.on('error', () => undefined))
  const prepared = new PreparedStatements()
  pool.on('connect', client => prepared.use(client))
  // Queries of a connection run in order, so this one comes first. If it fails, the others do not find their tables.
  if (schema !== undefined) {
    pool.on('connect', client => void client.query(`set search_path to ${schema}`).catch(() => undefined))
  }
  const connect = () =>
    pool.connect().catch((error: unknown) => {
      markDatabaseFault(error)
      throw error
    })
  return { options: pool.options, connect, end: () => pool.end() }
}
