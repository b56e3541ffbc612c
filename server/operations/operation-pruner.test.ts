/** Pruning of operations by age and number, but never of unfinished ones, and of idempotency keys. */
import { expect, test } from 'vitest'
import { onEachDatabase } from '../../test/support/databases.ts'
import { principalOf } from '../../test/support/operation-world.ts'
import { keepAccount } from '../../test/support/watched-accounts.ts'
import type { Database } from '../platform/database/database.ts'
import { createLogger } from '../platform/logger.ts'
import { CallKeyStore } from './call-key-store.ts'
import { newItem, newOperation } from './new-operation.ts'
import { operationPruner } from './operation-pruner.ts'
import { OperationStore } from './operation-store.ts'

const keep = { ms: 60_000, operations: 3, messages: 10, keys: 2 }
const now = Date.parse('2026-11-28T12:00:00.000Z')
const ago = (ms: number) => new Date(now - ms).toISOString()

async function add(db: Database, id: string, given: { at?: string; state?: 'pending' | 'done'; total?: number } = {}) {
  const store = new OperationStore(db)
  const { at = ago(0), state = 'done', total = 1 } = given
  const made = newOperation(principalOf('token-1'), { id, accountId: 'a', kind: 'flags', args: {} })
  const operation = { ...made, at, state, total }
  const place = { path: 'INBOX', uidValidity: 4_294_967_295, uid: 4_294_967_295 }
  const found = { messageId: null, place, identity: null }
  const items = Array.from({ length: total }, (_, position) =>
    newItem(operation, position, JSON.stringify({ add: [] }), found),
  )
  await db.transaction().execute(transaction => store.insert(transaction, operation, items))
}

onEachDatabase(open => {
  const prune = (db: Database, mayPrune = true) => {
    const store = new OperationStore(db)
    const logger = createLogger('silent')
    return operationPruner({
      store,
      keys: new CallKeyStore(db),
      mayPrune: () => mayPrune,
      retentionNow: () => now,
      logger,
      keep,
    }).run()
  }
  const idsOf = async (db: Database) =>
    (await new OperationStore(db).list({ accounts: undefined, limit: 100 })).map(({ id }) => id)

  test('the oldest go by age, by number and by messages, and what is not finished stays', async () => {
    const db = await open()
    await keepAccount(db, 'a')
    await add(db, '1', { at: ago(60_001) })
    await add(db, '2', { at: ago(60_001), state: 'pending' })
    for (const id of ['3', '4', '5', '6']) await add(db, id)
    await prune(db, false)
    expect(await idsOf(db)).toEqual(['6', '5', '4', '3', '2', '1'])
    await prune(db)
    expect(await idsOf(db)).toEqual(['6', '5', '4', '2'])
    await add(db, '7', { total: 9 })
    await prune(db)
    expect(await idsOf(db)).toEqual(['7', '6', '2'])
    const left = await db.selectFrom('operation_items').select('operation_id').distinct().execute()
    expect(left.map(({ operation_id }) => operation_id).sort()).toEqual(['2', '6', '7'])
    const [item] = await new OperationStore(db).items('6')
    expect(item).toMatchObject({ uid: 4_294_967_295, uid_validity: 4_294_967_295 })
    await db.deleteFrom('accounts').execute()
    expect(await idsOf(db)).toEqual([])
  })

  test('one that is too old goes by its age alone', async () => {
    const db = await open()
    await keepAccount(db, 'a')
    await add(db, '1', { at: ago(60_001) })
    await add(db, '2', { at: ago(60_000) })
    await prune(db)
    expect(await idsOf(db)).toEqual(['2'])
  })

  test('keys are forgotten after a day, and beyond the newest of each caller', async () => {
    const db = await open()
    const keys = new CallKeyStore(db)
    const keepKey = (principal_id: string, key: string, at: string) =>
      keys.keep(db, { principal_id, key, digest: '', at, answer: '' })
    await keepKey('one', 'old', ago(24 * 60 * 60_000 + 1))
    for (const [index, key] of ['a', 'b', 'c'].entries()) await keepKey('one', key, ago(10 - index))
    await keepKey('two', 'a', ago(20))
    await prune(db)
    const rows = await db.selectFrom('operation_keys').select(['principal_id', 'key']).execute()
    expect(rows.map(({ principal_id, key }) => `${principal_id} ${key}`).sort()).toEqual(['one b', 'one c', 'two a'])
  })
})
