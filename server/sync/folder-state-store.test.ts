/** Positions of folders on each database: kept by mailbox, as large as they can be, and gone with their account. */
import { expect, test } from 'vitest'
import { onEachDatabase } from '../../test/support/databases.ts'
import { keepAccount } from '../../test/support/watched-accounts.ts'
import { FolderStateStore } from './folder-state-store.ts'

const inbox = { accountId: 'a', path: 'INBOX', mailbox: 'ann@mail.example:993' }
const largest = { uidValidity: 4_294_967_295, uidNext: 4_294_967_295 }

onEachDatabase(open => {
  test('the newest position of a folder is kept, and that of another mailbox is not its own', async () => {
    const db = await open()
    const store = new FolderStateStore(db)
    await keepAccount(db, 'a')
    expect(await store.find(inbox)).toBeUndefined()
    await store.save(db, inbox, { uidValidity: 7, uidNext: 1 })
    await store.save(db, inbox, largest)
    expect(await store.find(inbox)).toEqual(largest)
    const moved = { ...inbox, mailbox: 'ann@other.example:993' }
    expect(await store.find(moved)).toBeUndefined()
    await store.save(db, moved, { uidValidity: 8, uidNext: 2 })
    expect(await store.find(inbox)).toBeUndefined()
    expect(await store.find(moved)).toEqual({ uidValidity: 8, uidNext: 2 })
  })

  test('an account that is deleted leaves no position, and cannot leave one later', async () => {
    const db = await open()
    const store = new FolderStateStore(db)
    for (const id of ['a', 'b']) await keepAccount(db, id)
    const other = { ...inbox, accountId: 'b' }
    for (const folder of [inbox, other]) await store.save(db, folder, largest)
    await db.deleteFrom('accounts').where('id', '=', 'a').execute()
    expect(await db.selectFrom('folder_states').select('account_id').execute()).toEqual([{ account_id: 'b' }])
    await expect(store.save(db, inbox, largest)).rejects.toThrow(/foreign key/i)
  })
})
