/** Users who may sign in, what each may do and see, and inviting another one. */
import { UserRoundPlus } from 'lucide-react'
import { useState } from 'react'
import { useAccounts } from '../accounts/use-accounts.ts'
import { useUrlState } from '../platform/url-state.ts'
import { Button } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { PageHeader } from '../ui/page-header.tsx'
import { Panel } from '../ui/panel.tsx'
import { SkeletonRows } from '../ui/skeleton.tsx'
import { InviteDialog } from './invite-dialog.tsx'
import { usersIntervalMs, useUsers } from './use-users.ts'
import { type OpenUserDialog, UserDialogs } from './user-dialogs.tsx'
import { lastAdministrator } from './user-words.ts'
import { UsersTable } from './users-table.tsx'

export function UsersPage() {
  const users = useUsers()
  const accounts = useAccounts()
  const [{ invite }, setUrl] = useUrlState({ invite: '' })
  const [dialog, setDialog] = useState<OpenUserDialog>()
  const open = () => setUrl({ invite: '1' })
  const inviteButton = (
    <Button variant="primary" icon={UserRoundPlus} onClick={open}>
      Invite
    </Button>
  )
  const items = users.data?.items ?? []
  const last = lastAdministrator(items)
  // The user may have changed since the dialog was opened.
  const target = dialog && (items.find(({ id }) => id === dialog.user.id) ?? dialog.user)
  return (
    <>
      <PageHeader
        title="Users"
        description="Who can sign in, and what each user may do and see."
        actions={items.length > 0 && inviteButton}
      />
      <Panel
        query={users}
        intervalMs={usersIntervalMs}
        skeleton={<SkeletonRows count={4} />}
        isEmpty={data => data.items.length === 0}
        empty={
          <EmptyState icon={UserRoundPlus} title="No users invited yet" actions={inviteButton}>
            Invited users choose a password with a link that you give them.
          </EmptyState>
        }
      >
        {data => (
          <UsersTable
            users={data.items}
            accounts={accounts.data?.items}
            last={last}
            onAct={(kind, user) => setDialog({ kind, user })}
          />
        )}
      </Panel>
      {invite === '1' && <InviteDialog onClose={() => setUrl({ invite: '' }, { replace: true })} />}
      {dialog && target && (
        <UserDialogs
          dialog={{ ...dialog, user: target }}
          isLast={target.id === last?.id}
          onClose={() => setDialog(undefined)}
        />
      )}
    </>
  )
}
