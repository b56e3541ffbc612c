/** The connection facts of an account: its servers, connections, and last mail. */
import type { ReactNode } from 'react'
import type { Account, AccountConnections, MailServer } from '../../contract/accounts.ts'
import { formatCount } from '../platform/format.ts'
import { classNames } from '../ui/class-names.ts'
import { Meter } from '../ui/meter.tsx'
import { RelativeTime } from '../ui/relative-time.tsx'
import { addressOf, tlsWords } from './account-words.ts'
import { connectionLimit } from './connection-limit.ts'

export function AccountFacts({ account }: { account: Account }) {
  const { connections, last_mail_at: lastMailAt, imap, smtp, enabled } = account
  return (
    <dl className="grid grid-cols-2 gap-x-4 gap-y-3 text-sm lg:grid-cols-4">
      <Fact label="New mail">
        <WatchWords isEnabled={enabled} connections={connections} />
        <span className="block text-xs text-muted">
          {lastMailAt ? (
            <>
              Last <RelativeTime at={lastMailAt} />
            </>
          ) : (
            'None since the server started'
          )}
        </span>
      </Fact>
      <Fact label="Connections">
        <Connections connections={connections} />
      </Fact>
      <Fact label="Incoming (IMAP)" isWide>
        <ServerWords server={imap} />
      </Fact>
      <Fact label="Outgoing (SMTP)" isWide>
        {smtp ? <ServerWords server={smtp} /> : <span className="text-muted">Not set (read-only)</span>}
      </Fact>
    </dl>
  )
}

/**
 * One fact.
 * @param isWide Takes the full width on phones, for long server names.
 */
export function Fact({ label, isWide = false, children }: { label: string; isWide?: boolean; children: ReactNode }) {
  return (
    <div className={classNames('min-w-0', isWide && 'max-sm:col-span-2')}>
      <dt className="text-xs text-muted">{label}</dt>
      <dd>{children}</dd>
    </div>
  )
}

function WatchWords({ isEnabled, connections }: { isEnabled: boolean; connections: AccountConnections }) {
  if (!isEnabled) return <span className="text-muted">Not watched</span>
  return connections.watching > 0 ? 'Watching INBOX' : <span className="text-warn">Not watching now</span>
}

function Connections({ connections }: { connections: AccountConnections }) {
  const { open, busy, idle, connecting, waiting } = connections
  const limit = connectionLimit(connections)
  if (limit === 0) return <span className="text-muted">None</span>
  const kinds: [number, string][] = [
    [busy, 'busy'],
    [idle, 'idle'],
    [connecting, 'connecting'],
  ]
  const words = kinds.filter(([count]) => count > 0).map(([count, kind]) => `${count} ${kind}`)
  return (
    <>
      <Meter value={open} max={limit} words="Open connections" />
      <span className="block text-xs text-muted">{words.join(', ') || 'no command connection'}</span>
      {waiting > 0 && <span className="block text-xs text-warn">{formatCount(waiting, 'request')} waiting</span>}
    </>
  )
}

function ServerWords({ server }: { server: MailServer }) {
  return (
    <>
      <span className="block">{addressOf(server)}</span>
      <span className="block text-xs text-muted">
        {tlsWords[server.tls].short}, as {server.user}
      </span>
    </>
  )
}
