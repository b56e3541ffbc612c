/** Kysely over PostgreSQL: connections that are given up when the database is silent, and errors that are heard once. */
import { Socket } from 'node:net'
import { PostgresDialect, type PostgresPool } from 'kysely'
import type { CustomTypesConfig } from 'pg'
import { markDatabaseFault } from './database-fault.ts'
import { PreparedStatements } from './prepared-statements.ts'

/** A connection on which the database says nothing for so long, while it is asked something, is given up. */
const defaultSilenceMs = 30_000

export interface PostgresOptions {
  silenceMs?: number
  /** Connections at most. */
  max?: number
  /** Where tables without a schema are; the name is one of ours. */
  schema?: string
}

export function postgresDialect(url: string, options: PostgresOptions = {}): PostgresDialect {
  return new PostgresDialect({ pool: () => openPool(url, options) })
}

export async function openPool(
  url: string,
  { silenceMs = defaultSilenceMs, max = 10, schema }: PostgresOptions,
): Promise<PostgresPool> {
  // Loaded only now: a server on SQLite does without its memory.
  const { default: pg } = await import('pg')
  const types = {
    // node-postgres answers 64-bit integers as text; ours fit a number.
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
  // Without a listener a connection that breaks while idle would end the process; the next query says so itself.
  pool.on('error', () => undefined)
  // One that breaks while it is lent tells so twice: its query fails, and it emits an error, which nobody else hears.
  pool.on('connect', client => client.on('error', () => undefined))
  const prepared = new PreparedStatements()
  pool.on('connect', client => prepared.use(client))
  // Queries of a connection run in their order: this one is before all others. Where it fails, they do not find their tables.
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
