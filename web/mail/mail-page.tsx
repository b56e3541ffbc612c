/** The mail of an account: folders, messages, and one of them, side by side; on phones one at a time. */
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { ArrowLeft } from 'lucide-react'
import { useEffect } from 'react'
import { useLocation } from 'wouter'
import type { Account } from '../../contract/accounts.ts'
import { api } from '../../contract/index.ts'
import type { Folder } from '../../contract/mail.ts'
import { isReadable } from '../accounts/account-words.ts'
import { call } from '../platform/api-client.ts'
import { formatNumber } from '../platform/format.ts'
import { queryKeys } from '../platform/query-keys.ts'
import { isTyping } from '../shell/use-shortcuts.ts'
import { ButtonLink } from '../ui/button.tsx'
import { Card } from '../ui/card.tsx'
import { classNames } from '../ui/class-names.ts'
import { EmptyState } from '../ui/empty-state.tsx'
import { ErrorState } from '../ui/error-state.tsx'
import { PageHeader } from '../ui/page-header.tsx'
import { SkeletonRows } from '../ui/skeleton.tsx'
import { AccountChooser } from './account-chooser.tsx'
import { AccountNotReady, AccountTrouble, NoAccount } from './account-not-ready.tsx'
import { FolderList, useFolders } from './folder-list.tsx'
import { isSameFolder } from './folder-order.ts'
import { visibleText } from './mail-words.ts'
import { MessageList } from './message-list.tsx'
import { MessageView } from './message-view.tsx'
import { Pane } from './pane.tsx'
import { folderOf } from './search-terms.ts'
import { type MailView, useMailView } from './use-mail-view.ts'

/** What is left of the window between the shell's bars and padding. */
const windowHeight =
  'h-[calc(100dvh-var(--spacing-bar)-6rem)] md:h-[calc(100dvh-var(--spacing-bar)-2rem)] lg:h-[calc(100dvh-var(--spacing-bar)-3rem)]'

export function MailPage() {
  const at = useMailView()
  const { data, error, refetch } = useQuery({
    queryKey: queryKeys.accounts,
    queryFn: ({ signal }) => call(api.accounts.listAccounts, { signal }),
  })
  const accounts = data?.items ?? []
  const wanted = at.view.account
  const account = wanted ? accounts.find(({ id }) => id === wanted) : (accounts.find(a => a.is_default) ?? accounts[0])
  useClosingByEscape(at)
  return (
    <div className={classNames('flex min-h-112 flex-col', windowHeight)}>
      <PageHeader
        title="Mail"
        windowTitle={useWindowTitle(account, at.view)}
        // On phones a message needs the room.
        className={at.view.message ? 'max-md:sr-only' : undefined}
        actions={
          accounts.length > 0 && (
            <div className={classNames('flex min-w-0 items-center gap-2', at.view.message && 'max-md:hidden')}>
              <AccountChooser accounts={accounts} account={account} at={at} />
            </div>
          )
        }
      />
      {!data && error && (
        <Card>
          <ErrorState error={error} onRetry={() => void refetch()} />
        </Card>
      )}
      {!data && !error && (
        <Card isFlush>
          <SkeletonRows count={8} />
        </Card>
      )}
      {data && accounts.length === 0 && <NoAccount />}
      {accounts.length > 0 && !account && <UnknownAccount />}
      {account && <Mailbox key={account.id} account={account} />}
    </div>
  )
}

/** Which folder it is, and how much in it is unread. */
function useWindowTitle(account: Account | undefined, { folder: path }: MailView): string | undefined {
  const { data } = useFolders(account?.id ?? '', account !== undefined && isReadable(account))
  const folder = data?.items.find(each => isSameFolder(each.path, path))
  if (!folder) return undefined
  const unread = folder.unread ? `(${formatNumber(folder.unread)}) ` : ''
  return `${unread}${visibleText(folder.name)} · Mail`
}

/** Escape closes the open message, unless it closes something in front of it or ends a search. */
function useClosingByEscape({ view: { message }, hrefTo }: ReturnType<typeof useMailView>): void {
  const [, navigate] = useLocation()
  const backHref = hrefTo({ message: '' })
  useEffect(() => {
    if (!message) return
    const close = (event: KeyboardEvent) => {
      const isTaken = event.defaultPrevented || event.isComposing || isTyping(event.target)
      if (event.key === 'Escape' && !isTaken && !document.querySelector('dialog[open]')) navigate(backHref)
    }
    addEventListener('keydown', close)
    return () => removeEventListener('keydown', close)
  }, [message, backHref, navigate])
}

function Mailbox({ account }: { account: Account }) {
  const queries = useQueryClient()
  const isKnown = queries.getQueryData(queryKeys.folders(account.id)) !== undefined
  if (!isReadable(account) && !isKnown) return <AccountNotReady account={account} />
  return (
    <>
      <AccountTrouble account={account} />
      <Panes accountId={account.id} />
    </>
  )
}

function Panes({ accountId }: { accountId: string }) {
  const at = useMailView(accountId)
  const folders = useFolders(accountId)
  const { folder: path, q, message, pane } = at.view
  const named = folderOf(q)
  const isNamed = ({ path: own, role }: Folder) => isSameFolder(own, named ?? path) || role === named?.toLowerCase()
  const folder = folders.data?.items.find(isNamed)
  const areFoldersOver = pane === 'folders'
  return (
    <div className="flex min-h-0 flex-1 overflow-hidden rounded-lg border bg-surface shadow-card">
      <Pane
        label="Folders"
        className={classNames(
          'shrink-0 md:w-72 md:border-r lg:w-80 xl:flex xl:w-56',
          areFoldersOver ? 'flex' : 'hidden',
          message ? 'max-md:hidden' : 'max-md:w-full',
        )}
        head={
          areFoldersOver && (
            <span className="xl:hidden">
              <ButtonLink href={at.hrefTo({ pane: '' })} variant="quiet" size="sm" icon={ArrowLeft}>
                Back to the messages
              </ButtonLink>
            </span>
          )
        }
      >
        <FolderList accountId={accountId} at={at} />
      </Pane>
      <MessageList
        key={path}
        accountId={accountId}
        at={at}
        folderName={visibleText(folder?.name ?? named ?? path)}
        isOutgoing={folder?.role === 'sent' || folder?.role === 'drafts'}
        className={classNames(
          'shrink-0 md:w-72 md:border-r lg:w-80 xl:flex xl:w-88',
          areFoldersOver ? 'hidden' : 'flex',
          message ? 'max-md:hidden' : 'max-md:w-full',
        )}
      />
      <MessageView
        accountId={accountId}
        messageRef={message}
        backHref={at.hrefTo({ message: '' })}
        className={classNames('flex flex-1', !message && 'max-md:hidden')}
      />
    </div>
  )
}

function UnknownAccount() {
  return (
    <section className="rounded-lg border bg-surface shadow-card">
      <EmptyState title="Account not found" actions={<ButtonLink href="/mail">Open the default account</ButtonLink>}>
        It may have been disconnected since the link was created.
      </EmptyState>
    </section>
  )
}
