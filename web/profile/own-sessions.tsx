/** The user's own sessions, and how to end them. */
import { LogOut } from 'lucide-react'
import { useRef, useState } from 'react'
import type { SignInMethod, UserSession } from '../../contract/access.ts'
import { agentWords } from '../platform/agent-words.ts'
import { Badge } from '../ui/badge.tsx'
import { Button } from '../ui/button.tsx'
import { ConfirmDialog } from '../ui/dialog.tsx'
import { ErrorNote } from '../ui/error-state.tsx'
import { Panel } from '../ui/panel.tsx'
import { RelativeTime } from '../ui/relative-time.tsx'
import { useEndAllSessions, useEndSession, useOwnSessions } from './use-own-sessions.ts'

const methodWords: Record<SignInMethod, string> = {
  setup: 'with the set-up link',
  password: 'with the password',
  passkey: 'with a passkey',
  oidc: 'through the provider',
  link: 'with a link',
}

export function OwnSessions() {
  const sessions = useOwnSessions()
  const [isAsking, setAsking] = useState(false)
  const [news, setNews] = useState('')
  const list = useRef<HTMLUListElement>(null)
  const tell = (ended: string) => {
    setNews(`${ended} has ended`)
    // The pressed button has been removed.
    list.current?.focus()
  }
  return (
    <Panel
      title="Where you are signed in"
      query={sessions}
      actions={
        <Button size="sm" icon={LogOut} onClick={() => setAsking(true)}>
          Sign out everywhere…
        </Button>
      }
    >
      {({ items }) => (
        <>
          <ul ref={list} tabIndex={-1} aria-label="Sessions" className="outline-none">
            {items.map(session => (
              <SessionRow key={session.id} session={session} onEnded={tell} />
            ))}
          </ul>
          <span role="status" className="sr-only">
            {news}
          </span>
          {isAsking && <EndAllDialog count={items.length} onClose={() => setAsking(false)} />}
        </>
      )}
    </Panel>
  )
}

function SessionRow({ session, onEnded }: { session: UserSession; onEnded(ended: string): void }) {
  const { user_agent: agent, ip_address: address, method, is_current: isCurrent } = session
  const device = agentWords(agent)
  const { mutate, error, isPending } = useEndSession(session, () => onEnded(`${device} from ${address}`))
  return (
    <li className="grid gap-2 border-b px-4 py-3 last:border-b-0">
      <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
        <div className="min-w-0 flex-1">
          <p className="flex flex-wrap items-center gap-x-2 gap-y-1 font-medium" title={agent}>
            {device}
            {isCurrent && <Badge tone="good">This session</Badge>}
          </p>
          <p className="text-xs text-muted">
            From <span className="font-mono">{address}</span>, seen <RelativeTime at={session.last_seen_at} />
          </p>
          <p className="text-xs text-muted">
            Signed in <RelativeTime at={session.created_at} /> {methodWords[method]}, expires{' '}
            <RelativeTime at={session.expires_at} />
          </p>
        </div>
        <Button size="sm" isBusy={isPending} onClick={() => mutate()}>
          {isCurrent ? 'Sign out' : 'End'}
          <span className="sr-only">
            : {device} from {address}
          </span>
        </Button>
      </div>
      {error && <ErrorNote error={error} />}
    </li>
  )
}

function EndAllDialog({ count, onClose }: { count: number; onClose(): void }) {
  const { mutate, error, isPending } = useEndAllSessions()
  return (
    <ConfirmDialog
      isOpen
      title="Sign out everywhere?"
      confirmLabel="Sign out everywhere"
      isBusy={isPending}
      error={error}
      onConfirm={() => mutate()}
      onClose={onClose}
    >
      <p>
        {count === 1 ? 'This session ends' : `All your ${count} sessions end, here and elsewhere`}, and their open
        connections close. API tokens keep working.
      </p>
    </ConfirmDialog>
  )
}
