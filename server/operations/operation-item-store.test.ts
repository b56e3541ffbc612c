/** Items written by one statement are read back unchanged, whatever differs between them. */
import { expect, test } from 'vitest'
import { onEachDatabase } from '../../test/support/databases.ts'
import { principalOf } from '../../test/support/operation-world.ts'
import { keepAccount } from '../../test/support/watched-accounts.ts'
import type { Database } from '../platform/database/database.ts'
import { newOperation } from './new-operation.ts'
import { updateItems } from './operation-item-store.ts'
import { OperationStore } from './operation-store.ts'
import type { ItemRow } from './operation-tables.ts'

const plain: Omit<ItemRow, 'position'> = {
  ...{ operation_id: 'one', account_id: 'a', message_id: null, path: 'INBOX', uid_validity: 7, uid: 1 },
  ...{ change: '{"to":"A"}', flags: null, identity: null, changed: null, undoes: null },
  ...{ after_path: null, after_uid_validity: null, after_uid: null, state: 'waiting', code: null, why: null },
}
const most = 2 ** 32 - 1
const odd = 'it\'s "so" \\ \u{1F600} \u2028 \n [1,null]'

async function storeWith(db: Database, items: readonly ItemRow[], id = 'one'): Promise<OperationStore> {
  const store = new OperationStore(db)
  const operation = newOperation(principalOf('token-1'), { id, accountId: 'a', kind: 'move', args: {} })
  await db.transaction().execute(transaction => store.insert(transaction, operation, items))
  return store
}

onEachDatabase(open => {
  test('each column keeps what it is given, where rows differ and where they do not', async () => {
    const db = await open()
    await keepAccount(db, 'a')
    const items: ItemRow[] = [
      { ...plain, position: 0 },
      { ...plain, position: 1, message_id: odd, path: odd, uid_validity: most, uid: most, change: odd },
      { ...plain, position: 2, path: null, uid_validity: null, uid: null, state: 'failed', code: 'x', why: odd },
      { ...plain, position: 3, undoes: 5, identity: odd, flags: '[]', changed: '12', message_id: '0012' },
      { ...plain, position: 4, after_path: odd, after_uid_validity: most, after_uid: most },
    ]
    const store = await storeWith(db, items)
    expect(await store.items('one')).toEqual(items)
    const alone = { ...plain, operation_id: 'two', position: 0, uid: most, why: odd, message_id: '12' }
    await storeWith(db, [alone], 'two')
    expect(await store.items('two')).toEqual([alone])
    await storeWith(db, [], 'three')
    expect(await store.items('three')).toEqual([])
  })

  test('a thousand changes set what they name, also to null, in their operation alone', async () => {
    const db = await open()
    await keepAccount(db, 'a')
    const items = Array.from({ length: 1_000 }, (_, position) => ({ ...plain, position, uid: position + 1, code: 'x' }))
    const store = await storeWith(db, items)
    const others = items.map(item => ({ ...item, operation_id: 'two' }))
    await storeWith(db, others, 'two')
    const valuesOf = ({ position }: ItemRow): Partial<ItemRow> => {
      if (position % 10 === 0) return {}
      if (position % 10 === 1) return { state: 'failed', why: `refused ${position}` }
      return { state: 'done', code: null, after_path: 'A', after_uid_validity: 9, after_uid: most - position }
    }
    const changes = items.map(item => ({ item, values: valuesOf(item) }))
    await db.transaction().execute(transaction => updateItems(transaction, changes))
    expect(await store.items('one')).toEqual(items.map(item => ({ ...item, ...valuesOf(item) })))
    expect(await store.items('two')).toEqual(others)
    // Equal values: updated by ranges of positions, if there are few.
    for (const step of [1, 2, 400]) {
      const some = items.filter(({ position }) => position % step === 0).reverse()
      const same = { state: 'sent', why: `every ${step}`, code: null } as const
      await db.transaction().execute(transaction =>
        updateItems(
          transaction,
          some.map(item => ({ item, values: same })),
        ),
      )
      const changed = (await store.items('one')).filter(({ why }) => why === `every ${step}`)
      expect(changed.map(({ position }) => position)).toEqual(some.map(({ position }) => position).reverse())
    }
    // Moved by a common offset, up and down, from and to the highest possible UID; and by different ones.
    for (const [first, step] of [
      [1_001, 1],
      [most - 999, 1],
      [5_000, -1],
    ] as const) {
      const uidOf = ({ position }: ItemRow) => first + step * position
      const moved = items.map(item => ({ item, values: { after_uid: uidOf(item) } }))
      await updateItems(db, moved)
      expect((await store.items('one')).map(item => item.after_uid)).toEqual(items.map(uidOf))
      const back = items.map(item => ({ item: { ...item, uid: uidOf(item) }, values: { uid: uidOf(item) } }))
      await updateItems(db, back)
      const again = back.map(({ item }) => ({ item, values: { uid: item.position + 1, after_uid: item.position + 1 } }))
      await updateItems(db, again)
      expect((await store.items('one')).map(item => item.after_uid)).toEqual(items.map(({ uid }) => uid))
    }
    expect(await store.items('two')).toEqual(others)
    await updateItems(db, [])
    // Cut within a surrogate pair, as responses of a mail server may be.
    const cut = [0, 1].map(position => ({
      item: items[position]!,
      values: { why: `${position} \u{1F600}`.slice(0, 3) },
    }))
    await updateItems(db, cut)
    expect((await store.items('one')).slice(0, 2).map(({ why }) => why)).toEqual(['0 \uFFFD', '1 \uFFFD'])
  })
})
