/** A PostgreSQL that falls silent is a database that does not answer, whatever was under way, and never a fault of ours. */
import { setTimeout as delay } from 'node:timers/promises'
import { Kysely, sql } from 'kysely'
import { describe, expect, inject, onTestFinished, test, vi } from 'vitest'
import { newPostgresDatabase } from '../../../test/support/databases.ts'
import { startRelay, type TcpRelay } from '../../../test/support/tcp-relay.ts'
import { toProblem } from '../http/http-problem.ts'
import { markDatabaseFault } from './database-fault.ts'
import { postgresDialect } from './postgres-dialect.ts'
import type { Tables } from './tables.ts'

const postgresUrl = inject('postgresUrl')

async function open() {
  const url = new URL(await newPostgresDatabase(postgresUrl!))
  const relay = await startRelay(Number(url.port))
  onTestFinished(() => relay.stop())
  url.port = String(relay.port)
  const db = new Kysely<Tables>({
    dialect: postgresDialect(url.href, { silenceMs: 500 }),
    log: event => {
      if (event.level === 'error') markDatabaseFault(event.error)
    },
  })
  onTestFinished(() => db.destroy())
  return { relay, db }
}

type Work = (db: Kysely<Tables>, relay: TcpRelay) => Promise<unknown>

const ask = (db: Kysely<Tables>) => sql`select 1`.execute(db)
const cases: Record<string, Work> = {
  'a query': (db, relay) => {
    relay.silence()
    return ask(db)
  },
  'the beginning of a transaction': (db, relay) => {
    relay.silence()
    return db.transaction().execute(ask)
  },
  'a query in a transaction': (db, relay) =>
    db.transaction().execute(async transaction => {
      await ask(transaction)
      relay.silence()
      return ask(transaction)
    }),
  'the end of a transaction': (db, relay) =>
    db.transaction().execute(async transaction => {
      await ask(transaction)
      relay.silence()
    }),
  'the end of a transaction that failed': (db, relay) =>
    db.transaction().execute(async transaction => {
      await ask(transaction)
      relay.silence()
      throw new Error('of the work')
    }),
  'a second query on the connection that was lost': (db, relay) =>
    db.connection().execute(async connection => {
      relay.silence()
      await ask(connection).catch(() => undefined)
      return ask(connection)
    }),
  'more than there are connections': (db, relay) => {
    relay.silence()
    return Promise.all(Array.from({ length: 30 }, () => ask(db)))
  },
  'a query on a connection that was cut': async (db, relay) => {
    relay.silence()
    relay.cutClients()
    await delay(0)
    return ask(db)
  },
}

describe.skipIf(postgresUrl === undefined)('PostgreSQL falls silent', () => {
  test.each(Object.entries(cases))('in %s', async (_name, work) => {
    const { relay, db } = await open()
    // On a busy machine connecting may take longer than the silence bound here.
    await vi.waitFor(() => Promise.all(Array.from({ length: 3 }, () => ask(db))))
    const error = await work(db, relay).catch((reason: unknown) => reason)
    expect(toProblem(error)).toMatchObject({ status: 503, extension: { retryAfterSeconds: 5 } })
  })
})
