/** The state of an account, its cause, and actions. */
import { FlaskConical, Inbox, Pencil, Plug, Power, PowerOff, RotateCw, Star, Stethoscope, Unplug } from 'lucide-react'
import { useState } from 'react'
import type { Account } from '../../contract/accounts.ts'
import { StopAccount } from '../freeze/stop-account.tsx'
import { useMay } from '../platform/session.ts'
import { Badge, StatePill } from '../ui/badge.tsx'
import { Button, ButtonLink } from '../ui/button.tsx'
import { ErrorNote } from '../ui/error-state.tsx'
import { type Action, MoreActions } from '../ui/more-actions.tsx'
import { RelativeTime } from '../ui/relative-time.tsx'
import { AccountFacts } from './account-facts.tsx'
import { isReadable, notRetriedUntil, stateWords } from './account-words.ts'
import { DisconnectDialog } from './disconnect-dialog.tsx'
import { EditAccountDialog } from './edit-account-dialog.tsx'
import { NextTry } from './next-try.tsx'
import { Elapsed } from './ticking-time.tsx'
import { TroubleNote } from './trouble-note.tsx'
import { useChangeAccount, useReconnectAccount, useRights, useStartSandbox, useVerifyAccount } from './use-accounts.ts'
import { useIsParked, useStateWords } from './use-state-words.ts'
import { VerifyOutcome } from './verify-outcome.tsx'

export function AccountPanel({ account }: { account: Account }) {
  const { name, is_default: isDefault, is_sandbox: isSandbox, enabled, state, auth } = account
  const { mayChange, mayVerify } = useRights()
  const mayReadMail = useMay('mail:meta')
  const [open, setOpen] = useState<'edit' | 'disconnect'>()
  const verify = useVerifyAccount(account)
  const reconnect = useReconnectAccount(account)
  const change = useChangeAccount(account)
  const isParked = useIsParked()(account)
  const actions = furtherActions(account, isParked, {
    onChange: (body, said) => change.mutate({ change: body, said }),
    onDisconnect: () => setOpen('disconnect'),
  })
  // Nothing is retried until the password changes, so the button to edit it comes first.
  const isRejected = enabled && state === 'auth_failed' && auth.kind === 'password'
  const edit = mayChange && (
    <Button size="sm" variant={isRejected ? 'primary' : 'secondary'} icon={Pencil} onClick={() => setOpen('edit')}>
      Edit<span className="sr-only">: {name}</span>
    </Button>
  )
  return (
    <div className="grid gap-3">
      <div className="flex flex-wrap items-center gap-2">
        <StateLine account={account} />
        {isDefault && <Badge tone="info">Default</Badge>}
        {isSandbox && <Badge tone="warn">Sandbox</Badge>}
      </div>
      {/* The result of a test repeats it. */}
      {(!verify.data || verify.data.imap.ok) && <WhyNote account={account} />}
      <Note account={account} />
      {isParked ? <SandboxNote mayStart={mayChange} /> : <AccountFacts account={account} />}
      {verify.data && (
        <VerifyOutcome
          account={account}
          result={verify.data}
          at={verify.submittedAt}
          onAgain={verify.mutate}
          onClose={verify.reset}
        />
      )}
      {verify.error && <ErrorNote error={verify.error} />}
      {reconnect.error && <ErrorNote error={reconnect.error} />}
      {change.error && open === undefined && <ErrorNote error={change.error} />}
      <div className="flex flex-wrap items-center gap-2">
        {isRejected && edit}
        {mayVerify && !isParked && enabled && state !== 'ready' && (
          <Button size="sm" icon={RotateCw} isBusy={reconnect.isPending} onClick={() => reconnect.mutate()}>
            Retry now<span className="sr-only">: {name}</span>
          </Button>
        )}
        {mayVerify && !isParked && (
          <Button size="sm" icon={Plug} isBusy={verify.isPending} onClick={() => verify.mutate()}>
            {verify.isPending ? 'Testing the servers' : 'Verify now'}
            <span className="sr-only">: {name}</span>
          </Button>
        )}
        {!isParked && (
          <ButtonLink href={`/accounts/${account.id}/diagnose`} size="sm" icon={Stethoscope}>
            Diagnose<span className="sr-only">: {name}</span>
          </ButtonLink>
        )}
        {mayReadMail && isReadable(account) && (
          <ButtonLink href={`/mail?${new URLSearchParams({ account: account.id })}`} size="sm" icon={Inbox}>
            Open mail<span className="sr-only">: {name}</span>
          </ButtonLink>
        )}
        {!isRejected && edit}
        <StopAccount account={account} />
        {mayChange && <MoreActions subject={name} actions={actions} />}
        <span role="status" className="sr-only">
          {verify.isPending && `Testing the servers of ${name}`}
          {verify.data && outcomeWords(verify.data)}
        </span>
      </div>
      {open === 'edit' && <EditAccountDialog account={account} onClose={() => setOpen(undefined)} />}
      {open === 'disconnect' && <DisconnectDialog account={account} onClose={() => setOpen(undefined)} />}
    </div>
  )
}

