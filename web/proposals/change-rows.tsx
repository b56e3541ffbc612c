/** Messages as they are and as they would be: the first few, or all of an item in a virtualised list. */
import { useVirtualizer } from '@tanstack/react-virtual'
import { type RefObject, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react'
import { Link } from 'wouter'
import type { ProposedChange } from '../../contract/proposal.ts'
import { messageHref } from '../changes/message-links.tsx'
import { nameOf } from '../mail/address-words.ts'
import { formatMailTime } from '../mail/mail-words.ts'
import { useNow } from '../platform/clock.ts'
import { formatDateTime } from '../platform/format.ts'
import { visibleText } from '../platform/visible-text.ts'
import { classNames } from '../ui/class-names.ts'
import { ErrorState } from '../ui/error-state.tsx'
import { SkeletonRows } from '../ui/skeleton.tsx'
import { type ChangePart, outcomeWordsOf, partsOf } from './proposal-words.ts'
import { useItemChanges } from './use-proposals.ts'

/** Estimated row height in rem. */
const rowEm = 3.5
/** Rows rendered above and below the visible ones. */
const overscan = 10
/** Rows before the end at which more are requested. */
const aheadOfEnd = 50

export function FewChanges({ accountId, changes }: { accountId: string; changes: readonly ProposedChange[] }) {
  return (
    <ul aria-label="What would change" className="grid grid-cols-1">
      {changes.map((change, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: messages may repeat, and the list is replaced as a whole
        <li key={index} className="min-w-0 border-t">
          <ChangeRow accountId={accountId} change={change} />
        </li>
      ))}
    </ul>
  )
}

export function AllChanges({
  proposalId,
  itemId,
  accountId,
  scroller,
}: {
  proposalId: string
  itemId: string
  accountId: string
  /** The scroll container of the whole proposal. */
  scroller: RefObject<HTMLElement | null>
}) {
  const { data, error, refetch, hasNextPage, isFetchingNextPage, fetchNextPage } = useItemChanges(proposalId, itemId)
  const changes = useMemo(() => data?.pages.flatMap(page => page.items) ?? [], [data])
  const list = useRef<HTMLUListElement>(null)
  const margin = useOffsetIn(scroller, list)
  const em = useMemo(() => Number.parseFloat(getComputedStyle(document.documentElement).fontSize) || 16, [])
  const virtualizer = useVirtualizer<HTMLElement, HTMLLIElement>({
    count: changes.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => em * rowEm,
    scrollMargin: margin,
    overscan,
  })
  const rows = virtualizer.getVirtualItems()
  const isNearEnd = (rows.at(-1)?.index ?? -1) >= changes.length - aheadOfEnd
  useEffect(() => {
    if (isNearEnd && hasNextPage && !isFetchingNextPage && !error) void fetchNextPage()
  }, [isNearEnd, hasNextPage, isFetchingNextPage, error, fetchNextPage])
  if (!data && error) return <ErrorState error={error} onRetry={() => void refetch()} />
  if (!data) return <SkeletonRows count={5} />
  const total = data.pages[0]?.total ?? changes.length
  return (
    <>
      <ul ref={list} aria-label="What would change" className="relative" style={{ height: virtualizer.getTotalSize() }}>
        {rows.map(({ index, key, start }) => (
          <li
            key={key}
            ref={virtualizer.measureElement}
            data-index={index}
            aria-setsize={total}
            aria-posinset={index + 1}
            className="absolute inset-x-0 top-0 min-w-0 border-t"
            style={{ transform: `translateY(${start - margin}px)` }}
          >
            <ChangeRow accountId={accountId} change={changes[index]!} />
          </li>
        ))}
      </ul>
      {error && <ErrorState error={error} onRetry={() => void fetchNextPage()} />}
    </>
  )
}

/** Returns the list's offset in the scroll container, which changes as items above it expand and collapse. */
function useOffsetIn(scroller: RefObject<HTMLElement | null>, list: RefObject<HTMLElement | null>): number {
  const [offset, setOffset] = useState(0)
  useLayoutEffect(() => {
    const around = scroller.current
    if (!around) return
    const look = () => {
      if (!list.current) return
      const between = list.current.getBoundingClientRect().top - around.getBoundingClientRect().top
      setOffset(Math.round(between + around.scrollTop))
    }
    look()
    const watch = new ResizeObserver(look)
    for (const part of [around, ...around.children]) watch.observe(part)
    return () => watch.disconnect()
  }, [scroller, list])
  return offset
}

const partLooks: Record<ChangePart['tone'], string> = {
  add: 'bg-good-tint text-good',
  remove: 'bg-warn-tint text-warn',
  delete: 'bg-bad-tint text-bad',
  place: 'bg-info-tint text-info',
}

function ChangeRow({ accountId, change }: { accountId: string; change: ProposedChange }) {
  const { subject, from, date, folder } = change
  const nowMs = useNow(60_000)
  const outcome = outcomeWordsOf(change)
  const name = change.id ?? change.ref
  const words =
    visibleText(subject?.trim() ?? '') || (subject === null ? 'Message with unknown subject' : '(no subject)')
  const isOut = outcome !== undefined
  return (
    <div className={classNames('grid grid-cols-1 gap-0.5 px-3 py-1.5 text-sm', isOut && 'text-muted')}>
      <p className="flex items-baseline gap-2">
        {name === null ? (
          <bdi className="min-w-0 flex-1 truncate">{words}</bdi>
        ) : (
          <Link
            href={messageHref(accountId, name, folder)}
            className={classNames('min-w-0 flex-1 truncate hover:underline', !isOut && 'text-ink')}
          >
            <bdi>{words}</bdi>
          </Link>
        )}
        {date !== null && (
          <time dateTime={date} title={formatDateTime(Date.parse(date))} className="shrink-0 text-xs text-muted">
            {formatMailTime(Date.parse(date), nowMs)}
          </time>
        )}
      </p>
      <p className="flex flex-wrap items-center gap-x-2 gap-y-1 text-xs">
        {from !== null && <bdi className="max-w-full min-w-0 flex-1 basis-32 truncate text-muted">{nameOf(from)}</bdi>}
        {isOut && <span className="rounded-sm bg-unknown-tint px-1.5 py-0.5 text-unknown">{outcome}</span>}
        {partsOf(change).map(({ text, spoken, tone }) => (
          <span
            key={text}
            className={classNames(
              'max-w-full truncate rounded-sm px-1.5 py-0.5 font-medium forced-colors:border',
              partLooks[tone],
              isOut && 'line-through',
            )}
          >
            <span aria-hidden="true">{text}</span>
            <span className="sr-only">{spoken}</span>
          </span>
        ))}
      </p>
    </div>
  )
}
