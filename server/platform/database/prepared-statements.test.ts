/** Statements that stay prepared: on each connection once, and given up where that is not what it was. */
import { CompiledQuery, Kysely, sql } from 'kysely'
import type { PoolClient, QueryConfig } from 'pg'
import { describe, expect, inject, onTestFinished, test, vi } from 'vitest'
import { newPostgresDatabase } from '../../../test/support/databases.ts'
import { postgresDialect } from './postgres-dialect.ts'
import { keepPrepared } from './prepared-statements.ts'

const postgresUrl = inject('postgresUrl')

async function open() {
  const db = new Kysely<never>({ dialect: postgresDialect(await newPostgresDatabase(postgresUrl!), { max: 1 }) })
  onTestFinished(() => db.destroy())
  await sql`create table given (number integer)`.execute(db)
  await sql`insert into given values (7)`.execute(db)
  const text = 'select * from given where number = $1'
  keepPrepared(text)
  const ask = async () => (await db.executeQuery(CompiledQuery.raw(text, [7]))).rows
  const prepared = async () => {
    const { rows } = await sql<{ statement: string }>`select statement from pg_prepared_statements`.execute(db)
    return rows.map(({ statement }) => statement)
  }
  return { db, text, ask, prepared }
}

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

  test('what another thread prepared is not run in its place, where a pooler lends the connection of that one', async () => {
    const { db, ask } = await open()
    await ask()
    vi.resetModules()
    // As in a thread of its own, whose first statement is another one.
    const other = await import('./prepared-statements.ts')
    const text = 'select 1 as other where $1 = 7'
    other.keepPrepared(text)
    const names: string[] = []
    const heard = { query: async ({ name }: QueryConfig) => void names.push(name!) } as unknown as PoolClient
    new other.PreparedStatements().use(heard)
    await heard.query(text, [7])
    await sql`deallocate all`.execute(db)
    await sql`prepare ${sql.id(names[0]!)} (integer) as ${sql.raw(text)}`.execute(db)
    await expect(ask()).rejects.toMatchObject({ code: '26000' })
  })

  test('a table that was changed is read by another connection', async () => {
    const { db, ask, prepared, text } = await open()
    await ask()
    await sql`alter table given add column more integer`.execute(db)
    await expect(ask()).rejects.toMatchObject({ code: '0A000' })
    expect(await ask()).toEqual([{ number: 7, more: null }])
    expect(await prepared()).toEqual([text])
  })
})
