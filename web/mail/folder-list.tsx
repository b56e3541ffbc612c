/** The folders of an account with their message and unread counts. */
import { useQuery, useQueryClient } from '@tanstack/react-query'
import {
  Archive,
  Bookmark,
  FileText,
  Folder as FolderIcon,
  Inbox,
  type LucideIcon,
  Mails,
  Send,
  ShieldAlert,
  Star,
  Trash2,
} from 'lucide-react'
import { Link } from 'wouter'
import { api } from '../../contract/index.ts'
import type { Folder, FolderRole } from '../../contract/mail.ts'
import { call } from '../platform/api-client.ts'
import { formatCount, formatNumber } from '../platform/format.ts'
import { queryKeys } from '../platform/query-keys.ts'
import { visibleText } from '../platform/visible-text.ts'
import { classNames } from '../ui/class-names.ts'
import { ErrorState } from '../ui/error-state.tsx'
import { SkeletonRows } from '../ui/skeleton.tsx'
import { arrangeFolders, isSameFolder, shortNumber } from './folder-order.ts'
import { moveThroughRows } from './row-keys.ts'
import { useInSight } from './use-in-sight.ts'
import { prefetchList } from './use-mail-list.ts'
import { listIn } from './use-mail-source.ts'
import type { useMailView } from './use-mail-view.ts'

export const roleIcons: Record<FolderRole, LucideIcon> = {
  inbox: Inbox,
  archive: Archive,
  drafts: FileText,
  flagged: Star,
  junk: ShieldAlert,
  sent: Send,
  trash: Trash2,
  all: Mails,
  important: Bookmark,
}

/** Class names by depth; deeper folders are not indented further, because the pane is narrow. */
const indents = ['pl-3', 'pl-6', 'pl-9', 'pl-12'] as const

const countsAgainMs = 1_500

export function useFolders(accountId: string, isAsked = true) {
  return useQuery({
    enabled: isAsked,
    queryKey: queryKeys.folders(accountId),
    queryFn: ({ signal }) => call(api.mail.listFolders, { params: { account_id: accountId }, signal }),
    // The list arrives first; counts that the mail server computes folder by folder follow in later responses.
    refetchInterval: ({ state }) => (state.data?.counts.state === 'pending' ? countsAgainMs : false),
  })
}

export function FolderList({
  accountId,
  at,
  hasIndex,
}: {
  accountId: string
  at: ReturnType<typeof useMailView>
  /** Whether lists come from the index and cost the mail server nothing, so that they are prefetched on hover. */
  hasIndex: boolean
}) {
  const { data, error, refetch } = useFolders(accountId)
  const queries = useQueryClient()
  if (!data && error) return <ErrorState error={error} onRetry={() => void refetch()} />
  if (!data) return <SkeletonRows count={7} />
  const { folder: here, q, list } = at.view
  const ahead = (path: string) => hasIndex && prefetchList(queries, listIn(accountId, path, list !== 'messages'))
  return (
    <>
      <ul onKeyDown={event => moveThroughRows(event, 'a')}>
        {arrangeFolders(data.items).map(({ folder, depth, heading }) => (
          <li key={folder.path} onPointerEnter={() => folder.selectable && ahead(folder.path)}>
            {heading && <p className="px-3 pt-3 pb-1 text-xs font-medium text-muted">{heading}</p>}
            <FolderLine
              folder={folder}
              indent={indents[Math.min(depth, indents.length - 1)] ?? indents[0]}
              href={folder.selectable ? at.hrefTo(folderView(folder.path)) : undefined}
              isHere={isSameFolder(folder.path, here) && (q === '' || !hasIndex)}
            />
          </li>
        ))}
      </ul>
      {data.counts.state === 'pending' && (
        <p role="status" className="px-3 py-2 text-xs text-muted">
          Counting messages: {formatCount(data.counts.pending, 'folder')} to go
        </p>
      )}
    </>
  )
}

export function folderView(folder: string) {
  return { folder, q: '', scope: '', message: '', pane: '' }
}

function FolderLine({
  folder,
  indent,
  href,
  isHere,
}: {
  folder: Folder
  indent: string
  href: string | undefined
  isHere: boolean
}) {
  const Icon = folder.role ? roleIcons[folder.role] : FolderIcon
  const line = useInSight(isHere)
  const look = classNames('flex min-h-9 items-center gap-2.5 rounded-md pr-2 xl:min-h-8', indent)
  const name = (
    <>
      <Icon className="size-4 shrink-0" aria-hidden="true" />
      <span dir="auto" className="min-w-0 flex-1 truncate text-left" title={visibleText(folder.path)}>
        {visibleText(folder.name)}
      </span>
    </>
  )
  if (!href) return <span className={classNames(look, 'text-muted')}>{name}</span>
  return (
    <Link
      ref={line}
      href={href}
      aria-current={isHere ? 'true' : undefined}
      className={classNames(
        look,
        'focus-visible:-outline-offset-2',
        isHere ? 'bg-accent-tint font-medium text-accent' : 'text-soft hover:bg-sunken hover:text-ink',
      )}
    >
      {name}
      <FolderCounts folder={folder} isHere={isHere} />
    </Link>
  )
}

function FolderCounts({ folder: { total, unread }, isHere }: { folder: Folder; isHere: boolean }) {
  const hasUnread = unread !== null && unread > 0
  const words = [hasUnread && `${formatNumber(unread)} unread`, total !== null && formatCount(total, 'message')]
  return (
    <span className="flex shrink-0 items-baseline gap-1.5 text-xs" title={words.filter(Boolean).join(', ')}>
      {hasUnread && (
        <span className={classNames('font-semibold', isHere ? 'text-accent' : 'text-ink')}>
          <span aria-hidden="true">{shortNumber(unread)}</span>
          <span className="sr-only">{words[0]},</span>
        </span>
      )}
      {total !== null && (
        <span className={classNames('font-normal', isHere ? 'text-accent' : 'text-muted')}>
          <span aria-hidden="true">{shortNumber(total)}</span>
          <span className="sr-only">{words[1]}</span>
        </span>
      )}
    </span>
  )
}
