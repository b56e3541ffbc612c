/** The table of changes; in a narrow container each has two lines. */
import { FileSearch, Undo2 } from 'lucide-react'
import type { Operation } from '../../contract/operations.ts'
import { zoneAt } from '../analytics/time-labels.ts'
import { formatDateTime, formatMinute } from '../platform/format.ts'
import { Badge, StatePill } from '../ui/badge.tsx'
import { IconButton } from '../ui/icon-button.tsx'
import { ColumnHead, LineCell, Table, TableBody, TableHead, TableRow } from '../ui/table.tsx'
import { countWords, isUndoable, kindWords, stateWords, titleOf } from './operation-lines.ts'

interface RowProps {
  nameOf(accountId: string): string
  onOpen(operation: Operation): void
  /** Undefined for users who may not undo. */
  onUndo: ((operation: Operation) => void) | undefined
  onPrincipal(principal: Operation['principal']): void
  onSession(operation: Operation): void
}

export function ChangesTable({ operations, ...acts }: RowProps & { operations: readonly Operation[] }) {
  return (
    <Table label="Changes of mail" isStacked>
      <TableHead>
        <ColumnHead>When, {zoneAt(Date.now())}</ColumnHead>
        <ColumnHead>By</ColumnHead>
        <ColumnHead>What</ColumnHead>
        <ColumnHead>Account</ColumnHead>
        <ColumnHead>State</ColumnHead>
        <ColumnHead>
          <span className="sr-only">Actions</span>
        </ColumnHead>
      </TableHead>
      <TableBody>
        {operations.map(operation => (
          <ChangeRow key={operation.id} operation={operation} {...acts} />
        ))}
      </TableBody>
    </Table>
  )
}

function ChangeRow({ operation, nameOf, onOpen, onUndo, onPrincipal, onSession }: RowProps & { operation: Operation }) {
  const { at, principal, account_id: accountId, state, counts, undo_of: undoOf, undone_by: undoneBy } = operation
  const { tone, text } = stateWords[state]
  const title = titleOf(operation)
  const details = countWords(counts, state)
  const waits = operation.waits_because
  return (
    <TableRow stack="lines">
      <LineCell line="none">
        <time dateTime={at} className="whitespace-nowrap">
          {formatDateTime(Date.parse(at))}
        </time>
      </LineCell>
      <LineCell line="none" className="min-w-32">
        <button
          type="button"
          title="Show only these"
          onClick={() => onPrincipal(principal)}
          className="rounded-sm text-left font-medium hover:underline"
        >
          {principal.name}
        </button>
        <span className="block text-xs text-muted">{kindWords[principal.kind]}</span>
        {operation.session !== null && (
          <button
            type="button"
            title="Show only this session"
            onClick={() => onSession(operation)}
            className="block max-w-40 truncate rounded-sm text-left text-xs text-muted hover:underline"
          >
            <span className="sr-only">Session </span>
            {operation.session}
          </button>
        )}
      </LineCell>
      <LineCell line="name" className="min-w-48">
        <span className="flex flex-wrap items-center gap-x-2 gap-y-1 stacked:flex-nowrap">
          <bdi className="min-w-0 font-medium wrap-anywhere stacked:truncate">{title}</bdi>
          <span className="flex gap-1 empty:hidden tight:hidden">
            {undoOf !== null && <Badge tone="info">Undo</Badge>}
            {undoneBy !== null && <Badge>Undone</Badge>}
          </span>
        </span>
        {waits !== null && state === 'pending' && (
          <span className="block text-xs text-muted wrap-anywhere stacked:hidden">Waits: {waits}</span>
        )}
      </LineCell>
      <LineCell line="none">{nameOf(accountId)}</LineCell>
      <LineCell line="state">
        <StatePill tone={tone}>{text}</StatePill>
        {details && <span className="block text-xs text-muted stacked:hidden">{details}</span>}
      </LineCell>
      <LineCell line="more">
        <time dateTime={at} title={formatDateTime(Date.parse(at))}>
          {formatMinute(Date.parse(at))}
        </time>
        {undoneBy !== null && <span className="hidden tight:inline"> · undone</span>}
        {[principal.name, nameOf(accountId), details].filter(Boolean).map(words => ` · ${words}`)}
      </LineCell>
      <LineCell line="actions" align="right">
        <span className="inline-flex justify-end">
          {onUndo && isUndoable(operation) && (
            <IconButton icon={Undo2} label={`Undo: ${title}`} onClick={() => onUndo(operation)} />
          )}
          <IconButton icon={FileSearch} label={`Messages: ${title}`} onClick={() => onOpen(operation)} />
        </span>
      </LineCell>
    </TableRow>
  )
}
