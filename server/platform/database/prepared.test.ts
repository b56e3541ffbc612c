/** Statements that are compiled once: filled with the given rows each time, and visible to plugins like others. */
import type { KyselyPlugin } from 'kysely'
import { expect, test } from 'vitest'
import { onEachDatabase } from '../../../test/support/databases.ts'
import type { Database } from './database.ts'
import { later } from './later.ts'
import { Prepared } from './prepared.ts'

interface Setting {
  name: string
  value: string
  updated_at: string
}

const insert = new Prepared((db: Database, row: Setting) => db.insertInto('settings').values(row))
const change = new Prepared((db: Database, before: Setting, after: Setting) =>
  db
    .updateTable('settings')
    .set(after)
    .where('name', '=', before.name)
    .where('value', '=', before.value)
    .where('updated_at', '!=', 'never')
    .returning(['name', 'value']),
)
const setting = (name: string, value: string) => ({ name, value, updated_at: 'now' })
const all = (db: Database) => db.selectFrom('settings').select(['name', 'value']).orderBy('name').execute()

onEachDatabase(open => {
  test('it is filled with what it is given, whatever the order of the columns', async () => {
    const db = await open()
    await insert.with(db, setting('one', '1')).execute()
    await insert.with(db, { value: '2', updated_at: 'now', name: 'two' }).execute()
    const changed = () => change.with(db, setting('one', '1'), setting('uno', 'I')).execute()
    expect(await changed()).toEqual([{ name: 'uno', value: 'I' }])
    expect(await changed()).toEqual([])
    expect(await all(db)).toEqual([
      { name: 'two', value: '2' },
      { name: 'uno', value: 'I' },
    ])
  })

  test('what would leave a value out, or one too many, is not sent', async () => {
    const db = await open()
    await insert.with(db, setting('one', '1')).execute()
    const missing = { name: 'two', value: '2' } as Setting
    await expect(insert.with(db, missing).execute()).rejects.toThrow('other columns than those of: insert into')
    const another = { name: 'two', value: '2', updated: 'now' } as unknown as Setting
    await expect(insert.with(db, another).execute()).rejects.toThrow('no value for updated_at')
    await expect(insert.with(db, { ...setting('two', '2'), id: 2 } as Setting).execute()).rejects.toThrow('columns')
    expect(await all(db)).toEqual([{ name: 'one', value: '1' }])
  })

  test('plugins hear of it each time, and may not change it', async () => {
    const db = await open()
    const heard: string[] = []
    const plugin = (transformQuery: KyselyPlugin['transformQuery']): KyselyPlugin => ({
      transformQuery,
      transformResult: async ({ result }) => result,
    })
    const hear = plugin(({ node }) => {
      heard.push(node.kind)
      return node
    })
    await db
      .withPlugin(hear)
      .transaction()
      .execute(async transaction => {
        await later(transaction, insert.with(transaction, setting('one', '1')))
        await later(transaction, insert.with(transaction, setting('two', '2')))
      })
    expect(heard).toEqual(['InsertQueryNode', 'InsertQueryNode'])
    expect(await all(db)).toHaveLength(2)
    const changing = db.withPlugin(plugin(({ node }) => ({ ...node })))
    await expect(insert.with(changing, setting('three', '3')).execute()).rejects.toThrow('a plugin changes')
  })
})
