/** Statements that stay prepared: on each connection once, and given up where that is not what it was. */
import { EventEmitter } from 'node:events'
import { CompiledQuery, Kysely, sql } from 'kysely'
import { Client, type PoolClient, type QueryResult } from 'pg'
import { describe, expect, inject, onTestFinished, test } from 'vitest'
import { newPostgresDatabase } from '../../../test/support/databases.ts'
import { patience } from '../../../test/support/patience.ts'
import { startRelay } from '../../../test/support/tcp-relay.ts'
import { databaseFaultKind, markDatabaseFault } from './database-fault.ts'
import { openPool, postgresDialect } from './postgres-dialect.ts'
import { keepPrepared } from './prepared-statements.ts'

const postgresUrl = inject('postgresUrl')

async function open() {
  const url = await newPostgresDatabase(postgresUrl!)
  const db = new Kysely<never>({
    dialect: postgresDialect(url, { max: 1 }),
    log: event => {
      if (event.level === 'error') markDatabaseFault(event.error)
    },
  })
  onTestFinished(() => db.destroy())
  const other = new Client({ connectionString: url })
  await other.connect()
  onTestFinished(() => other.end())
  await sql`create table given (number integer)`.execute(db)
  await sql`insert into given values (7)`.execute(db)
  const text = 'select * from given where number = $1'
  keepPrepared(text)
  const ask = async () => (await db.executeQuery(CompiledQuery.raw(text, [7]))).rows
  const prepared = async () => {
    const { rows } = await sql<{ statement: string }>`select statement from pg_prepared_statements`.execute(db)
    return rows.map(({ statement }) => statement)
  }
  return { db, other, text, ask, prepared }
}

/**
 * Returns the names as a separate program or thread has them. Modules that other files in this process use are left
 * alone: re-importing would detach them from their set-up.
 */
async function namesOf(texts: readonly string[], program: string): Promise<Map<string, string>> {
  const own: typeof import('./prepared-statements.ts') = await import(
    /* @vite-ignore */ `${import.meta.dirname}/prepared-statements.ts?program=${program}`
  )
  expect(own.keepPrepared).not.toBe(keepPrepared)
  const { keepPrepared: keep, PreparedStatements } = own
  const names = new Map<string, string>()
  const query = async ({ text, name }: { text: string; name: string }) => void names.set(text, name)
  const client = Object.assign(new EventEmitter(), { query }) as unknown as PoolClient
  new PreparedStatements().use(client)
  for (const text of texts) {
    keep(text)
    await client.query(text, [])
  }
  return names
}

test('one name stands for one text in all programs: where a pooler lends the connection of another, none runs what that one prepared', async () => {
  const [one, other] = [
    await namesOf(['select 1', 'select 2'], 'one'),
    await namesOf(['select 2', 'select 1'], 'other'),
  ]
  expect([...one.keys()]).toEqual(['select 1', 'select 2'])
  expect(new Set(one.values()).size).toBe(2)
  expect(new Map(other)).toEqual(one)
})

