/** Converts the plan of an undo to the contract's report. */
import { type Operation, type OperationKind, shownChanges, type UndoReport } from '../../contract/operations.ts'
import { maySeeAccount, type Principal } from '../platform/principal.ts'
import type { NewOperation } from './accepted-calls.ts'
import { fromWireFlag } from './flag-words.ts'
import { isFolderKind } from './folder-kinds.ts'
import { toOperation } from './operation-view.ts'
import type { PlannedUndo } from './undo-plan.ts'

/** Limits a stored report to the accounts that the principal may see now. */
export function visibleReport(principal: Principal, kept: string): UndoReport {
  const report = JSON.parse(kept) as UndoReport
  return { ...report, undone: report.undone.filter(({ operation }) => maySeeAccount(principal, operation.account_id)) }
}

export function reportOf(
  plans: readonly PlannedUndo[],
  undos: ReadonlyMap<string, NewOperation>,
  isDryRun: boolean,
): UndoReport {
  const undone = plans.map(({ operation, changes }) => {
    const undo = undos.get(operation.id)?.operation
    const count = (outcome: string) => changes.filter(change => change.outcome === outcome).length
    const shown: Operation = toOperation(undo ? { ...operation, undone_by: undo.id } : operation)
    const waiting = operation.state === 'pending' ? shown.counts.waiting : 0
    return {
      operation: shown,
      undo: undo ? toOperation(undo) : null,
      will_change: count('will_change'),
      nothing_to_do: count('nothing_to_do'),
      conflict: count('conflict'),
      impossible: count('impossible') + waiting,
    }
  })
  const changes = plans.flatMap(({ operation, changes: all }) =>
    all.map(({ item, place, change, outcome, why }) => ({
      operation_id: operation.id,
      id: item.message_id,
      folder: isFolderKind(operation.kind) ? item.path : (place?.path ?? null),
      action: outcome === 'will_change' ? actionOf[operation.kind] : ('none' as const),
      add: (change.add ?? []).map(fromWireFlag),
      remove: (change.remove ?? []).map(fromWireFlag),
      to: change.to ?? null,
      outcome,
      why,
    })),
  )
  const omitted = Math.max(0, changes.length - shownChanges)
  return {
    dry_run: isDryRun,
    undone,
    changes: changes.slice(0, shownChanges),
    changes_omitted: omitted,
    has_more: false,
  }
}

const actionOf = {
  flags: 'set_flags',
  move: 'move_back',
  copy: 'remove_copy',
  delete: 'none',
  create_folder: 'delete_folder',
  rename_folder: 'rename_folder',
  delete_folder: 'none',
  subscribe_folder: 'unsubscribe_folder',
  unsubscribe_folder: 'subscribe_folder',
} as const satisfies Record<OperationKind, string>
