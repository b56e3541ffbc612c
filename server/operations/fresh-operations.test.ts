/** FreshOperations hands an accepted operation on once, as it was accepted, and caches only a few. */
import { expect, test } from 'vitest'
import { principalOf } from '../../test/support/operation-world.ts'
import { FreshOperations } from './fresh-operations.ts'
import { newOperation } from './new-operation.ts'

const operationOf = (id: string) => newOperation(principalOf('agent'), { id, accountId: 'a', kind: 'flags', args: {} })

test('each is taken once, as it was taken in; what is forgotten, settled or older than four others is not', () => {
  const fresh = new FreshOperations()
  const operations = ['1', '2', '3', '4', '5', '6'].map(operationOf)
  for (const operation of operations) fresh.keep(operation, [])
  operations[5]!.state = 'done'
  expect(operations.map(({ id }) => fresh.take(id)?.operation.state)).toEqual([
    ...[undefined, undefined],
    ...['pending', 'pending', 'pending', 'pending'],
  ])
  expect(fresh.take('6')).toBeUndefined()
  fresh.keep({ ...operationOf('7'), state: 'proposed' }, [])
  fresh.keep(operationOf('8'), [])
  fresh.forget('8')
  expect(['7', '8'].map(id => fresh.take(id))).toEqual([undefined, undefined])
})
