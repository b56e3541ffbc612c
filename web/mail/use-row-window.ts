/** Virtualises a list, so that only visible rows are rendered, and remembers the scroll position. */
import { useQueryClient } from '@tanstack/react-query'
import { defaultRangeExtractor, type Range, useVirtualizer } from '@tanstack/react-virtual'
import { type RefObject, useCallback, useEffect, useMemo, useRef } from 'react'
import type { MailRow } from './mail-row.ts'

/** Rows rendered above and below the visible ones. */
const overscan = 8
/** Rows before the end at which older ones are requested. */
const aheadOfEnd = 40

/** Row heights in rem, with and without a preview line. Rows with a warning are measured. */
const heights = { withText: 4.75, short: 3.5 } as const

interface Options {
  rows: readonly MailRow[]
  scroller: RefObject<HTMLElement | null>
  /** Cache key of the list, under which the scroll position is stored, too. */
  queryKey: readonly string[]
  /** A row that is always rendered, because it may have the focus. */
  held: number
  onNearEnd: (() => void) | undefined
}

export function useRowWindow({ rows, scroller, queryKey, held, onNearEnd }: Options) {
  const queries = useQueryClient()
  const placeKey = [...queryKey, 'place']
  const em = useMemo(rootEm, [])
  // A new function would make every row be measured again on each scroll step.
  const keyOf = useCallback((index: number) => rows[index]?.key ?? index, [rows])
  const virtualizer = useVirtualizer<HTMLElement, HTMLElement>({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: index => em * heightOf(rows[index]),
    getItemKey: keyOf,
    overscan,
    initialOffset: () => queries.getQueryData<number>(placeKey) ?? 0,
    rangeExtractor: range => withHeld(range, held),
  })
  const items = virtualizer.getVirtualItems()
  const last = items.at(-1)?.index ?? -1
  const isNearEnd = last >= rows.length - aheadOfEnd
  useEffect(() => {
    if (isNearEnd) onNearEnd?.()
  }, [isNearEnd, onNearEnd])
  const place = useRef<number>(undefined)
  const notePlace = () => {
    place.current = scroller.current?.scrollTop
  }
  const kept = useRef({ queries, placeKey })
  useEffect(
    () => () => {
      if (place.current !== undefined) kept.current.queries.setQueryData(kept.current.placeKey, place.current)
    },
    [],
  )
  const scrollTo = useCallback((index: number) => virtualizer.scrollToIndex(index, { align: 'auto' }), [virtualizer])
  return { virtualizer, items, notePlace, scrollTo }
}

/** Returns whether the row's height depends on its content. */
export function isTall({ message }: MailRow): boolean {
  return message.sender_warnings.length > 0
}

function heightOf(row: MailRow | undefined): number {
  if (!row) return heights.short
  const lines = row.snippet || row.message.preview ? heights.withText : heights.short
  return isTall(row) ? lines + 1.25 : lines
}

function rootEm(): number {
  return Number.parseFloat(getComputedStyle(document.documentElement).fontSize) || 16
}

function withHeld(range: Range, held: number): number[] {
  const drawn = defaultRangeExtractor(range)
  if (held < 0 || held >= range.count || drawn.includes(held)) return drawn
  return [...drawn, held].toSorted((a, b) => a - b)
}
