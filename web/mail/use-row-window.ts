/** Draws only those rows of a list that are in sight, however long it is, and keeps the place in it. */
import { useQueryClient } from '@tanstack/react-query'
import { defaultRangeExtractor, type Range, useVirtualizer } from '@tanstack/react-virtual'
import { type RefObject, useCallback, useEffect, useMemo, useRef } from 'react'
import type { MailRow } from './mail-row.ts'

/** Rows above and below what is in sight. */
const overscan = 8
/** How many rows before the end older ones are asked for. */
const aheadOfEnd = 40

/** Heights of rows in root em: with and without a line of the text. What has a line of its own to warn is measured. */
const heights = { withText: 4.75, short: 3.5 } as const

interface Options {
  rows: readonly MailRow[]
  scroller: RefObject<HTMLElement | null>
  /** What the list is called in the cache: its place is kept beside it. */
  queryKey: readonly string[]
  /** This row is always drawn: the focus may be in it. */
  held: number
  onNearEnd: (() => void) | undefined
}

export function useRowWindow({ rows, scroller, queryKey, held, onNearEnd }: Options) {
  const queries = useQueryClient()
  const placeKey = [...queryKey, 'place']
  const em = useMemo(rootEm, [])
  // A new function would have every row measured again with each step of scrolling.
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

/** Whether its height is what its contents need, not what all have. */
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
