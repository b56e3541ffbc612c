/** Progress of an undo of many operations; older ones can be previewed once these are settled. */
import { useQueries } from '@tanstack/react-query'
import { useEffect } from 'react'
import { api } from '../../contract/index.ts'
import type { UndoReport } from '../../contract/operations.ts'
import { call } from '../platform/api-client.ts'
import { formatNumber } from '../platform/format.ts'
import { queryKeys } from '../platform/query-keys.ts'

/** Accounts run their operations in order, so the last one of each tells when all are done. */
function lastOfEach({ undone }: UndoReport) {
  const undos = undone.flatMap(({ undo }) => undo ?? [])
  return [...new Map(undos.map(undo => [undo.account_id, undo])).values()]
}

export function UndoProgress({ report, onSettled }: { report: UndoReport; onSettled(): void }) {
  const count = report.undone.filter(({ undo }) => undo !== null).length
  const isSettled = useQueries({
    queries: lastOfEach(report).map(({ id }) => ({
      queryKey: queryKeys.operation(id),
      queryFn: ({ signal }: { signal: AbortSignal }) =>
        call(api.operations.getOperation, { params: { operation_id: id }, signal }),
    })),
    combine: answers => answers.every(({ data }) => data !== undefined && data.state !== 'pending'),
  })
  useEffect(() => {
    if (isSettled) onSettled()
  }, [isSettled, onSettled])
  return (
    <p role="status">
      {isSettled
        ? `Undone: ${formatNumber(count)}. There are older changes.`
        : `Undoing ${formatNumber(count)}. Older changes can be listed when this is done.`}
    </p>
  )
}
