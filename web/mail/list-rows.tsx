/** The virtualised rows of a list, with keyboard navigation and selection of single rows or ranges. */
import { ArrowUp } from 'lucide-react'
import { type RefObject, useCallback, useEffect, useMemo, useRef, useState } from 'react'
import { useLocation } from 'wouter'
import type { ListHandle, MailActions } from '../organise/use-mail-actions.ts'
import { useNow } from '../platform/clock.ts'
import { Button } from '../ui/button.tsx'
import { ListEnd } from './list-end.tsx'
import { isOpenRow, type MailPage, type MailRow } from './mail-row.ts'
import type { MailSource } from './mail-sources.ts'
import { MessageRow } from './message-row.tsx'
import { noSelection, within } from './selection.ts'
import { SelectionBar } from './selection-bar.tsx'
import { useHeldRows } from './use-held-rows.ts'
import { useListHandle } from './use-list-handle.ts'
import { useListKeys } from './use-list-keys.ts'
import type { useMailList } from './use-mail-list.ts'
import type { useMailView } from './use-mail-view.ts'
import { useRowActions } from './use-row-actions.ts'
import { isTall, useRowWindow } from './use-row-window.ts'
import { useSelectAll } from './use-select-all.ts'

interface RowsProps {
  page: MailPage
  /** The mutation that loads older rows; undefined while the rows of the previous list are still shown. */
  older: ReturnType<typeof useMailList>['older'] | undefined
  source: MailSource
  at: ReturnType<typeof useMailView>
  handle: RefObject<ListHandle | null>
  actions: MailActions
  /** Returns whether to show a row's recipient instead of its sender. */
  isOutgoing(row: MailRow): boolean
  /** Returns a row's folder or account, in lists over several of them. */
  placeOf?: ((row: MailRow) => string | undefined) | undefined
}

