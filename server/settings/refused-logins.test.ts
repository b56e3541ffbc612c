/** Refused logins in the database: the last one of each account and part. */
import { expect, test } from 'vitest'
import { onEachDatabase } from '../../test/support/databases.ts'
import { RefusedLogins } from './refused-logins.ts'

onEachDatabase(open => {
  test('of each account and part the last one, until it is forgotten', async () => {
    const db = await open()
    const store = new RefusedLogins(db)
    const refused = (minute: number) => ({ revision: 'r', at: `2026-11-29T09:0${minute}:00.000Z` })
    expect(await store.find('a', 'imap')).toBeUndefined()
    await Promise.all([
      store.keep('a', 'imap', refused(1)),
      store.keep('a', 'smtp', refused(2)),
      store.keep('b', 'imap', refused(3)),
    ])
    await store.keep('a', 'imap', refused(4))
    // As another process reads them.
    const other = new RefusedLogins(db)
    expect(await other.find('a', 'imap')).toEqual(refused(4))
    await other.forget('a', 'imap')
    await other.forget('a', 'imap')
    expect(await store.find('a', 'imap')).toBeUndefined()
    expect(await store.find('a', 'smtp')).toEqual(refused(2))
    expect(await store.find('b', 'imap')).toEqual(refused(3))
    await db
      .updateTable('settings')
      .set({ value: '{"at":"soon"}' })
      .where('name', '=', 'refused_login b imap')
      .execute()
    expect(await store.find('b', 'imap')).toBeUndefined()
  })
})
