/** The audit table; in a narrow container each entry has two lines, and its dialog has the rest. */
import { FileSearch } from 'lucide-react'
import type { Account } from '../../contract/accounts.ts'
import type { AuditEntry } from '../../contract/audit.ts'
import type { User } from '../../contract/users.ts'
import { zoneAt } from '../analytics/time-labels.ts'
import { agentWords } from '../platform/agent-words.ts'
import { formatDateTime, formatMinute, formatNumber } from '../platform/format.ts'
import { operationWords } from '../platform/operation-words.ts'
import { Badge, StatePill } from '../ui/badge.tsx'
import { IconButton } from '../ui/icon-button.tsx'
import { ColumnHead, LineCell, Table, TableBody, TableHead, TableRow } from '../ui/table.tsx'
import { effectWords } from './audit-words.ts'
import { outcomeWords } from './outcome-words.ts'
import { refWords } from './ref-words.ts'

interface RowProps {
  accounts: readonly Account[] | undefined
  people: readonly User[] | undefined
  onOpen(entry: AuditEntry): void
}

export function AuditTable({ entries, ...around }: RowProps & { entries: readonly AuditEntry[] }) {
  return (
    <Table label="Entries of the audit trail" isStacked>
      <TableHead>
        <ColumnHead>When, {zoneAt(Date.now())}</ColumnHead>
        <ColumnHead>Who</ColumnHead>
        <ColumnHead>What</ColumnHead>
        <ColumnHead>Account</ColumnHead>
        <ColumnHead>Outcome</ColumnHead>
        <ColumnHead>From</ColumnHead>
        <ColumnHead>
          <span className="sr-only">Actions</span>
        </ColumnHead>
      </TableHead>
      <TableBody>
        {entries.map(entry => (
          <EntryRow key={entry.number} entry={entry} {...around} />
        ))}
      </TableBody>
    </Table>
  )
}

function EntryRow({ entry, accounts, people, onOpen }: RowProps & { entry: AuditEntry }) {
  const { number, at, principal_name: name, operation, account_id: accountId, ip_address: address } = entry
  const { tone, text } = outcomeWords(entry)
  const effect = effectWords[entry.effect]
  const refs = refWords(entry.refs, people)
  const account = accountId === null ? undefined : (accounts?.find(({ id }) => id === accountId)?.name ?? accountId)
  const agent = entry.user_agent === '' ? undefined : agentWords(entry.user_agent)
  const more = [name, entry.token_id !== null && 'by token', account, ...refs, address, agent]
  return (
    <TableRow stack="lines">
      <LineCell line="none">
        <time dateTime={at} className="whitespace-nowrap">
          {formatDateTime(Date.parse(at))}
        </time>
        <span className="block text-xs text-muted">number {formatNumber(number)}</span>
      </LineCell>
      <LineCell line="none" className="min-w-32">
        <span className="block max-w-64 font-medium wrap-anywhere">{name}</span>
        {entry.token_id !== null && <span className="block text-xs text-muted">by token</span>}
      </LineCell>
      <LineCell line="name" className="min-w-40">
        <span className="flex flex-wrap items-baseline gap-x-2 stacked:flex-nowrap">
          <span title={operation} className="font-medium stacked:truncate">
            {operationWords(operation)}
          </span>
          <span className={entry.effect === 'read' ? 'stacked:hidden' : 'tight:hidden'}>
            <Badge tone={effect.tone}>{effect.text}</Badge>
          </span>
        </span>
        {refs.length > 0 && (
          // Bounded in width, because a long list would squeeze names and outcomes.
          <span className="block max-w-88 text-xs text-muted wrap-anywhere stacked:hidden">{refs.join(' · ')}</span>
        )}
      </LineCell>
      <LineCell line="none" className="min-w-24">
        <span className="block max-w-48 wrap-anywhere">{account ?? <span className="text-muted">None</span>}</span>
      </LineCell>
      <LineCell line="state" className="tight:max-w-36">
        <span className="*:max-w-full *:whitespace-normal" title={`after ${formatNumber(entry.duration_ms)} ms`}>
          <StatePill tone={tone}>{text}</StatePill>
        </span>
        <span className="block text-xs whitespace-nowrap text-muted stacked:hidden">
          after {formatNumber(entry.duration_ms)} ms
        </span>
      </LineCell>
      <LineCell line="none">
        <span className="block font-mono text-xs break-all">{address}</span>
        {agent !== undefined && (
          <span className="block text-xs text-muted" title={entry.user_agent}>
            {agent}
          </span>
        )}
      </LineCell>
      <LineCell line="more">
        <time dateTime={at} title={formatDateTime(Date.parse(at))}>
          {formatMinute(Date.parse(at))}
        </time>
        {more.filter(Boolean).map(words => ` · ${words}`)}
      </LineCell>
      <LineCell line="actions" align="right">
        <IconButton icon={FileSearch} label={`Details: entry ${formatNumber(number)}`} onClick={() => onOpen(entry)} />
      </LineCell>
    </TableRow>
  )
}
