/** The operations, one of them with its messages, and undoing. */
import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { api } from '../../contract/index.ts'
import type { UndoReport } from '../../contract/operations.ts'
import { keyed } from '../organise/operation-requests.ts'
import { call } from '../platform/api-client.ts'
import { queryKeys } from '../platform/query-keys.ts'
import { type ChangesView, queryOf } from './changes-view.ts'

export function useOperations(view: ChangesView) {
  const query = queryOf(view)
  return useQuery({
    queryKey: [...queryKeys.operations, query],
    queryFn: ({ signal }) => call(api.operations.listOperations, { query, signal }),
    placeholderData: keepPreviousData,
  })
}

export function useOperation(operationId: string) {
  return useQuery({
    queryKey: queryKeys.operation(operationId),
    queryFn: ({ signal }) => call(api.operations.getOperation, { params: { operation_id: operationId }, signal }),
  })
}

/** The extent of an undo: one operation, or all of a principal since a time or in a session. */
export type UndoTarget =
  | { operationId: string }
  | { principal: string; since: string; account_id?: string | undefined; before?: string | undefined }
  | { principal: string; session: string; before?: string | undefined }

function undo(target: UndoTarget, isDryRun: boolean): Promise<UndoReport> {
  return keyed(headers =>
    'operationId' in target
      ? call(api.operations.undoOperation, {
          params: { operation_id: target.operationId },
          body: { dry_run: isDryRun },
          headers,
        })
      : call(api.operations.undoOperations, { body: { ...target, dry_run: isDryRun }, headers }),
  )
}

/** Previews an undo; never cached, because mail changes meanwhile. */
export function useUndoPreview(target: UndoTarget) {
  return useQuery({
    queryKey: ['undo-preview', target],
    queryFn: () => undo(target, true),
    staleTime: 0,
    gcTime: 0,
    retry: false,
  })
}

export function useUndo(target: UndoTarget) {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: () => undo(target, false),
    // The stream would do so too, but it may be down.
    onSettled: () => queries.invalidateQueries({ queryKey: queryKeys.operations }),
  })
}
