/** The list of a folder or of a search: its head, search field and rows. */
import { FolderOpen, Inbox, ListChecks, MessagesSquare, RotateCw, Rows3 } from 'lucide-react'
import type { RefObject } from 'react'
import { useLocation } from 'wouter'
import type { Account } from '../../contract/accounts.ts'
import type { ListHandle, MailActions } from '../organise/use-mail-actions.ts'
import { ApiProblem } from '../platform/api-client.ts'
import { formatNumber } from '../platform/format.ts'
import { useFreshness } from '../platform/live.tsx'
import { ButtonLink } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { ErrorState } from '../ui/error-state.tsx'
import { IconButton } from '../ui/icon-button.tsx'
import { AsOf } from '../ui/panel.tsx'
import { FilterChips } from './filter-chips.tsx'
import { isSameFolder } from './folder-order.ts'
import { ListRows } from './list-rows.tsx'
import type { MailPage, MailRow } from './mail-row.ts'
import { ListSkeleton } from './mail-skeletons.tsx'
import type { MailSource } from './mail-sources.ts'
import { Pane } from './pane.tsx'
import { SearchField } from './search-field.tsx'
import { SearchHead } from './search-head.tsx'
import { HowToSearch, NothingFound } from './search-hints.tsx'
import { useMailList } from './use-mail-list.ts'
import type { useMailView } from './use-mail-view.ts'
import type { MailSearch } from './use-search.ts'

export interface ListProps {
  source: MailSource
  at: ReturnType<typeof useMailView>
  folderName: string
  /** The number of messages in the folder, if known. */
  folderTotal: number | null
  search: MailSearch
  accounts: readonly Account[]
  /** Returns whether to show a row's recipient instead of its sender. */
  isOutgoing(row: MailRow): boolean
  /** Whether the index answers, so that there are threads. */
  hasIndex: boolean
  handle: RefObject<ListHandle | null>
  actions: MailActions
  className: string
}

export function MessageList({
  source,
  at,
  folderName,
  folderTotal,
  search,
  accounts,
  isOutgoing,
  hasIndex,
  handle,
  actions,
  className,
}: ListProps) {
  const { folder, q } = at.view
  const { newest, older, page, shown, ...list } = useMailList(source, q !== '')
  const freshness = useFreshness(newest.dataUpdatedAt)
  const { error } = newest
  // An incomplete term is no error while it is being typed; the previous results stay.
  const isHalf = error !== null && search.isTyping
  const data = isHalf ? page : list.data
  const fault = q !== '' && error instanceof ApiProblem ? error.faultOf('query.q') : undefined
  const start = (wanted: string) => {
    search.search(wanted)
    if (wanted === q && q !== '' && !search.isOpen) void newest.refetch()
  }
  const nameOfAccount = (id: string) => accounts.find(each => each.id === id)?.name ?? ''
  const isStale = data !== undefined && (freshness.isStale || newest.isRefetchError)
  const total = q === '' ? (data?.total ?? folderTotal) : null
  return (
    <Pane
      label="Messages"
      className={className}
      head={
        <>
          <div className="flex min-w-0 flex-1 items-baseline gap-2">
            <h2 dir="auto" className="truncate font-semibold">
              {titleOf(folderName, search)}
            </h2>
            {total !== null && <span className="shrink-0 text-xs text-muted">{formatNumber(total)}</span>}
          </div>
          {isStale && <AsOf at={freshness.isStale ? freshness.asOf : newest.dataUpdatedAt} reason={error?.message} />}
          <span className="max-md:hidden roomy:hidden">
            <ToFolders at={at} />
          </span>
          {actions.act && data && data.rows.length > 0 && (
            <IconButton icon={ListChecks} label="Select all" onClick={() => handle.current?.selectAll()} />
          )}
          {hasIndex && q === '' && <ThreadSwitch at={at} />}
          <IconButton
            icon={RotateCw}
            label={q === '' ? 'Check for new mail' : 'Search again'}
            disabled={newest.isFetching}
            onClick={() => void newest.refetch()}
          />
        </>
      }
      foot={
        <div className="flex min-h-8 items-center gap-2 md:min-h-0">
          <span className="-ml-1.5 md:hidden">
            <ToFolders at={at} />
          </span>
          <span className="max-md:ml-auto max-md:text-right">Reading here does not mark mail as read.</span>
        </div>
      }
    >
      <SearchField
        q={q}
        placeholder={hasIndex ? 'Search mail' : `Search ${folderName}`}
        fault={isHalf ? undefined : fault}
        isHalf={isHalf}
        onSearch={start}
        onType={hasIndex ? search.type : undefined}
        onRest={hasIndex ? search.rest : undefined}
        chips={
          <>
            <FilterChips q={q} hasIndex={hasIndex} onSearch={start} />
            {q !== '' && (
              <SearchHead
                search={search}
                at={at}
                folderName={folderName}
                hasSeveralAccounts={accounts.length > 1}
                facets={data?.facets}
                coverage={data?.coverage}
                nameOfAccount={nameOfAccount}
              />
            )}
          </>
        }
      >
        {q !== '' && (data || newest.isFetching) && <Found page={data} search={search} folderName={folderName} />}
      </SearchField>
      {!data && error && !isHalf && (
        <div className="min-h-0 flex-1 overflow-y-auto">
          {fault && search.isTyping ? null : fault ? (
            <HowToSearch />
          ) : (
            <ErrorState error={error} onRetry={() => void newest.refetch()} />
          )}
        </div>
      )}
      {!data && !error && <ListSkeleton />}
      {data?.rows.length === 0 && (
        <div className="min-h-0 flex-1 overflow-y-auto">
          {q === '' ? <NoMessages folder={folder} /> : <NothingFound onClear={() => start('')} />}
        </div>
      )}
      {data && data.rows.length > 0 && (
        <ListRows
          key={shown.queryKey.join()}
          page={data}
          older={newest.isPlaceholderData || isHalf ? undefined : older}
          source={shown}
          at={at}
          isOutgoing={isOutgoing}
          handle={handle}
          actions={actions}
          placeOf={row => placeOf(row, search, nameOfAccount)}
        />
      )}
    </Pane>
  )
}

