/** The list of an account and what is open of it. */
import type { ReactNode } from 'react'
import type { Account } from '../../contract/accounts.ts'
import type { Folder } from '../../contract/mail.ts'
import type { IndexStatus } from '../../contract/mail-index.ts'
import { classNames } from '../ui/class-names.ts'
import { useFolders } from './folder-list.tsx'
import { isSameFolder } from './folder-order.ts'
import { visibleText } from './mail-words.ts'
import { MessageList } from './message-list.tsx'
import { ReadingPane } from './reading-pane.tsx'
import { folderOf } from './search-terms.ts'
import { isUsable, useMailSource } from './use-mail-source.ts'
import type { useMailView } from './use-mail-view.ts'

export function Mailbox({
  account: { id, email },
  at,
  index,
  note,
}: {
  account: Account
  at: ReturnType<typeof useMailView>
  index: IndexStatus | undefined
  /** Above both. */
  note: ReactNode
}) {
  const folders = useFolders(id)
  const hasIndex = isUsable(index)
  const source = useMailSource(id, at.view, hasIndex)
  const { folder: path, q, message, thread, of, pane } = at.view
  const named = folderOf(q)
  const isNamed = ({ path: own, role }: Folder) => isSameFolder(own, named ?? path) || role === named?.toLowerCase()
  const folder = folders.data?.items.find(isNamed)
  const backHref = at.hrefTo({ message: '' })
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
          isOutgoing={folder?.role === 'sent' || folder?.role === 'drafts'}
          hasIndex={hasIndex}
          className={classNames(
            'shrink-0 md:w-80 md:border-r lg:w-88 xl:flex xl:w-100',
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
          className={classNames('flex flex-1', !message && 'max-md:hidden')}
        />
      </div>
    </div>
  )
}
