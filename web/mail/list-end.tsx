/** The end of a list: no more messages, older ones loading, or why they failed to load. */
import { formatCount, formatNumber } from '../platform/format.ts'
import { Button } from '../ui/button.tsx'
import { ErrorNote } from '../ui/error-state.tsx'
import { mostRows } from './mail-pages.ts'
import { isThreadRow, type MailPage } from './mail-row.ts'
import type { useMailList } from './use-mail-list.ts'

export function ListEnd({ page, older }: { page: MailPage; older: ReturnType<typeof useMailList>['older'] }) {
  const { next_cursor: cursor, rows, total } = page
  if (cursor === null && rows.length >= mostRows) {
    return (
      <p className="px-3 py-4 text-center text-xs text-muted">
        The newest {formatNumber(rows.length)} are listed. Search to find older ones.
      </p>
    )
  }
  if (cursor === null) {
    const noun = rows[0] && isThreadRow(rows[0]) ? 'thread' : 'message'
    return <p className="px-3 py-4 text-center text-xs text-muted">{formatCount(rows.length, noun)}, all shown</p>
  }
  // The last failed request may have been for another list.
  const hasFailed = older.variables === cursor && older.error
  return (
    <div role="status" className="grid justify-items-center gap-2 p-3 text-xs text-muted">
      {hasFailed ? (
        <>
          <ErrorNote error={older.error} />
          <Button size="sm" onClick={() => older.mutate(cursor)}>
            Load older messages
          </Button>
        </>
      ) : (
        <p>
          {formatNumber(rows.length)}
          {total !== null && ` of ${formatNumber(total)}`} loaded
        </p>
      )}
    </div>
  )
}