function StateLine({ account }: { account: Account }) {
  const { tone, text } = useStateWords(account)
  const isParked = useIsParked()(account)
  return (
    <p className="flex items-center gap-2 text-xs text-muted">
      <StatePill tone={tone}>{text}</StatePill>
      {!isParked && <Elapsed at={account.state_since} />}
    </p>
  )
}

/** A note on something that is not a failure, such as a server that allows one connection only. */
function Note({ account: { note } }: { account: Account }) {
  return note ? <p className="text-sm text-soft">{note}</p> : null
}

function SandboxNote({ mayStart }: { mayStart: boolean }) {
  const { mutate, isPending, error } = useStartSandbox()
  return (
    <div className="grid justify-items-start gap-2 text-sm text-soft">
      <p>The sandbox stopped with the server. Start it again to reconnect this account, with fresh mail.</p>
      {mayStart && (
        <Button size="sm" icon={FlaskConical} isBusy={isPending} onClick={() => mutate()}>
          Start the sandbox
        </Button>
      )}
      {error && <ErrorNote error={error} />}
    </div>
  )
}

/** Why the account does not work, and when it is retried. */
function WhyNote({ account }: { account: Account }) {
  const { state, last_error: error, next_retry_at: nextRetryAt, enabled } = account
  if (!enabled || state === 'ready' || !error) return null
  const { cause, detail, server_response: serverResponse, networks, at } = error
  return (
    <TroubleNote
      trouble={{ cause, detail, serverResponse, networks }}
      tone={stateWords[state].tone === 'bad' ? 'bad' : 'warn'}
      extra={
        <p className="text-xs text-soft">
          Seen <RelativeTime at={at} />.{' '}
          {nextRetryAt && (
            <>
              <NextTry account={account} />.
            </>
          )}
          {state === 'auth_failed' && !nextRetryAt && `Not retried ${notRetriedUntil(account)}.`}
        </p>
      }
    />
  )
}

function furtherActions(
  { enabled, is_default: isDefault }: Account,
  isParked: boolean,
  on: { onChange(change: { enabled: boolean } | { is_default: true }, said: string): void; onDisconnect(): void },
): Action[] {
  const power: Action = enabled
    ? { label: 'Disable', icon: PowerOff, onChoose: () => on.onChange({ enabled: false }, 'Disabled') }
    : { label: 'Enable', icon: Power, onChoose: () => on.onChange({ enabled: true }, 'Enabled') }
  const makeDefault: Action = {
    label: 'Make default',
    icon: Star,
    onChoose: () => on.onChange({ is_default: true }, 'This is now the default account'),
  }
  const disconnect: Action = { label: 'Disconnect…', icon: Unplug, isDangerous: true, onChoose: on.onDisconnect }
  return [...(isParked ? [] : [power]), ...(isDefault ? [] : [makeDefault]), disconnect]
}

function outcomeWords({ imap, smtp }: { imap: { ok: boolean }; smtp: { ok: boolean } | null }): string {
  const words = [
    `IMAP ${imap.ok ? 'answered' : 'failed'}`,
    ...(smtp ? [`SMTP ${smtp.ok ? 'answered' : 'failed'}`] : []),
  ]
  return words.join(', ')
}
