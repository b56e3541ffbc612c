/** Accounts are kept the same way on both databases. */
import { expect, test } from 'vitest'
import { onEachDatabase } from '../../test/support/databases.ts'
import { AccountStore } from './account-store.ts'
import { KnownAccounts } from './known-accounts.ts'

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

  test('accounts that are known are read again once they have changed, here or in another process', async () => {
    const db = await open()
    const listeners: (() => void)[] = []
    const hub = { listen: (_type: unknown, listener: () => void) => void listeners.push(listener) }
    const known = new KnownAccounts(db, hub as never)
    const tell = () => void listeners.map(listener => listener())
    const names = async () => [...(await known.listIds()), (await known.findDefault())?.id]
    const elsewhere = new AccountStore(db)
    await elsewhere.insert(db, account('a'))
    expect(await names()).toEqual(['a', 'a'])
    await elsewhere.insert(db, account('bb'))
    // A change by another process is known once it is announced, an added account once it is looked up.
    expect(await names()).toEqual(['a', 'a'])
    expect(await known.find('bb', db)).toMatchObject({ id: 'bb' })
    expect(await known.find('bb')).toMatchObject({ id: 'bb' })
    expect(await names()).toEqual(['a', 'bb', 'a'])
    await elsewhere.delete(db, 'bb')
    expect(await names()).toEqual(['a', 'bb', 'a'])
    tell()
    expect([await known.find('bb'), ...(await names())]).toEqual([undefined, 'a', 'a'])
    await elsewhere.insert(db, account('bb'))
    tell()
    // A local write counts from its commit on, announced or not; a rolled back one never does.
    const written = db.transaction().execute(async transaction => {
      await known.insert(transaction, account('ccc'))
      throw new Error('taken back')
    })
    await expect(written).rejects.toThrow('taken back')
    expect(await names()).toEqual(['a', 'bb', 'a'])
    await db.transaction().execute(transaction => known.delete(transaction, 'a'))
    expect(await names()).toEqual(['bb', 'bb'])
    tell()
    const row = await known.find('bb')
    await db.transaction().execute(transaction => known.update(transaction, { ...row!, name: 'new' }))
    expect((await known.list()).map(({ name }) => name)).toEqual(['new'])
  })

  test('one look is for all who ask meanwhile, and one that fails is made again', async () => {
    const db = await open()
    await new AccountStore(db).insert(db, account('a'))
    let asked = 0
    const selectFrom = (...given: Parameters<typeof db.selectFrom>) => {
      if (++asked === 1) throw new Error('busy')
      return db.selectFrom(...given)
    }
    const known = new KnownAccounts({ selectFrom } as never, { listen: () => () => undefined })
    await expect(known.list()).rejects.toThrow('busy')
    const all = await Promise.all([known.list(), known.find('a'), known.listIds()])
    expect([all, asked]).toMatchObject([[[{ id: 'a' }], { id: 'a' }, ['a']], 2])
  })
})
