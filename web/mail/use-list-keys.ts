/** The keys of a mail list: j and k move, o opens, u closes, x selects; the arrows work while the list is focused. */
import { type KeyboardEvent, type RefObject, useCallback, useLayoutEffect, useRef } from 'react'
import { usePageKeys } from '../shell/page-keys.ts'
import type { MailRow } from './mail-row.ts'
import { rowSelector } from './message-row.tsx'

interface Options {
  rows: readonly MailRow[]
  /** The row that has or had the focus; -1 if none. */
  current: number
  /** The open row; -1 if it is not in the list. */
  openAt: number
  scroller: RefObject<HTMLElement | null>
  /** Scrolls a row into view. */
  scrollTo(index: number): void
  /**
   * Opens a row.
   * @param isNext Whether it replaces the open one, in the browser history, too.
   */
  open(row: MailRow, isNext: boolean): void
  close(): void
  select(key: string): void
  selectAll(): void
  /** Clears the selection; returns whether there was one. */
  clear(): boolean
  onFocus(key: string): void
}

const steps: ReadonlyMap<string, number> = new Map([
  ['ArrowDown', 1],
  ['ArrowUp', -1],
  ['Home', Number.NEGATIVE_INFINITY],
  ['End', Number.POSITIVE_INFINITY],
])

export function useListKeys({ rows, current, openAt, scroller, scrollTo, ...acts }: Options) {
  const awaited = useRef('')
  // A row that was out of view is rendered only in the next pass.
  useLayoutEffect(() => {
    if (awaited.current === '') return
    const links = scroller.current?.querySelectorAll<HTMLElement>(rowSelector) ?? []
    const link = [...links].find(({ dataset }) => dataset.key === awaited.current)
    if (!link) return
    awaited.current = ''
    link.focus({ preventScroll: true })
  })
  const { onFocus } = acts
  const focusRow = useCallback(
    (index: number) => {
      const row = rows[index]
      if (!row) return
      awaited.current = row.key
      scrollTo(index)
      onFocus(row.key)
    },
    [rows, scrollTo, onFocus],
  )
  const place = (index: number) => Math.min(Math.max(index, 0), rows.length - 1)
  const step = (by: number) => {
    const from = openAt >= 0 ? openAt : current
    const next = from < 0 ? 0 : place(from + by)
    focusRow(next)
    const row = rows[next]
    if (openAt >= 0 && next !== openAt && row) acts.open(row, true)
  }
  usePageKeys({
    j: () => step(1),
    k: () => step(-1),
    o: () => current >= 0 && acts.open(rows[current]!, openAt >= 0),
    u: () => {
      if (openAt < 0) return false
      acts.close()
      focusRow(openAt)
    },
    x: () => current >= 0 && acts.select(rows[current]!.key),
  })
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'a' && (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey) {
      event.preventDefault()
      return acts.selectAll()
    }
    if (event.key === 'Escape' && acts.clear()) return event.preventDefault()
    const by = steps.get(event.key)
    if (by === undefined || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return
    event.preventDefault()
    focusRow(place(Math.max(current, 0) + by))
  }
  return { focusRow, onKeyDown }
}
