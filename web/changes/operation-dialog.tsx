/** One operation: who requested it, and the outcome of each message. */
import { ListChecks, Undo2 } from 'lucide-react'
import type { Operation, OperationResult, OperationWithResults } from '../../contract/operations.ts'
import { formatCount, formatDateTime } from '../platform/format.ts'
import { useMay } from '../platform/session.ts'
import { visibleText } from '../platform/visible-text.ts'
import { StatePill } from '../ui/badge.tsx'
import { Button, ButtonLink } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { ErrorState } from '../ui/error-state.tsx'
import { SkeletonRows } from '../ui/skeleton.tsx'
import type { Tone } from '../ui/tone.ts'
import { MessageLinks } from './message-links.tsx'
import { countWords, isUndoable, itemWordsOf, kindWords, stateWords, titleOf } from './operation-lines.ts'
import { useOperation } from './use-operations.ts'

export function OperationDialog({
  operationId,
  nameOf,
  onUndo,
  onSession,
  onClose,
}: {
  operationId: string
  nameOf(accountId: string): string
  /** Undefined for users who may not undo. */
  onUndo: ((operation: Operation) => void) | undefined
  onSession(operation: Operation): void
  onClose(): void
}) {
  const { data, error, refetch } = useOperation(operationId)
  return (
    <Dialog
      isOpen
      onClose={onClose}
      title={data ? titleOf(data) : 'Change'}
      footer={
        <>
          {data && data.session !== null && <Button onClick={() => onSession(data)}>Show its session</Button>}
          {data && onUndo && isUndoable(data) && (
            <Button
              icon={Undo2}
              onClick={() => {
                onClose()
                onUndo(data)
              }}
            >
              Undo…
            </Button>
          )}
          <Button variant="primary" onClick={onClose}>
            Close
          </Button>
        </>
      }
    >
      {!data && error && <ErrorState error={error} onRetry={() => void refetch()} />}
      {!data && !error && <SkeletonRows count={5} />}
      {data && <Details operation={data} account={nameOf(data.account_id)} />}
    </Dialog>
  )
}

function Details({ operation, account }: { operation: OperationWithResults; account: string }) {
  const { at, principal, state, counts, settled_at: settledAt, waits_because: waits, results } = operation
  const { tone, text } = stateWords[state]
  const lines: [string, string][] = [
    ['By', `${principal.name} (${kindWords[principal.kind]})`],
    ...(operation.session === null ? [] : [['Session', operation.session] as [string, string]]),
    ['Account', account],
    ['Asked', formatDateTime(Date.parse(at))],
    ...(settledAt === null ? [] : [['Settled', formatDateTime(Date.parse(settledAt))] as [string, string]]),
    ...(waits === null ? [] : [['Waits', waits] as [string, string]]),
    ...(operation.undo_of === null ? [] : [['Undoes', operation.undo_of] as [string, string]]),
    ...(operation.undone_by === null ? [] : [['Undone by', operation.undone_by] as [string, string]]),
  ]
  return (
    <div className="grid grid-cols-1 gap-4 text-sm">
      <p className="flex flex-wrap items-center gap-2">
        <StatePill tone={tone}>{text}</StatePill>
        <span className="text-soft empty:hidden">{countWords(counts, state)}</span>
      </p>
      {operation.proposal_id !== null && <ProposalNote state={state} proposalId={operation.proposal_id} />}
      <dl className="grid grid-cols-[auto_1fr] gap-x-4 gap-y-1">
        {lines.map(([label, words]) => (
          <div key={label} className="contents">
            <dt className="text-muted">{label}</dt>
            <dd className="min-w-0 wrap-anywhere">{visibleText(words)}</dd>
          </div>
        ))}
      </dl>
      <section aria-label="Messages" className="grid grid-cols-1 gap-2">
        <h3 className="font-semibold">Messages</h3>
        {groupResults(results).map(({ key, first, all }) => (
          <div key={key} className="grid min-w-0 gap-1.5 rounded-md border px-3 py-2">
            <p className="flex flex-wrap items-center gap-2">
              <ResultPill words={itemWordsOf(first.state, state)} />
              <span>
                {formatCount(all.length, 'message')}
                {first.folder !== null && ` in ${visibleText(first.folder)}`}
              </span>
            </p>
            {first.why !== null && <p className="text-soft wrap-anywhere">{visibleText(first.why)}</p>}
            <MessageLinks
              accountId={operation.account_id}
              messages={all.map(({ id, ref, new_ref: newRef, folder }) => ({ name: id ?? newRef ?? ref, folder }))}
            />
          </div>
        ))}
      </section>
    </div>
  )
}

const proposalWords: Partial<Record<Operation['state'], string>> = {
  proposed: 'Proposed. Nothing is changed until a human applies it.',
  declined: 'Proposed, but not applied. Nothing was changed.',
}

function ProposalNote({ state, proposalId }: { state: Operation['state']; proposalId: string }) {
  const mayOpen = useMay('mail:draft')
  return (
    <p className="flex flex-wrap items-center gap-3">
      <span className="grow basis-60 text-soft">{proposalWords[state] ?? 'Proposed, and applied by a user.'}</span>
      {mayOpen && (
        <ButtonLink href={`/approvals?open=${encodeURIComponent(proposalId)}`} size="sm" icon={ListChecks}>
          Open the proposal
        </ButtonLink>
      )}
    </p>
  )
}

function ResultPill({ words: { tone, text } }: { words: { tone: Tone; text: string } }) {
  return <StatePill tone={tone}>{text}</StatePill>
}

/** Groups equal outcomes, failures first. */
function groupResults(results: readonly OperationResult[]) {
  const groups = Map.groupBy(results, ({ state, why, folder }) => JSON.stringify([state, why, folder]))
  const rank = ({ state }: OperationResult) => (state === 'done' ? 1 : 0)
  return [...groups]
    .map(([key, all]) => ({ key, first: all[0]!, all }))
    .toSorted((a, b) => rank(a.first) - rank(b.first))
}
