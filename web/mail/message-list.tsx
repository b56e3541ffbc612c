/** The messages of a folder, or those that a search finds in it, newest first; walked through by j, k and the arrows. */
import { ArrowUp, FolderOpen, Inbox, RotateCw } from 'lucide-react'
import { useEffect, useRef, useState } from 'react'
import { useLocation } from 'wouter'
import { ApiProblem } from '../platform/api-client.ts'
import { useNow } from '../platform/clock.ts'
import { formatCount, formatNumber } from '../platform/format.ts'
import { useFreshness } from '../platform/live.tsx'
import { Button, ButtonLink } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { ErrorNote, ErrorState } from '../ui/error-state.tsx'
import { IconButton } from '../ui/icon-button.tsx'
import { AsOf } from '../ui/panel.tsx'
import { isSameFolder } from './folder-order.ts'
import { ListSkeleton } from './mail-skeletons.tsx'
import type { MessagePage } from './message-pages.ts'
import { MessageRow, rowSelector } from './message-row.tsx'
import { Pane } from './pane.tsx'
import { moveThroughRows } from './row-keys.ts'
import { SearchField } from './search-field.tsx'
import { HowToSearch, NothingFound } from './search-hints.tsx'
import { useHeldRows } from './use-held-rows.ts'
import type { useMailView } from './use-mail-view.ts'
import { useMessages } from './use-messages.ts'

interface ListProps {
  accountId: string
  at: ReturnType<typeof useMailView>
  folderName: string
  /** Whether its messages are one's own: sent, or drafts. */
  isOutgoing: boolean
  className: string
}

export function MessageList({ accountId, at, folderName, isOutgoing, className }: ListProps) {
  const { folder, q } = at.view
  const [, navigate] = useLocation()
  const { newest, older } = useMessages(accountId, folder, q)
  const freshness = useFreshness(newest.dataUpdatedAt)
  const { data, error } = newest
  const fault = q !== '' && error instanceof ApiProblem ? error.faultOf('query.q') : undefined
  const search = (wanted: string) => {
    if (wanted !== q) navigate(at.hrefTo({ q: wanted, message: '', pane: '' }))
    else if (q !== '') void newest.refetch()
  }
  const isStale = data !== undefined && (freshness.isStale || newest.isRefetchError)
  return (
    <Pane
      label="Messages"
      className={className}
      head={
        <>
          <div className="flex min-w-0 flex-1 items-baseline gap-2">
            <h2 dir="auto" className="truncate font-semibold">
              {folderName}
            </h2>
            {data && q === '' && <span className="shrink-0 text-xs text-muted">{formatNumber(data.total)}</span>}
          </div>
          {isStale && <AsOf at={freshness.isStale ? freshness.asOf : newest.dataUpdatedAt} reason={error?.message} />}
          <span className="xl:hidden">
            <ButtonLink href={at.hrefTo({ pane: 'folders' })} variant="quiet" size="sm" icon={FolderOpen}>
              Folders
            </ButtonLink>
          </span>
          <IconButton
            icon={RotateCw}
            label={q === '' ? 'Check for new mail' : 'Search again'}
            disabled={newest.isFetching}
            onClick={() => void newest.refetch()}
          />
        </>
      }
      foot="Reading here does not mark mail as read."
    >
      <SearchField q={q} folderName={folderName} fault={fault} onSearch={search}>
        {q !== '' && (data || newest.isFetching) && (
          <>
            {data ? `${formatNumber(data.total)} found in ` : 'Searching '}
            <bdi>{folderName}</bdi>
          </>
        )}
      </SearchField>
      {!data && error && (
        <div className="min-h-0 flex-1 overflow-y-auto">
          {fault ? <HowToSearch /> : <ErrorState error={error} onRetry={() => void newest.refetch()} />}
        </div>
      )}
      {!data && !error && <ListSkeleton />}
      {data?.items.length === 0 && (
        <div className="min-h-0 flex-1 overflow-y-auto">
          {q === '' ? <NoMessages folder={folder} /> : <NothingFound onClear={() => search('')} />}
        </div>
      )}
      {data && data.items.length > 0 && <Rows key={q} page={data} older={older} at={at} isOutgoing={isOutgoing} />}
    </Pane>
  )
}

function NoMessages({ folder }: { folder: string }) {
  return (
    <EmptyState icon={Inbox} title="No messages here">
      {isSameFolder(folder, 'INBOX') ? 'New mail appears automatically.' : 'Reload to check for new mail.'}
    </EmptyState>
  )
}

function Rows({
  page,
  older,
  at,
  isOutgoing,
}: Pick<ListProps, 'at' | 'isOutgoing'> & { page: MessagePage; older: ReturnType<typeof useMessages>['older'] }) {
  const scroller = useRef<HTMLDivElement>(null)
  const { rows, waiting, noteScroll, showWaiting } = useHeldRows(page.items, scroller)
  const [focused, setFocused] = useState('')
  const nowMs = useNow(60_000)
  const openRef = at.view.message
  useReturnOfFocus(openRef, scroller)
  const tabStop = [focused, openRef].find(ref => rows.some(row => row.ref === ref)) ?? rows[0]?.ref
  return (
    <div className="relative flex min-h-0 flex-1 flex-col">
      <div role="status" className="absolute inset-x-0 top-2 z-10 flex justify-center">
        {waiting > 0 && (
          <Button variant="primary" size="sm" icon={ArrowUp} onClick={showWaiting}>
            {waiting} new
          </Button>
        )}
      </div>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: the keys move the focus among the links inside */}
      <div
        ref={scroller}
        tabIndex={-1}
        onScroll={noteScroll}
        onKeyDown={event => moveThroughRows(event, rowSelector)}
        className="min-h-0 flex-1 overflow-y-auto outline-none"
      >
        <ul>
          {rows.map(message => (
            <li key={message.ref}>
              <MessageRow
                message={message}
                href={at.hrefTo({ message: message.ref })}
                nowMs={nowMs}
                isOpen={message.ref === openRef}
                isTabStop={message.ref === tabStop}
                isOutgoing={isOutgoing}
                onFocus={setFocused}
              />
            </li>
          ))}
        </ul>
        <ListEnd page={page} older={older} />
      </div>
    </div>
  )
}

function ListEnd({ page, older }: { page: MessagePage; older: ReturnType<typeof useMessages>['older'] }) {
  const { next_cursor: cursor, items, total } = page
  if (cursor === null) {
    return <p className="px-3 py-4 text-center text-xs text-muted">{formatCount(items.length, 'message')}, all shown</p>
  }
  // The last thing that was asked may have been of another list.
  const isAsked = older.variables === cursor
  return (
    <div className="grid justify-items-center gap-2 p-3">
      {isAsked && older.error && <ErrorNote error={older.error} />}
      <Button size="sm" isBusy={isAsked && older.isPending} onClick={() => older.mutate(cursor)}>
        Load older messages
      </Button>
      <p className="text-xs text-muted">
        {formatNumber(items.length)} of {formatNumber(total)} shown
      </p>
    </div>
  )
}

/** When the message is closed, where it stood in place of the list, its row has the focus again. */
function useReturnOfFocus(openRef: string, scroller: React.RefObject<HTMLElement | null>): void {
  const before = useRef(openRef)
  useEffect(() => {
    const closed = before.current
    before.current = openRef
    if (!closed || openRef || document.activeElement !== document.body) return
    const rows = scroller.current?.querySelectorAll<HTMLElement>(rowSelector) ?? []
    ;[...rows].find(row => row.dataset.ref === closed)?.focus()
  }, [openRef, scroller])
}