function titleOf(folderName: string, { q, scope }: MailSearch): string {
  if (q === '' || scope === 'folder') return folderName
  return scope === 'all' ? 'All accounts' : 'All folders'
}

function Found({
  page,
  search: { scope },
  folderName,
}: {
  page: MailPage | undefined
  search: MailSearch
  folderName: string
}) {
  if (scope !== 'folder') {
    if (!page || page.total === null) return page ? null : 'Searching'
    return `${formatNumber(page.total)}${page.is_total_exact === false ? ' or more' : ''} found`
  }
  return (
    <>
      {page ? `${formatNumber(page.total ?? page.rows.length)} found in ` : 'Searching '}
      <bdi>{folderName}</bdi>
    </>
  )
}

/** Returns where a search result is: its folder, or its account if all accounts are searched. */
function placeOf({ folder, accountId }: MailRow, { scope }: MailSearch, nameOfAccount: (id: string) => string) {
  if (folder === undefined || scope === 'folder') return undefined
  return scope === 'all' ? nameOfAccount(accountId) : folder
}

/** The button to the folders; on phones at the bottom, at thumb's reach. */
function ToFolders({ at }: { at: ReturnType<typeof useMailView> }) {
  return (
    <ButtonLink href={at.hrefTo({ pane: 'folders' })} variant="quiet" size="sm" icon={FolderOpen}>
      {/* On tablets, the label would leave no room for the folder's name. */}
      <span className="md:sr-only roomy:not-sr-only">Folders</span>
    </ButtonLink>
  )
}

function ThreadSwitch({ at }: { at: ReturnType<typeof useMailView> }) {
  const [, navigate] = useLocation()
  const isFlat = at.view.list === 'messages'
  return (
    <IconButton
      icon={isFlat ? Rows3 : MessagesSquare}
      label={isFlat ? 'Group messages into threads' : 'List every message separately'}
      aria-pressed={!isFlat}
      onClick={() => navigate(at.hrefTo({ list: isFlat ? '' : 'messages' }))}
    />
  )
}

function NoMessages({ folder }: { folder: string }) {
  return (
    <EmptyState icon={Inbox} title="No messages here">
      {isSameFolder(folder, 'INBOX') ? 'New mail appears automatically.' : 'Reload to check for new mail.'}
    </EmptyState>
  )
}
