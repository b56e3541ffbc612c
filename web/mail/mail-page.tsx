/** Mail: accounts and folders, the list, and the open message side by side; narrow windows show one or two of them. */
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { ArrowLeft, FolderOpen } from 'lucide-react'
import { type ReactNode, useEffect } from 'react'
import { useLocation } from 'wouter'
import type { Account } from '../../contract/accounts.ts'
import { api } from '../../contract/index.ts'
import { isReadable } from '../accounts/account-words.ts'
import { useIndex } from '../accounts/use-index.ts'
import { ComposeButton, ComposeCorner, useComposeKeys } from '../compose/answer-actions.tsx'
import { OrganiserProvider } from '../organise/organiser-context.tsx'
import { call } from '../platform/api-client.ts'
import { formatNumber } from '../platform/format.ts'
import { queryKeys } from '../platform/query-keys.ts'
import { visibleText } from '../platform/visible-text.ts'
import { usePageKeys } from '../shell/page-keys.ts'
import { isTyping } from '../shell/use-shortcuts.ts'
import { ButtonLink } from '../ui/button.tsx'
import { classNames } from '../ui/class-names.ts'
import { EmptyState } from '../ui/empty-state.tsx'
import { ErrorState } from '../ui/error-state.tsx'
import { PageHeader } from '../ui/page-header.tsx'
import { SkeletonRows } from '../ui/skeleton.tsx'
import { AccountNotReady, AccountTrouble, NoAccount } from './account-not-ready.tsx'
import { AccountTree } from './account-tree.tsx'
import { folderView, useFolders } from './folder-list.tsx'
import { isSameFolder } from './folder-order.ts'
import { Mailbox } from './mailbox.tsx'
import { Pane } from './pane.tsx'
import { useLiveRows } from './use-live-rows.ts'
import { type MailView, useMailView } from './use-mail-view.ts'

export function MailPage() {
  const at = useMailView()
  const { data, error, refetch } = useQuery({
    queryKey: queryKeys.accounts,
    queryFn: ({ signal }) => call(api.accounts.listAccounts, { signal }),
  })
  const accounts = data?.items ?? []
  const wanted = at.view.account
  const account = wanted ? accounts.find(({ id }) => id === wanted) : (accounts.find(a => a.is_default) ?? accounts[0])
  return (
    <div className="@container/page relative flex min-h-80 flex-1 flex-col bg-surface">
      <PageHeader title="Mail" windowTitle={useWindowTitle(account, at.view)} className="sr-only" />
      {!data && error && <ErrorState error={error} onRetry={() => void refetch()} />}
      {!data && !error && <SkeletonRows count={8} />}
      {data && accounts.length === 0 && (
        <Notice>
          <NoAccount />
        </Notice>
      )}
      {accounts.length > 0 && !account && (
        <Notice>
          <UnknownAccount />
        </Notice>
      )}
      {account && (
        <OrganiserProvider>
          <Panes key={account.id} accounts={accounts} account={account} />
        </OrganiserProvider>
      )}
    </div>
  )
}

/** Returns the folder's name and unread count for the window title. */
function useWindowTitle(account: Account | undefined, { folder: path }: MailView): string | undefined {
  const { data } = useFolders(account?.id ?? '', account !== undefined && isReadable(account))
  const folder = data?.items.find(each => isSameFolder(each.path, path))
  if (!folder) return undefined
  const unread = folder.unread ? `(${formatNumber(folder.unread)}) ` : ''
  return `${unread}${visibleText(folder.name)} · Mail`
}

function Panes({ accounts, account }: { accounts: readonly Account[]; account: Account }) {
  const at = useMailView(account.id)
  const queries = useQueryClient()
  const isConnected = isReadable(account)
  const index = useIndex(account.id, isConnected)
  const [, navigate] = useLocation()
  useClosingByEscape(at)
  useLiveRows()
  usePageKeys({ 'g i': () => navigate(at.hrefTo(folderView('INBOX'))) })
  const { message, of, pane } = at.view
  useComposeKeys(account.id, of || account.id, message)
  const areFoldersOver = pane === 'folders'
  const areFoldersKnown = queries.getQueryData(queryKeys.folders(account.id)) !== undefined
  const isShown = isConnected || areFoldersKnown
  return (
    <div className="flex min-h-0 flex-1">
      {!message && !areFoldersOver && <ComposeCorner accountId={account.id} />}
      <Pane
        label="Folders"
        className={classNames(
          'shrink-0 bg-canvas/60 md:w-80 md:border-r lg:w-88 roomy:flex roomy:w-60',
          areFoldersOver ? 'flex' : 'hidden',
          message ? 'max-md:hidden' : 'max-md:w-full',
        )}
        head={
          areFoldersOver && (
            <span className="roomy:hidden">
              <ButtonLink href={at.hrefTo({ pane: '' })} variant="quiet" size="sm" icon={ArrowLeft}>
                Back to the messages
              </ButtonLink>
            </span>
          )
        }
      >
        <ComposeButton accountId={account.id} />
        <AccountTree
          accounts={accounts}
          account={account}
          areFoldersKnown={areFoldersKnown}
          index={index.data}
          at={at}
        />
      </Pane>
      {/* Shown as soon as it is clear that there is no index, rather than after the list has loaded. */}
      {isShown && !index.isPending && (
        <Mailbox
          account={account}
          accounts={accounts}
          at={at}
          index={index.data}
          note={<AccountTrouble account={account} />}
        />
      )}
      {isShown && index.isPending && <SkeletonRows count={8} />}
      {!isShown && (
        <div className={classNames('min-w-0 flex-1 overflow-y-auto p-4', areFoldersOver && 'max-md:hidden')}>
          <p className="mb-3 roomy:hidden">
            <ButtonLink href={at.hrefTo({ pane: 'folders' })} size="sm" icon={FolderOpen}>
              Accounts
            </ButtonLink>
          </p>
          <AccountNotReady account={account} />
        </div>
      )}
    </div>
  )
}

/** Closes the open message on Escape, unless the key closes something in front of it or ends a search. */
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

function Notice({ children }: { children: ReactNode }) {
  return <div className="p-4 lg:p-6">{children}</div>
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
