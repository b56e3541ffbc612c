/** Places of messages follow renames of folders, each once, even if a new path is the old one of a subfolder. */
import { expect, test } from 'vitest'
import { onEachDatabase } from '../../test/support/databases.ts'
import { principalOf } from '../../test/support/operation-world.ts'
import { keepAccount } from '../../test/support/watched-accounts.ts'
import { renamedBy } from './folder-kinds.ts'
import { MovedMessageStore } from './moved-message-store.ts'
import { newItem, newOperation } from './new-operation.ts'
import { OperationStore } from './operation-store.ts'
import type { Place } from './operation-tables.ts'

onEachDatabase(open => {
  test('messages are followed through what was moved, whether few or many lie between them', async () => {
    const db = await open()
    await keepAccount(db, 'a')
    const store = new OperationStore(db)
    const move = async (id: string, path: string, to: string, uids: readonly number[]) => {
      const operation = { ...newOperation(principalOf('token'), { id, accountId: 'a', kind: 'move', args: {} }) }
      const items = uids.map((uid, position) => {
        const found = { messageId: null, place: { path, uidValidity: 1, uid }, identity: null }
        const after = { after_path: to, after_uid_validity: 2, after_uid: uid + 5_000, state: 'done' as const }
        return { ...newItem(operation, position, JSON.stringify({ to }), found), ...after }
      })
      await db.transaction().execute(transaction => store.insert(transaction, operation, items))
    }
    const moved = new MovedMessageStore(db)
    const at = (path: string, uid: number, uidValidity = 1) => ({ path, uidValidity, uid })
    const follow = async (places: Place[]) => [...(await moved.follow('a', places)).values()]
    await move('one', 'INBOX', 'Archive', [3, 7, 900])
    const named = [at('INBOX', 1), at('INBOX', 7), at('INBOX', 900), at('INBOX', 1_000), at('Junk', 7)]
    const found = [at('Archive', 5_007, 2), at('Archive', 5_900, 2)]
    expect(await follow(named)).toEqual(found)
    expect(await moved.follow('b', named)).toEqual(new Map())
    // Enough in between that each UID is looked up.
    const others = Array.from({ length: 300 }, (_, number) => 100 + number)
    await move('two', 'INBOX', 'Trash', others)
    expect(await follow(named)).toEqual(found)
    expect(await follow([at('INBOX', 99), at('INBOX', 100), at('INBOX', 399), at('INBOX', 400)])).toEqual([
      at('Trash', 5_100, 2),
      at('Trash', 5_399, 2),
    ])
  })

  test('a folder takes the path of the one around it, and so do those in it', async () => {
    const db = await open()
    await keepAccount(db, 'a')
    const operation = newOperation(principalOf('token'), { id: 'one', accountId: 'a', kind: 'move', args: {} })
    const paths = ['A/x/x/x', 'A/x/x', 'A/x', 'A/xy', 'B']
    const items = paths.map((path, position) => {
      const found = { messageId: null, place: { path, uidValidity: 1, uid: position + 1 }, identity: null }
      return { ...newItem(operation, position, JSON.stringify({ to: path }), found), after_path: path }
    })
    const store = new OperationStore(db)
    const renamed = renamedBy({ folder: 'A/x', to: 'A', delimiter: '/' })
    await db.transaction().execute(async transaction => {
      await store.insert(transaction, operation, items)
      await new MovedMessageStore(db).renameFolder(transaction, 'a', renamed)
    })
    const after = ['A/x/x', 'A/x', 'A', 'A/xy', 'B']
    const found = (await store.items('one')).map(({ path, after_path, change }) => [
      path,
      after_path,
      JSON.parse(change).to,
    ])
    expect(found).toEqual(after.map(path => [path, path, path]))
  })
})
