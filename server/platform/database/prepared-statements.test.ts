/** Statements that stay prepared: on each connection once, and given up where that is not what it was. */
import { CompiledQuery, Kysely, sql } from 'kysely'
import type { PoolClient } from 'pg'
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

/** As a program of its own has them, or a thread. */
async function namesOf(texts: readonly string[]): Promise<Map<string, string>> {
  vi.resetModules()
  const { keepPrepared: keep, PreparedStatements } = await import('./prepared-statements.ts')
  const names = new Map<string, string>()
  const query = async ({ text, name }: { text: string; name: string }) => void names.set(text, name)
  const client = { query } as unknown as PoolClient
  new PreparedStatements().use(client)
  for (const text of texts) {
    keep(text)
    await client.query(text, [])
  }
  return names
}

test('one name stands for one text in all programs: where a pooler lends the connection of another, none runs what that one prepared', async () => {
  const [one, other] = [await namesOf(['select 1', 'select 2']), await namesOf(['select 2', 'select 1'])]
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
})
