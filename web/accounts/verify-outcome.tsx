/** The results of testing both servers of an account. */
import { X } from 'lucide-react'
import type { Account, PartResult, VerifyResult } from '../../contract/accounts.ts'
import { formatClock, formatNumber } from '../platform/format.ts'
import { ToneIcon } from '../ui/badge.tsx'
import { IconButton } from '../ui/icon-button.tsx'
import type { Part } from './account-draft.ts'
import { addressOf } from './account-words.ts'
import type { AllowNetworksProps } from './allow-networks.tsx'
import { partNames } from './fault-words.ts'
import { TroubleNote } from './trouble-note.tsx'

/** @param at When they were tested, by this machine's clock. */
export function VerifyOutcome({
  account,
  result,
  at,
  onAgain,
  onClose,
}: {
  account: Account
  result: VerifyResult
  at: number
  onAgain(): void
  onClose(): void
}) {
  const onAllowed = { label: 'try again', act: onAgain }
  return (
    <section aria-label={`Test of ${account.name}`} className="grid gap-2 rounded-md border p-3">
      <div className="flex items-center justify-between gap-2">
        <p className="text-sm font-medium">Tested at {formatClock(at)}</p>
        <IconButton icon={X} label="Close the result" className="-my-2 -mr-2" onClick={onClose} />
      </div>
      <PartLine part="imap" address={addressOf(account.imap)} result={result.imap} onAllowed={onAllowed} />
      {result.smtp && account.smtp && (
        <PartLine part="smtp" address={addressOf(account.smtp)} result={result.smtp} onAllowed={onAllowed} />
      )}
      {!account.smtp && <p className="text-sm text-muted">No SMTP server is set, so none was tested.</p>}
    </section>
  )
}

function PartLine({
  part,
  address,
  result,
  onAllowed,
}: {
  part: Part
  address: string
  result: PartResult
  onAllowed: AllowNetworksProps['onAllowed']
}) {
  const { ok, cause, detail, server_response: serverResponse, networks, duration_ms: durationMs } = result
  if (!ok) return <TroubleNote trouble={{ cause, part, detail, serverResponse, networks }} onAllowed={onAllowed} />
  return (
    <p className="flex items-start gap-2 text-sm">
      <span className="mt-0.5">
        <ToneIcon tone="good" />
      </span>
      <span className="min-w-0">
        <span className="font-medium">{partNames[part]}:</span> {detail}{' '}
        <span className="text-muted">
          {address}, {formatNumber(Math.round(durationMs))} ms
        </span>
      </span>
    </p>
  )
}
