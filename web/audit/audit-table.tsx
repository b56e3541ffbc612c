/** The rows of the audit trail. */
import { FileSearch } from 'lucide-react'
import type { Account } from '../../contract/accounts.ts'
import type { AuditEntry } from '../../contract/audit.ts'
import type { User } from '../../contract/users.ts'
import { agentWords } from '../platform/agent-words.ts'
import { formatDateTime, formatNumber } from '../platform/format.ts'
import { Badge, StatePill } from '../ui/badge.tsx'
import { RowActions } from '../ui/row-actions.tsx'
import { Cell, ColumnHead, Table, TableBody, TableHead, TableRow } from '../ui/table.tsx'
import { effectWords } from './audit-words.ts'
import { outcomeWords } from './outcome-words.ts'
import { refWords } from './ref-words.ts'

export function AuditTable({
  entries,
  accounts,
  people,
  onOpen,
}: {
  entries: readonly AuditEntry[]
  accounts: readonly Account[] | undefined
  people: readonly User[] | undefined
  onOpen(entry: AuditEntry): void
}) {
  return (
    <Table label="Entries of the audit trail" isStacked>
      <TableHead>
        <ColumnHead>When</ColumnHead>
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
          <EntryRow key={entry.number} entry={entry} accounts={accounts} people={people} onOpen={onOpen} />
        ))}
      </TableBody>
    </Table>
  )
}

function EntryRow({
  entry,
  accounts,
  people,
  onOpen,
}: {
  entry: AuditEntry
  accounts: readonly Account[] | undefined
  people: readonly User[] | undefined
  onOpen(entry: AuditEntry): void
}) {
  const { number, at, principal_name: name, operation, account_id: accountId, ip_address: address } = entry
  const { tone, text } = outcomeWords(entry)
  const effect = effectWords[entry.effect]
  const refs = refWords(entry.refs, people)
  const account = accountId === null ? undefined : (accounts?.find(({ id }) => id === accountId)?.name ?? accountId)
  return (
    <TableRow>
      <Cell label="When">
        <time dateTime={at} className="whitespace-nowrap stacked:whitespace-normal">
          {formatDateTime(Date.parse(at))}
        </time>
        <span className="block text-xs text-muted">number {formatNumber(number)}</span>
      </Cell>
      <Cell label="Who" className="min-w-32">
        <span className="font-medium">{name}</span>
        {entry.token_id !== null && <span className="block text-xs text-muted">by token</span>}
      </Cell>
      <Cell label="What">
        <code className="font-mono text-xs stacked:break-all">{operation}</code>
        <span className="block">
          <Badge tone={effect.tone}>{effect.text}</Badge>
        </span>
        {refs.map(words => (
          <span key={words} className="block text-xs text-muted wrap-anywhere">
            {words}
          </span>
        ))}
      </Cell>
      <Cell label="Account">{account ?? <span className="text-muted">None</span>}</Cell>
      <Cell label="Outcome">
        <span className="*:whitespace-normal">
          <StatePill tone={tone}>{text}</StatePill>
        </span>
        <span className="block text-xs whitespace-nowrap text-muted">after {formatNumber(entry.duration_ms)} ms</span>
      </Cell>
      <Cell label="From">
        <span className="block font-mono text-xs break-all">{address}</span>
        {entry.user_agent !== '' && (
          <span className="block text-xs text-muted" title={entry.user_agent}>
            {agentWords(entry.user_agent)}
          </span>
        )}
      </Cell>
      <Cell align="right">
        <RowActions
          subject={`entry ${formatNumber(number)}`}
          actions={[{ label: 'Details', icon: FileSearch, onChoose: () => onOpen(entry) }]}
        />
      </Cell>
    </TableRow>
  )
}
