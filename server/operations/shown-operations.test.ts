/** ShownOperations after a start: messages that lists showed as changed, but that were not, are re-read. */
import { expect, test } from 'vitest'
import { principalOf } from '../../test/support/operation-world.ts'
import { ExpectedChanges } from '../index/expected-changes.ts'
import { newItem, newOperation } from './new-operation.ts'
import type { ItemRow, OperationRow } from './operation-tables.ts'
import { ShownOperations } from './shown-operations.ts'

test('of an operation that is not finished, messages that were refused before the start are read again', async () => {
  const operation = newOperation(principalOf('token'), {
    ...{ id: '1', accountId: 'a', kind: 'flags' },
    args: { add: ['\\Flagged'], remove: [] },
  })
  const place = (path: string, uid: number) => ({ path, uidValidity: 7, uid })
  const change = '{"add":["\\\\Flagged"],"remove":[]}'
  const items: ItemRow[] = [place('Archive', 8), place('Junk', 11)].map((at, position) =>
    newItem(operation, position, change, { messageId: null, place: at }),
  )
  // Its folders are handled one after the other, and the process ended in between.
  Object.assign(items[0]!, { state: 'failed', code: 'mail_server_refused' })
  const expected = new ExpectedChanges()
  const shown = new ShownOperations({ expected, indexerOf: () => undefined })
  await shown.load({
    accountsWithPending: async () => ['a'],
    accounts: async () => ['a'],
    listPending: async () => [operation as OperationRow],
    listFailed: async () => [],
    items: async () => items,
  })
  const of = expected.of('a')
  expect(of.toReadAgain('Archive', 7).map(each => each.place.uid)).toEqual([8])
  expect(of.toReadAgain('Junk', 7)).toEqual([])
  expect(of.batches().map(({ path }) => path)).toEqual(['Junk'])
})
