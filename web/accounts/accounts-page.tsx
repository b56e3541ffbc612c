/** The mail accounts: how each fares and why, and a way to connect another one. */
import { FlaskConical, MailPlus } from 'lucide-react'
import { useUrlState } from '../platform/url-state.ts'
import { Button } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { ErrorNote } from '../ui/error-state.tsx'
import { PageHeader } from '../ui/page-header.tsx'
import { Panel } from '../ui/panel.tsx'
import { AccountRow } from './account-row.tsx'
import { AccountsSkeleton } from './accounts-skeleton.tsx'
import { ConnectDialog } from './connect-dialog.tsx'
import { useAccounts, useRights, useStartSandbox } from './use-accounts.ts'

export function AccountsPage() {
  const accounts = useAccounts()
  const { mayChange } = useRights()
  const [{ connect }, setUrl] = useUrlState({ connect: '' })
  const open = () => setUrl({ connect: '1' })
  return (
    <>
      <PageHeader
        title="Accounts"
        description="The mailboxes that RustyMail keeps connected."
        actions={
          mayChange &&
          accounts.data?.items.length !== 0 && (
            <Button variant="primary" icon={MailPlus} onClick={open}>
              Connect a mailbox
            </Button>
          )
        }
      />
      <Panel
        query={accounts}
        skeleton={<AccountsSkeleton />}
        isEmpty={({ items }) => items.length === 0}
        empty={<NoAccounts mayChange={mayChange} onConnect={open} />}
      >
        {({ items }) => (
          <ul>
            {items.map(account => (
              <AccountRow key={account.id} account={account} />
            ))}
          </ul>
        )}
      </Panel>
      {connect === '1' && mayChange && (
        <ConnectDialog
          accounts={accounts.data?.items ?? []}
          onClose={() => setUrl({ connect: '' }, { replace: true })}
        />
      )}
    </>
  )
}

function NoAccounts({ mayChange, onConnect }: { mayChange: boolean; onConnect(): void }) {
  const { mutate, isPending, error } = useStartSandbox()
  if (!mayChange) {
    return <EmptyState title="No account that you may see">An administrator can connect one.</EmptyState>
  }
  return (
    <EmptyState
      icon={MailPlus}
      title="No mailbox is connected"
      actions={
        <>
          <Button variant="primary" icon={MailPlus} onClick={onConnect}>
            Connect a mailbox
          </Button>
          <Button icon={FlaskConical} isBusy={isPending} onClick={() => mutate()}>
            Try the sandbox
          </Button>
        </>
      }
    >
      <p>
        Connect your own, or look around in the sandbox: a throw-away mail server on this machine with made-up messages.
      </p>
      {error && <ErrorNote error={error} />}
    </EmptyState>
  )
}
