/** Uses of many tokens are noted together, each with its own time and address. */
import { expect, test } from 'vitest'
import { aUser } from '../../test/support/a-user.ts'
import { onEachDatabase } from '../../test/support/databases.ts'
import { TokenStore } from './token-store.ts'
import type { ApiTokenRow } from './token-tables.ts'

function row(id: string, user_id: string): ApiTokenRow {
  return {
    id,
    token_hash: `hash-${id}`,
    prefix: 'rm_123456',
    user_id,
    name: 'Bot',
    scopes: '[]',
    accounts: '[]',
    allowed_addresses: '[]',
    created_at: '2026-11-01T08:00:00.000Z',
    expires_at: null,
    last_used_at: null,
    last_used_address: null,
    oauth_client: null,
  }
}

onEachDatabase(open => {
  test('many uses are written in few statements; what was not used, or is gone, is left alone', async () => {
    const db = await open()
    const store = new TokenStore(db)
    const user = aUser()
    await db.insertInto('users').values(user).execute()
    const ids = Array.from({ length: 1_001 }, (_, index) => `token${index}`)
    await db.transaction().execute(async transaction => {
      for (const id of [...ids, 'unused']) await store.insert(row(id, user.id), transaction)
    })
    const uses = ids.map((id, index) => ({
      id,
      at: new Date(Date.parse('2026-11-02T00:00:00Z') + index).toISOString(),
      address: `2001:db8::${index.toString(16)}`,
    }))
    let statements = 0
    const counted = new TokenStore(
      db.withPlugin({
        transformQuery: ({ node }) => {
          statements++
          return node
        },
        transformResult: async ({ result }) => result,
      }),
    )
    await counted.noteUses([...uses, { id: 'gone', at: uses[0]!.at, address: '192.0.2.1' }])
    expect(statements).toBe(3)
    const found = new Map((await store.list()).map(token => [token.id, token]))
    expect(found.size).toBe(1_002)
    for (const { id, at, address } of uses) {
      expect(found.get(id)).toMatchObject({ last_used_at: at, last_used_address: address })
    }
    expect(found.get('unused')).toMatchObject({ last_used_at: null, last_used_address: null })
    await counted.noteUses([])
    expect(statements).toBe(3)
  })
})
