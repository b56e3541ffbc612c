/** The fact that announces a change of an operation. */
import type { EventOf } from '../../contract/event.ts'
import type { OperationCounts } from '../../contract/operations.ts'
import type { OperationRow } from './operation-tables.ts'

export function countsOfRow({ total, done, failed, gone, unknown }: OperationRow): OperationCounts {
  return { total, waiting: total - done - failed - gone - unknown, done, failed, gone, unknown }
}

export function changedFact(operation: OperationRow): EventOf<'operation_changed'> {
  const { id: operation_id, account_id, kind, state, undo_of } = operation
  const counts = countsOfRow(operation)
  return {
    type: 'operation_changed',
    data: { account_id, operation_id, kind, state, counts, undo_of, at: new Date().toISOString() },
  }
}