describe.skipIf(postgresUrl === undefined)('on PostgreSQL', () => {
  test('a statement is prepared once, and others are not', async () => {
    const { ask, prepared, text } = await open()
    for (let turn = 0; turn < 3; turn++) expect(await ask()).toEqual([{ number: 7 }])
    expect(await prepared()).toEqual([text])
  })

  test('where a pooler lends another connection meanwhile, none is prepared any more', async () => {
    const { db, ask, prepared } = await open()
    await ask()
    await sql`deallocate all`.execute(db)
    await expect(ask()).rejects.toMatchObject({ code: '26000' })
    for (let turn = 0; turn < 3; turn++) expect(await ask()).toEqual([{ number: 7 }])
    expect(await prepared()).toEqual([])
  })

  test('a table that was changed is read by another connection', async () => {
    const { db, ask, prepared, text } = await open()
    await ask()
    await sql`alter table given add column more integer`.execute(db)
    await expect(ask()).rejects.toMatchObject({ code: '0A000' })
    expect(await ask()).toEqual([{ number: 7, more: null }])
    expect(await prepared()).toEqual([text])
  })

  const pidOf = async (db: Kysely<never>) => {
    const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(db)
    return rows[0]!.pid
  }
  const terminate = (other: Client, pid: number) => other.query('select pg_terminate_backend($1, 10000)', [pid])
  const hasBegun = (other: Client, pid: number) =>
    expect
      .poll(async () => (await other.query('select state from pg_stat_activity where pid = $1', [pid])).rows, {
        timeout: patience,
      })
      .toEqual([{ state: 'active' }])

  test('a connection that is ended while it is asked is not lent again, though its end is heard later', async () => {
    const url = new URL(await newPostgresDatabase(postgresUrl!))
    const relay = await startRelay(Number(url.port), {
      toClient: text => {
        if (text.includes('57P01')) relay.silence()
        return text
      },
    })
    onTestFinished(() => relay.stop())
    const other = new Client({ connectionString: url.href })
    await other.connect()
    onTestFinished(() => other.end())
    url.port = String(relay.port)
    const db = new Kysely<never>({ dialect: postgresDialect(url.href, { max: 1 }) })
    onTestFinished(() => db.destroy())
    const pid = await pidOf(db)
    const failed = expect(sql`select pg_sleep(600)`.execute(db)).rejects.toMatchObject({ code: '57P01' })
    await hasBegun(other, pid)
    await terminate(other, pid)
    await failed
    relay.resume()
    expect(await pidOf(db)).not.toBe(pid)
  })

  test('a connection that ends while idle is not lent again', async () => {
    const { db, other, ask } = await open()
    const pid = await pidOf(db)
    await terminate(other, pid)
    // The next statement may reveal its end; after that there is another connection.
    await ask().catch(() => undefined)
    expect(await ask()).toEqual([{ number: 7 }])
    expect(await pidOf(db)).not.toBe(pid)
  })

  test('a transaction whose connection is ended says why, and the next one has another', async () => {
    const { db, other, ask } = await open()
    const asked = db.transaction().execute(async transaction => {
      const pid = await pidOf(transaction)
      const failed = sql`select pg_sleep(600)`.execute(transaction)
      failed.catch(() => undefined)
      await hasBegun(other, pid)
      await terminate(other, pid)
      await failed
    })
    const error = await asked.catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: '57P01', severity: 'FATAL' })
    expect(databaseFaultKind(error)).toBe('silent')
    expect(await ask()).toEqual([{ number: 7 }])
  })

  test('a transaction whose connection is ended between two questions says why', async () => {
    const { db, other, ask } = await open()
    const asked = db.transaction().execute(async transaction => {
      await terminate(other, await pidOf(transaction))
      // The end may be noticed late: until then a statement is sent, and fails for the same reason.
      await sql`select 1`.execute(transaction)
    })
    const error = await asked.catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: '57P01', severity: 'FATAL' })
    expect(await ask()).toEqual([{ number: 7 }])
  })

  test.each([
    ['26000', sql`deallocate all`],
    ['0A000', sql`alter table given add column more integer`],
  ])('a transaction that fails by a stale statement says so: %s', async (code, meanwhile) => {
    const { db, ask } = await open()
    await ask()
    await meanwhile.execute(db)
    const asked = db.transaction().execute(async transaction => {
      await transaction.executeQuery(CompiledQuery.raw('select * from given where number = $1', [7]))
    })
    const error = await asked.catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code })
    expect(databaseFaultKind(error)).toBe('silent')
    expect(await ask()).toMatchObject([{ number: 7 }])
  })

  test('a question with a callback is left to the driver', async () => {
    const pool = await openPool(await newPostgresDatabase(postgresUrl!), { max: 1 })
    onTestFinished(() => pool.end())
    const client = (await pool.connect()) as unknown as Client
    const answered = Promise.withResolvers<unknown[]>()
    const result = client.query('select 7 as number', (error: Error | null, { rows }: QueryResult) =>
      error ? answered.reject(error) : answered.resolve(rows),
    )
    expect(result).toBeUndefined()
    expect(await answered.promise).toEqual([{ number: 7 }])
    ;(client as unknown as PoolClient).release()
  })
})
