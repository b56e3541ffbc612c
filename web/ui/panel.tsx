/** A card around one query, with all its states: loading, live, stale, empty, failed. */
import type { UseQueryResult } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { formatClock } from '../platform/format.ts'
import { useFreshness } from '../platform/live.tsx'
import { Card } from './card.tsx'
import { ErrorState } from './error-state.tsx'
import { SkeletonRows } from './skeleton.tsx'

/**
 * A panel.
 * @param intervalMs Update interval of polled data; omit it for data that facts keep fresh.
 * @param empty Shown instead when `isEmpty` returns true.
 */
export function Panel<Data>({
  title,
  query,
  children,
  actions,
  footer,
  skeleton = <SkeletonRows count={3} />,
  isEmpty,
  empty,
  intervalMs,
  isFlush = true,
}: {
  title?: ReactNode
  query: UseQueryResult<Data>
  children(data: Data): ReactNode
  actions?: ReactNode
  footer?: ReactNode
  skeleton?: ReactNode
  isEmpty?: (data: Data) => boolean
  empty?: ReactNode
  intervalMs?: number
  isFlush?: boolean
}) {
  const freshness = useFreshness(query.dataUpdatedAt, intervalMs)
  const { data, error } = query
  const isStale = data !== undefined && (freshness.isStale || query.isRefetchError)
  const asOf = freshness.isStale ? freshness.asOf : query.dataUpdatedAt
  return (
    <Card
      title={title}
      isFlush={isFlush}
      isStale={isStale}
      footer={footer}
      actions={
        <>
          {isStale && <AsOf at={asOf} reason={query.isRefetchError ? query.error.message : undefined} />}
          {actions}
        </>
      }
    >
      {data === undefined && error && <ErrorState error={error} onRetry={() => void query.refetch()} />}
      {data === undefined && !error && skeleton}
      {data !== undefined &&
        (isEmpty?.(data) ? empty : <div className={isStale ? 'text-soft' : undefined}>{children(data)}</div>)}
    </Card>
  )
}

/** Shows since when the data is stale. */
export function AsOf({ at, reason }: { at: number; reason?: string | undefined }) {
  return (
    <span className="text-xs text-warn" title={reason}>
      as of {formatClock(at)}
    </span>
  )
}
