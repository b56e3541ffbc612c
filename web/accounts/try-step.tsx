/** The third step of connecting: tests the servers and shows the result. */
import { useEffect, useRef } from 'react'
import type { Account } from '../../contract/accounts.ts'
import { useNow } from '../platform/clock.ts'
import { formatDuration } from '../platform/format.ts'
import { useMay } from '../platform/session.ts'
import { StatePill, ToneIcon } from '../ui/badge.tsx'
import type { AccountDraft } from './account-draft.ts'
import { addressOf, isReadable, stateWords } from './account-words.ts'
import { IndexNote } from './index-note.tsx'
import { FailureNote, TroubleNote, troubleOf } from './trouble-note.tsx'
import type { ConnectWizard } from './use-connect-wizard.ts'

/** Seconds after which a note explains the delay. */
const slowAfterSeconds = 8

export function TryStep({ wizard, accounts }: { wizard: ConnectWizard; accounts: readonly Account[] }) {
  const { draft, connecting, chosen } = wizard
  const box = useRef<HTMLDivElement>(null)
  const { data, error, isPending, variables, submittedAt } = connecting
  // The focused form, or the button that tried again, has been unmounted.
  // biome-ignore lint/correctness/useExhaustiveDependencies: runs at each try
  useEffect(() => box.current?.focus(), [submittedAt])
  const isLoginFault = error && troubleOf(error)?.cause === 'login'
  return (
    <div ref={box} tabIndex={-1} className="grid min-h-32 content-start gap-3 outline-none">
      {isPending && <Progress draft={draft} isTrying={variables.verify} startedAt={submittedAt} />}
      {error && (
        <FailureNote
          error={error}
          onAllowed={{ label: 'connect', act: () => wizard.connect(true) }}
          extra={isLoginFault && chosen?.note && <p className="text-ink">{chosen.note}</p>}
        />
      )}
      {data && <Connected account={accounts.find(({ id }) => id === data.id) ?? data} wasTried={variables.verify} />}
    </div>
  )
}

function Progress({ draft, isTrying, startedAt }: { draft: AccountDraft; isTrying: boolean; startedAt: number }) {
  const seconds = Math.max(0, Math.floor((useNow(1_000) - startedAt) / 1000))
  const servers = [
    `IMAP at ${addressOf({ host: draft.imap.host.trim(), port: Number(draft.imap.port) })}`,
    ...(draft.hasSmtp ? [`SMTP at ${addressOf({ host: draft.smtp.host.trim(), port: Number(draft.smtp.port) })}`] : []),
  ]
  return (
    <div className="grid gap-2 rounded-md bg-sunken p-4 text-sm">
      <p role="status" className="flex items-center gap-2 font-semibold">
        <ToneIcon tone="busy" />
        {isTrying ? 'Logging in' : 'Connecting without a test'}
      </p>
      {isTrying && (
        <ol className="grid list-decimal gap-1 pl-8 text-soft">
          {servers.map(server => (
            <li key={server}>{server}</li>
          ))}
        </ol>
      )}
      {seconds >= 2 && (
        <p className="text-xs text-muted">
          {formatDuration(seconds)} so far.{' '}
          {seconds >= slowAfterSeconds && 'The server is slow to respond. Change the timeout in Configuration.'}
        </p>
      )}
    </div>
  )
}

function Connected({ account, wasTried }: { account: Account; wasTried: boolean }) {
  const mayReadMail = useMay('mail:meta')
  const { name, email, state, last_error: lastError } = account
  const { tone, text } = stateWords[state]
  return (
    <>
      <div role="status" className="grid gap-2 rounded-md border p-4">
        <p className="flex items-center gap-2 font-semibold text-good">
          <ToneIcon tone="good" /> {wasTried ? 'Connected' : 'Saved without a test'}
        </p>
        <p className="flex flex-wrap items-center gap-x-2 gap-y-1">
          {name === email ? email : `${name}, ${email}`}
          <StatePill tone={tone}>{text}</StatePill>
        </p>
      </div>
      {lastError && tone === 'bad' && (
        <TroubleNote
          trouble={{
            cause: lastError.cause,
            detail: lastError.detail,
            serverResponse: lastError.server_response,
            networks: lastError.networks,
          }}
        />
      )}
      {state === 'connecting' && (
        <p className="text-sm text-soft">The first connection is being made. You can close this.</p>
      )}
      {mayReadMail && isReadable(account) && <IndexNote account={account} />}
    </>
  )
}
