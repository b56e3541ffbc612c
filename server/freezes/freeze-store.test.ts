/** Stored freezes: lifted once, and only lifted ones are ever forgotten. */
import { expect, test } from 'vitest'
import { onEachDatabase } from '../../test/support/databases.ts'
import { FreezeStore } from './freeze-store.ts'
import type { FreezeRow } from './freeze-tables.ts'

const hour = (at: number) => `2026-11-29T${String(at).padStart(2, '0')}:00:00.000Z`
const rowAt = (id: string, at: number): FreezeRow => ({
  ...{ id, target: 'everything', principal_id: null, account_id: null, reads: 'allow', reason: null },
  ...{ by_kind: 'session', by_id: 'session-1', by_name: 'Ada', at: hour(at) },
  ...{ lifted_at: null, lifted_by_kind: null, lifted_by_id: null, lifted_by_name: null },
})
const lifter = (name: string) => ({
  ...{ lifted_at: hour(20), lifted_by_kind: 'session' as const, lifted_by_id: 'session-1', lifted_by_name: name },
})

onEachDatabase(open => {
  test('only the oldest lifted freezes are forgotten, never one that is in force', async () => {
    const db = await open()
    const store = new FreezeStore(db)
    for (const row of [rowAt('first', 1), rowAt('old', 2), rowAt('newer', 3), rowAt('newest', 4), rowAt('last', 5)])
      await store.insert(db, row)
    const lifted = ['old', 'newer', 'newest']
    for (const id of lifted) await store.lift(db, id, lifter('Ada'))
    const ids = async () => (await store.list(10)).map(({ id }) => id)
    await store.forgetBeyond(db, 3)
    expect(await ids()).toEqual(['last', 'newest', 'newer', 'old', 'first'])
    await store.forgetBeyond(db, 2)
    expect(await ids()).toEqual(['last', 'newest', 'newer', 'first'])
    expect((await store.listActive()).map(({ id }) => id)).toEqual(['last', 'first'])
  })

  test('one is lifted once, and stays lifted by the first', async () => {
    const db = await open()
    const store = new FreezeStore(db)
    for (const row of [rowAt('one', 1), rowAt('other', 2)]) await store.insert(db, row)
    expect(await store.lift(db, 'one', lifter('Ada'))).toBe(true)
    expect(await store.lift(db, 'one', lifter('Ben'))).toBe(false)
    expect((await store.list(10)).map(({ id, lifted_by_name }) => [id, lifted_by_name])).toEqual([
      ['other', null],
      ['one', 'Ada'],
    ])
  })
})
