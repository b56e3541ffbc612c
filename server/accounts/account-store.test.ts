/** Accounts are kept the same way on both databases. */
import { expect, test } from 'vitest'
import { onEachDatabase } from '../../test/support/databases.ts'
import { AccountStore } from './account-store.ts'

const account = (id: string, host = `${id}.example.com`) => ({
  id,
  name: id,
  email: `${id}@example.com`,
  imap_host: host,
  imap_port: 993,
  imap_tls: 'implicit',
  imap_user: id,
  imap_password_sealed: 'sealed',
  smtp_host: null,
  smtp_port: null,
  smtp_tls: null,
  smtp_user: null,
  smtp_password_sealed: null,
  index_level: null,
  oauth_provider: null,
  grant_id: null,
  watched_folders: null,
  look_interval_seconds: null,
  is_sandbox: 0,
  enabled: 1,
  created_at: `2026-01-0${id.length}T00:00:00.000Z`,
  updated_at: '2026-01-01T00:00:00.000Z',
})

onEachDatabase(open => {
  test('the first account is the default, and when it goes the oldest left takes its place', async () => {
    const db = await open()
    const store = new AccountStore(db)
    for (const id of ['a', 'bb', 'ccc']) await store.insert(db, account(id))
    expect((await store.findDefault())?.id).toBe('a')
    await store.delete(db, 'a')
    expect((await store.findDefault())?.id).toBe('bb')
    expect((await store.list()).map(row => [row.id, row.is_default])).toEqual([
      ['bb', 1],
      ['ccc', 0],
    ])
  })

  test('there is one default at most', async () => {
    const db = await open()
    const store = new AccountStore(db)
    await store.insert(db, account('a'))
    const second = await store.insert(db, account('bb'))
    await store.update(db, { ...second, is_default: 1 })
    expect((await store.list()).filter(row => row.is_default === 1).map(row => row.id)).toEqual(['bb'])
  })

  test('the same login cannot stand there twice', async () => {
    const db = await open()
    const store = new AccountStore(db)
    await store.insert(db, account('a', 'same.example.com'))
    await expect(store.insert(db, { ...account('bb', 'same.example.com'), imap_user: 'a' })).rejects.toThrow()
    expect(await store.findLogin({ host: 'same.example.com', port: 993, user: 'a' })).toMatchObject({ id: 'a' })
    expect(await store.list()).toHaveLength(1)
  })
})
