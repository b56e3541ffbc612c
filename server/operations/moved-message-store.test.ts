/** Places of messages follow the new paths of folders, each once, also where a new path is the old one of a folder inside. */
import { expect, test } from 'vitest'
import { onEachDatabase } from '../../test/support/databases.ts'
import { principalOf } from '../../test/support/operation-world.ts'
import { keepAccount } from '../../test/support/watched-accounts.ts'
import { renamedBy } from './folder-kinds.ts'
import { MovedMessageStore } from './moved-message-store.ts'
import { newItem, newOperation } from './new-operation.ts'
import { OperationStore } from './operation-store.ts'

onEachDatabase(open => {
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
