/** One audit entry in full. */
import type { ReactNode } from 'react'
import { Link } from 'wouter'
import type { Account } from '../../contract/accounts.ts'
import type { AuditEntry } from '../../contract/audit.ts'
import type { User } from '../../contract/users.ts'
import { logsAddress } from '../logs/log-view.ts'
import { formatDateTime, formatNumber } from '../platform/format.ts'
import { operationWords } from '../platform/operation-words.ts'
import { StatePill } from '../ui/badge.tsx'
import { Button } from '../ui/button.tsx'
import { CopyButton } from '../ui/copy-button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import type { AuditView } from './audit-view.ts'
import { effectWords } from './audit-words.ts'
import { outcomeWords } from './outcome-words.ts'
import { nameOf, nameOfPerson } from './ref-words.ts'

export function EntryDialog({
  entry,
  accounts,
  people,
  onFilter,
  onClose,
}: {
  entry: AuditEntry
  accounts: readonly Account[] | undefined
  people: readonly User[] | undefined
  onFilter(change: Partial<AuditView>): void
  onClose(): void
}) {
  const outcome = outcomeWords(entry)
  const account = accounts?.find(({ id }) => id === entry.account_id)
  return (
    <Dialog
      isOpen
      onClose={onClose}
      title={`Entry ${formatNumber(entry.number)}`}
      size="lg"
      footer={
        <>
          <Button onClick={() => onFilter({ principal: entry.principal_id })}>All by {entry.principal_name}</Button>
          <Button onClick={() => onFilter({ operation: entry.operation })}>All of this operation</Button>
          <Button variant="primary" onClick={onClose}>
            Close
          </Button>
        </>
      }
    >
      <dl className="grid gap-x-6 gap-y-3 sm:grid-cols-2">
        <Fact name="When">
          {formatDateTime(Date.parse(entry.at))} <Code text={entry.at} />
        </Fact>
        <Fact name="Outcome">
          <StatePill tone={outcome.tone}>{outcome.text}</StatePill>{' '}
          <span className="text-soft">
            {entry.outcome} ({entry.status}), {formatNumber(entry.duration_ms)} ms
          </span>
        </Fact>
        <Fact name="Who">
          {entry.principal_name} <Code text={entry.principal_id} label="the principal" />
        </Fact>
        <Fact name="Operation">
          {operationWords(entry.operation)} <span className="text-soft">({effectWords[entry.effect].text})</span>{' '}
          <Code text={entry.operation} label="the operation" />
        </Fact>
        <Ids name="User" text={entry.user_id} />
        <Ids name={entry.token_id === null ? 'Session' : 'Token'} text={entry.token_id ?? entry.session_id} />
        <Fact name="Address">
          <Code text={entry.ip_address} label="the address" />
        </Fact>
        <Fact name="Program">{entry.user_agent || <None />}</Fact>
        <Fact name="Account">
          {account?.name} {entry.account_id === null ? <None /> : <Code text={entry.account_id} label="the account" />}
        </Fact>
        <Fact name="Request">
          {entry.request_id === '' ? <None /> : <Code text={entry.request_id} label="the request id" />}{' '}
          {entry.request_id !== '' && (
            <Link
              href={logsAddress({ request: entry.request_id })}
              className="rounded-sm text-xs text-accent underline"
            >
              In the log
            </Link>
          )}
        </Fact>
        <Fact name="Target" isWide>
          <Refs refs={entry.refs} people={people} />
        </Fact>
        <Fact name="Input digest" isWide>
          {entry.input_digest === null ? <None /> : <Code text={entry.input_digest} label="the digest" />}
          <p className="text-xs text-muted">
            Digest of the request without passwords and other secrets. The same request gives the same digest.
          </p>
        </Fact>
        <Fact name="Hash" isWide>
          <Code text={entry.hash} label="the hash" />
          <p className="text-xs text-muted">Covers this entry and the hash of the previous one.</p>
        </Fact>
      </dl>
    </Dialog>
  )
}

function Fact({ name, isWide = false, children }: { name: string; isWide?: boolean; children: ReactNode }) {
  return (
    <div className={isWide ? 'min-w-0 sm:col-span-2' : 'min-w-0'}>
      <dt className="text-xs text-muted">{name}</dt>
      <dd className="text-sm">{children}</dd>
    </div>
  )
}

function Ids({ name, text }: { name: string; text: string | null }) {
  return <Fact name={name}>{text === null ? <None /> : <Code text={text} label={`the ${name.toLowerCase()}`} />}</Fact>
}

/** @param label Names the value for the copy button; without one it cannot be copied. */
function Code({ text, label }: { text: string; label?: string }) {
  return (
    <span className="inline-flex max-w-full items-center gap-1">
      <code className="font-mono text-xs break-all">{text}</code>
      {label && <CopyButton text={text} label={`Copy ${label}`} />}
    </span>
  )
}

function Refs({ refs, people }: { refs: AuditEntry['refs']; people: readonly User[] | undefined }) {
  const entries = Object.entries(refs)
  if (entries.length === 0) return <None />
  return (
    <ul className="grid gap-0.5">
      {entries.map(([name, value]) => (
        <li key={name}>
          <span className="text-soft">{nameOf(name)}:</span> {nameOfPerson(name, value, people)}{' '}
          <code className="font-mono text-xs break-all">{value}</code>
        </li>
      ))}
    </ul>
  )
}

function None() {
  return <span className="text-muted">None</span>
}
