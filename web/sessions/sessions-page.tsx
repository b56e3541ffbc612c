/** Where users are signed in, and how to end their sessions. */
import { LogIn } from 'lucide-react'
import { useState } from 'react'
import type { UserSession } from '../../contract/access.ts'
import { agentWords } from '../platform/agent-words.ts'
import { useMay } from '../platform/session.ts'
import { useUrlState } from '../platform/url-state.ts'
import { Button, ButtonLink } from '../ui/button.tsx'
import { ConfirmDialog } from '../ui/dialog.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { PageHeader } from '../ui/page-header.tsx'
import { Panel } from '../ui/panel.tsx'
import { SkeletonRows } from '../ui/skeleton.tsx'
import { PersonFilter } from './person-filter.tsx'
import { SessionsTable } from './sessions-table.tsx'
import { sessionsIntervalMs, useEndSession, useSessions } from './use-sessions.ts'

export function SessionsPage() {
  const seesAll = useMay('dashboard:admin')
  const [{ user }, setUrl] = useUrlState({ user: '' })
  const sessions = useSessions(user)
  const [target, setTarget] = useState<UserSession>()
  return (
    <>
      <PageHeader
        title="Sessions"
        description={seesAll ? 'Where users are signed in, including you.' : 'Where you are signed in.'}
        actions={<ButtonLink href="/profile">Manage your own sessions</ButtonLink>}
      />
      {seesAll && <PersonFilter user={user} onChange={chosen => setUrl({ user: chosen })} />}
      <Panel
        query={sessions}
        intervalMs={sessionsIntervalMs}
        skeleton={<SkeletonRows count={4} />}
        isEmpty={({ items }) => items.length === 0}
        empty={
          <EmptyState
            icon={LogIn}
            title="No sessions"
            actions={user !== '' && <Button onClick={() => setUrl({ user: '' })}>Show all users’</Button>}
          >
            Signed-in users appear here, with their address and browser.
          </EmptyState>
        }
      >
        {({ items }) => <SessionsTable sessions={items} onEnd={setTarget} />}
      </Panel>
      {target && <EndDialog session={target} onClose={() => setTarget(undefined)} />}
    </>
  )
}

function EndDialog({ session, onClose }: { session: UserSession; onClose(): void }) {
  const { mutate, isPending, error } = useEndSession(session)
  const { user_name: name, user_agent: agent, ip_address: address, is_current: isCurrent } = session
  return (
    <ConfirmDialog
      isOpen
      title={isCurrent ? 'Sign out here?' : `End this session of ${name}?`}
      confirmLabel={isCurrent ? 'Sign out' : 'End the session'}
      isBusy={isPending}
      error={error}
      onConfirm={() => mutate(undefined, { onSuccess: onClose })}
      onClose={onClose}
    >
      <p>
        <strong className="font-semibold">{agentWords(agent)}</strong> from{' '}
        <span className="font-mono text-sm">{address}</span> is signed out within a second, and its event stream is
        closed.
      </p>
      <p className="text-sm text-soft">{isCurrent ? 'This is your current session.' : 'They can sign in again.'}</p>
    </ConfirmDialog>
  )
}