export function ListRows({ page, older, source, at, handle, actions: doing, isOutgoing, placeOf }: RowsProps) {
  const scroller = useRef<HTMLDivElement>(null)
  const [, navigate] = useLocation()
  const { rows, waiting, noteScroll, showWaiting } = useHeldRows(page.rows, scroller)
  const [focused, setFocused] = useState('')
  const [selected, setSelected] = useState(noSelection)
  const selection = useMemo(() => within(selected, rows), [selected, rows])
  const { onNearEnd } = useOlder(page, older)
  const all = useSelectAll(rows, page.next_cursor === null ? undefined : onNearEnd, setSelected)
  const actions = useRowActions(rows, setFocused, setSelected, all.stop)
  const nowMs = useNow(60_000)
  const { message, thread } = at.view
  const hrefTo = useRowHrefs(at.hrefTo)
  // Memoised, because a list may have very many rows and re-renders on each scroll step.
  const openAt = useMemo(
    () => (message === '' ? -1 : rows.findIndex(row => isOpenRow(row, { message, thread }))),
    [rows, message, thread],
  )
  const focusedAt = useMemo(() => (focused === '' ? -1 : rows.findIndex(({ key }) => key === focused)), [rows, focused])
  const current = focusedAt >= 0 ? focusedAt : openAt
  const { virtualizer, items, notePlace, scrollTo } = useRowWindow({
    rows,
    scroller,
    queryKey: source.queryKey,
    held: Math.max(current, 0),
    onNearEnd,
  })
  const { stop } = all
  const clear = useCallback(() => {
    stop()
    setSelected(noSelection)
  }, [stop])
  const walk = useListKeys({
    rows,
    current,
    openAt,
    scroller,
    scrollTo,
    open: (row, isNext) => navigate(hrefTo(row), { replace: isNext }),
    close: () => navigate(at.hrefTo({ message: '', thread: '' })),
    select: key => actions.onSelect(key, false),
    selectAll: all.selectAll,
    clear: () => {
      clear()
      return selection.keys.size > 0
    },
    onFocus: setFocused,
  })
  const tabStop = Math.max(current, 0)
  const noteAll = () => {
    noteScroll()
    notePlace()
  }
  const selectedRows = useListHandle({
    ...{ ref: handle, rows, selection, openAt, focusedAt, clear },
    focusRow: walk.focusRow,
    open: row => navigate(hrefTo(row), { replace: true }),
    close: () => navigate(at.hrefTo({ message: '', thread: '' })),
    selectAll: all.selectAll,
  })
  useReturnOfFocus(message, openAt, scroller, walk.focusRow)
  return (
    <div className="relative flex min-h-0 flex-1 flex-col">
      <div role="status" className="pointer-events-none absolute inset-x-0 top-2 z-10 flex justify-center">
        {waiting > 0 && (
          <span className="pointer-events-auto">
            <Button variant="primary" size="sm" icon={ArrowUp} onClick={showWaiting}>
              {waiting} new
            </Button>
          </span>
        )}
      </div>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: the keys move the focus among the links inside */}
      <div
        ref={scroller}
        tabIndex={-1}
        onScroll={noteAll}
        onKeyDown={walk.onKeyDown}
        className="min-h-0 flex-1 overflow-y-auto overscroll-contain outline-none"
      >
        <ul className="relative" style={{ height: virtualizer.getTotalSize() }}>
          {items.map(({ index, start, size }) => {
            const row = rows[index]
            if (!row) return null
            const isMeasured = isTall(row)
            return (
              <li
                key={row.key}
                data-index={index}
                ref={isMeasured ? virtualizer.measureElement : undefined}
                aria-setsize={page.total ?? (page.next_cursor === null ? rows.length : -1)}
                aria-posinset={index + 1 + waiting}
                className="absolute inset-x-0 top-0"
                style={{ transform: `translateY(${start}px)`, ...(!isMeasured && { height: size }) }}
              >
                <MessageRow
                  row={row}
                  href={hrefTo(row)}
                  nowMs={nowMs}
                  isOpen={index === openAt}
                  isTabStop={index === tabStop}
                  isSelected={selection.keys.has(row.key)}
                  isSelecting={selection.keys.size > 0}
                  isOutgoing={isOutgoing(row)}
                  place={placeOf?.(row)}
                  actions={actions}
                />
              </li>
            )
          })}
        </ul>
        {older && <ListEnd page={page} older={older} />}
      </div>
      <SelectionBar
        rows={selectedRows}
        hasMore={rows.length > selectedRows.length || page.next_cursor !== null}
        isSelecting={all.isSelecting}
        actions={doing}
        onAll={all.selectAll}
        onClear={clear}
      />
    </div>
  )
}

type HrefTo = ReturnType<typeof useMailView>['hrefTo']

/** Returns a function from row to link, cached across scroll steps. */
function useRowHrefs(hrefTo: HrefTo): (row: MailRow) => string {
  return useMemo(() => {
    const known = new WeakMap<MailRow, string>()
    return row => {
      const href = known.get(row) ?? hrefOf(hrefTo, row)
      known.set(row, href)
      return href
    }
  }, [hrefTo])
}

function hrefOf(hrefTo: HrefTo, row: MailRow): string {
  const thread = row.opensThread ? (row.threadId ?? '') : ''
  return hrefTo({ message: row.message.ref, thread, of: row.accountId })
}

/** Loads older rows before the reader reaches the end, once per cursor. */
function useOlder({ next_cursor: cursor }: MailPage, older: RowsProps['older']) {
  const asked = useRef('')
  const mutate = older?.mutate
  const onNearEnd = useCallback(() => {
    if (cursor === null || cursor === asked.current || !mutate) return
    asked.current = cursor
    mutate(cursor)
  }, [cursor, mutate])
  return { onNearEnd: mutate && onNearEnd }
}

/** Returns the focus to the row of a message that replaced the list, once it is closed. */
function useReturnOfFocus(
  openRef: string,
  openAt: number,
  scroller: React.RefObject<HTMLElement | null>,
  focusRow: (index: number) => void,
): void {
  const before = useRef({ openRef, openAt })
  useEffect(() => {
    const closed = before.current
    before.current = { openRef, openAt }
    const isFree = document.activeElement === document.body
    if (closed.openRef && !openRef && isFree && scroller.current?.checkVisibility()) focusRow(closed.openAt)
  }, [openRef, openAt, scroller, focusRow])
}
