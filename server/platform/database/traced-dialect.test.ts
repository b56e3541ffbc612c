/** Statements are spans of what asks for them, on every database: by operation and table, without a word of text or values, and none where nothing is recorded. */
import { expect, onTestFinished, test } from 'vitest'
import { onEachDatabase, openOnThreads } from '../../../test/support/databases.ts'
import { startCollector } from '../../../test/support/otlp-collector.ts'
import { tracerTo } from '../../../test/support/traced.ts'
import { migrations } from '../../migrations.ts'
import { type Database, openDatabase } from './database.ts'
import { later } from './later.ts'
import { migrate } from './migrate.ts'
import { maxStatements, statementName } from './traced-dialect.ts'

const canary = 'Zebrafinch'
const row = (name: string) => ({ name, value: canary, updated_at: 'now' })
const read = (db: Database) => db.selectFrom('settings').select('value').where('name', '=', canary).execute()

type Tracing = Awaited<ReturnType<typeof tracerTo>>

async function storyOf(open: (tracer: Tracing) => Promise<Database>, system: string) {
  const collector = await startCollector()
  const tracer = await tracerTo(collector)
  const db = await open(tracer)
  await migrate(db, migrations)
  await read(db)
  await tracer.trace('request', {}, async () => {
    await read(db)
    await db.transaction().execute(async transaction => {
      await later(transaction, transaction.insertInto('settings').values(row('one')))
      await transaction.insertInto('settings').values(row('two')).execute()
    })
    await db.updateTable('settings').set({ value: canary }).where('name', '=', 'one').execute()
    await db.deleteFrom('settings').where('name', '=', 'two').execute()
    await expect(db.insertInto('settings').values(row('one')).execute()).rejects.toThrow()
  })
  const request = await collector.until('request')
  await collector.until('INSERT settings', ({ status }) => status === 2)
  expect(collector.tree(request)).toEqual([
    'request',
    ...['SELECT', 'INSERT'].map(word => `  ${word} settings`),
    '  COMMIT',
    ...['UPDATE', 'DELETE', 'INSERT'].map(word => `  ${word} settings`),
  ])
  const select = collector.find('SELECT settings')
  expect(select).toMatchObject({ kind: 3, status: 0 })
  expect(select?.attributes).toEqual({
    ...{ 'db.system.name': system, 'db.operation.name': 'SELECT', 'db.collection.name': 'settings' },
  })
  expect(collector.text).not.toContain(canary)

  await tracer.trace('rounds', {}, async () => {
    for (let round = 0; round < maxStatements + 10; round++) await read(db)
  })
  const rounds = await collector.until('rounds')
  expect(collector.tree(rounds)).toHaveLength(1 + maxStatements)
  // A trace that its caller does not sample is not recorded here either.
  const quiet = { traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-00` }
  await tracer.trace('quiet', { parent: quiet }, () => read(db))
  const count = collector.spans.length
  await tracer.trace('last', {}, () => read(db))
  await collector.until('last')
  expect(collector.spans.length).toBe(count + 2)
}

onEachDatabase((_open, url) => {
  test('statements of a request are told in their order, with their failures, as many as are worth it', async () => {
    const at = await url()
    const open = async (tracer: Tracing) => {
      const db = openDatabase(at, undefined, tracer)
      onTestFinished(() => db.destroy())
      return db
    }
    await storyOf(open, at.startsWith('sqlite:') ? 'sqlite' : 'postgresql')
  })
})

test('and where SQLite is on threads', async () => {
  await storyOf(async tracer => (await openOnThreads({ tracer })).db, 'sqlite')
})

test.each([
  ['select "a"."id" from "conversations" as "a" where "x" = ?', 'SELECT', 'conversations'],
  ['insert into "events" ("number") values (?)', 'INSERT', 'events'],
  ['update "leases" set "until" = ?', 'UPDATE', 'leases'],
  ['delete from "events" where "number" <= ?', 'DELETE', 'events'],
  [
    'with "some" as materialized (select "number" from (select "number" from "events") as "seen") select',
    'WITH',
    'events',
  ],
  ['(select 1 from "users")', 'SELECT', 'users'],
  ['select 1', 'SELECT', undefined],
  ['vacuum', 'OTHER', undefined],
])('%s', (sql, operation, table) => {
  expect(statementName(sql)).toEqual({ operation, table })
})
