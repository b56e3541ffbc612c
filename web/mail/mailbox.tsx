/** The message list of an account beside the open message. */

import { type ReactNode, useMemo, useRef } from 'react'
import type { Account } from '../../contract/accounts.ts'
import type { Folder } from '../../contract/mail.ts'
import type { IndexStatus } from '../../contract/mail-index.ts'
import { ActionDialogs } from '../organise/action-dialogs.tsx'
import { type ListHandle, useMailActions } from '../organise/use-mail-actions.ts'
import { lowerAscii } from '../platform/ascii-case.ts'
import { visibleText } from '../platform/visible-text.ts'
import { classNames } from '../ui/class-names.ts'
import { useFolders } from './folder-list.tsx'
import { isSameFolder } from './folder-order.ts'
import type { MailRow } from './mail-row.ts'
import { MessageList } from './message-list.tsx'
import { ReadingPane } from './reading-pane.tsx'
import { folderOf } from './search-terms.ts'
import { listOf } from './use-mail-list.ts'
import { isUsable, useMailSource } from './use-mail-source.ts'
import type { useMailView } from './use-mail-view.ts'
import { useSearch } from './use-search.ts'

export function Mailbox({
  account: { id, email },
  accounts,
  at,
  index,
  note,
}: {
  account: Account
  accounts: readonly Account[]
  at: ReturnType<typeof useMailView>
  index: IndexStatus | undefined
  /** A note above both. */
  note: ReactNode
}) {
  const folders = useFolders(id)
  const hasIndex = isUsable(index)
  const search = useSearch(at, hasIndex)
  const source = useMailSource(id, at.view, search, hasIndex)
  const { folder: path, q, message, thread, of, pane } = at.view
  const named = folderOf(q)
  const isNamed = ({ path: own, role }: Folder) => isSameFolder(own, named ?? path) || role === named?.toLowerCase()
  const folder = folders.data?.items.find(isNamed)
  const isOfOwn = folder?.role === 'sent' || folder?.role === 'drafts'
  const ownAddresses = new Set([...accounts.map(each => lowerAscii(each.email)), lowerAscii(email)])
  const isOutgoing = (row: MailRow) =>
    row.folder === undefined ? isOfOwn : row.message.from.some(from => ownAddresses.has(lowerAscii(from.email)))
  const backHref = at.hrefTo({ message: '' })
  const handle = useRef<ListHandle>(null)
  const opened = useRef<(() => MailRow | undefined) | null>(null)
  const list = useMemo(() => listOf(source), [source])
  const actions = useMailActions({
    handle,
    opened,
    list,
    role: list.folder === undefined ? null : (folder?.role ?? null),
  })
  return (
    <div
      className={classNames('flex min-h-0 min-w-0 flex-1 flex-col', pane === 'folders' && !message && 'max-md:hidden')}
    >
      {note}
      <div className="flex min-h-0 flex-1">
        <MessageList
          source={source}
          at={at}
          folderName={visibleText(folder?.name ?? named ?? path)}
          folderTotal={folder?.total ?? null}
          search={search}
          accounts={accounts}
          isOutgoing={isOutgoing}
          hasIndex={hasIndex}
          handle={handle}
          actions={actions}
          className={classNames(
            'shrink-0 md:w-80 md:border-r @min-[50rem]/page:w-88 roomy:flex roomy:w-100',
            pane === 'folders' ? 'hidden' : 'flex',
            message ? 'max-md:hidden' : 'max-md:w-full',
          )}
        />
        <ReadingPane
          accountId={of || id}
          ownEmail={email}
          messageRef={message}
          threadId={thread}
          backHref={backHref}
          opened={opened}
          actions={actions}
          className={classNames('flex flex-1', !message && 'max-md:hidden')}
        />
      </div>
      <ActionDialogs actions={actions} list={list} />
    </div>
  )
}
