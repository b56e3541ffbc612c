/** Explains why an account shows no mail, instead of its list or above its cached mail. */
import { FlaskConical, MailPlus, Settings } from 'lucide-react'
import type { Account, AccountState } from '../../contract/accounts.ts'
import { isReadable } from '../accounts/account-words.ts'
import { useRights, useStartSandbox } from '../accounts/use-accounts.ts'
import { useIsParked } from '../accounts/use-state-words.ts'
import { useNow } from '../platform/clock.ts'
import { useLiveStatus } from '../platform/live.tsx'
import { Banner } from '../ui/banner.tsx'
import { Button, ButtonLink } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { ErrorNote } from '../ui/error-state.tsx'
import { RelativeTime } from '../ui/relative-time.tsx'
import { type Tone, toneIcon } from '../ui/tone.ts'

interface Words {
  tone: Tone
  title: string
  detail: string
}

const words: Partial<Record<AccountState, Words>> = {
  connecting: { tone: 'busy', title: 'Connecting to the mail server', detail: 'Mail appears once it responds.' },
  degraded: { tone: 'warn', title: 'This account works only partially', detail: 'New mail may be delayed.' },
  auth_failed: {
    tone: 'bad',
    title: 'The mail server rejected the login',
    detail: 'It is not retried until the password or the server changes.',
  },
  unreachable: { tone: 'bad', title: 'The mail server cannot be reached', detail: 'It is retried automatically.' },
  disabled: { tone: 'unknown', title: 'This account is disabled', detail: 'Enable it to read its mail here.' },
}

export function AccountNotReady({ account }: { account: Account }) {
  const serverNow = useNow(1_000) + useLiveStatus().clockOffsetMs
  const { tone, title, detail } = useWordsFor(account)
  const { last_error: error, next_retry_at: nextRetryAt, state } = account
  return (
    <section className="rounded-lg border bg-surface shadow-card" role="status">
      <EmptyState icon={toneIcon[tone]} title={title} actions={<Actions account={account} />}>
        <div className="grid gap-1">
          {error && state !== 'disabled' && <p>{error.detail}</p>}
          {error?.server_response && state !== 'disabled' && (
            <p className="text-xs">
              The server said: <q className="font-mono">{error.server_response}</q>
            </p>
          )}
          <p>
            {detail}
            {nextRetryAt && Date.parse(nextRetryAt) > serverNow && (
              <>
                {' '}
                Next retry <RelativeTime at={nextRetryAt} />.
              </>
            )}
          </p>
        </div>
      </EmptyState>
    </section>
  )
}

/** The note on an account's state; renders nothing unless there is a problem. */
export function AccountTrouble({ account }: { account: Account }) {
  const { tone, title, detail } = useWordsFor(account)
  if (account.state === 'ready') return null
  return (
    <div className="mb-3 overflow-hidden rounded-md">
      <Banner tone={tone} actions={<AccountLink id={account.id} />}>
        <strong className="font-semibold">{title}.</strong> {account.last_error?.detail ?? detail}
        {!isReadable(account) && ' Mail that was already loaded is still shown.'}
      </Banner>
    </div>
  )
}

export function NoAccount() {
  return (
    <section className="rounded-lg border bg-surface shadow-card">
      <EmptyState
        icon={MailPlus}
        title="No mailbox is connected yet"
        actions={
          <>
            <ButtonLink href="/accounts?connect=1" variant="primary" icon={MailPlus}>
              Connect a mailbox
            </ButtonLink>
            <StartSandbox>Try the sandbox</StartSandbox>
          </>
        }
      >
        Connect one to see its folders and messages here. Or look around in the sandbox: a throw-away mail server on
        this machine with made-up mail.
      </EmptyState>
    </section>
  )
}

/** The way out: a sandbox that stopped with the server is started from here. */
function Actions({ account }: { account: Account }) {
  const isParked = useIsParked()(account)
  const { mayChange } = useRights()
  return isParked && mayChange ? (
    <StartSandbox isMain>Start the sandbox again</StartSandbox>
  ) : (
    <AccountLink id={account.id} />
  )
}

function StartSandbox({ isMain, children }: { isMain?: boolean; children: string }) {
  const { mutate, isPending, error } = useStartSandbox()
  return (
    <>
      <Button
        variant={isMain ? 'primary' : 'secondary'}
        icon={FlaskConical}
        isBusy={isPending}
        onClick={() => mutate()}
      >
        {children}
      </Button>
      {error && <ErrorNote error={error} />}
    </>
  )
}

/** A link to the account's page, where the cause is shown and a retry can be triggered. */
function AccountLink({ id }: { id: string }) {
  return (
    <ButtonLink href={`/accounts/${id}`} size="sm" icon={Settings}>
      Open the account
    </ButtonLink>
  )
}

const parked: Words = {
  tone: 'unknown',
  title: 'The sandbox is not running',
  detail: 'It stopped with the server. Started again, it has fresh mail.',
}

const signedOut: Words = {
  tone: 'bad',
  title: 'The access to this mailbox was revoked or has expired',
  detail: 'Sign in again on the account’s page: its mail and settings stay.',
}

function useWordsFor(account: Account): Words {
  const isParked = useIsParked()
  if (isParked(account)) return parked
  if (account.state === 'auth_failed' && account.last_error?.cause === 'revoked') return signedOut
  return words[account.state] ?? { tone: 'unknown', title: 'This account is not ready', detail: '' }
}
