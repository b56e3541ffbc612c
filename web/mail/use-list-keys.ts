/** The keys of a list of mail: j and k walk through it, o opens, u closes, x selects; the arrows while the focus is in it. */
import { type KeyboardEvent, type RefObject, useCallback, useLayoutEffect, useRef } from 'react'
import { usePageKeys } from '../shell/page-keys.ts'
import type { MailRow } from './mail-row.ts'
import { rowSelector } from './message-row.tsx'

interface Options {
  rows: readonly MailRow[]
  /** Where the focus is, or was; -1 where it was in no row. */
  current: number
  /** What is open; -1 for none of these rows. */
  openAt: number
  scroller: RefObject<HTMLElement | null>
  /** Brings a row into sight. */
  scrollTo(index: number): void
  /** @param isNext It takes the place of what is open, in the history of the window too. */
  open(row: MailRow, isNext: boolean): void
  close(): void
  select(key: string): void
  selectAll(): void
  /** Answers whether anything was selected. */
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
  // The row is drawn with the next turn, if it was not in sight.
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
