/** Previews an undo, runs it, and reports the outcome. */
import { useState } from 'react'
import type { Operation, UndoReport } from '../../contract/operations.ts'
import { formatCount, formatMinute, formatNumber } from '../platform/format.ts'
import { visibleText } from '../platform/visible-text.ts'
import { StatePill } from '../ui/badge.tsx'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { ErrorNote, ErrorState } from '../ui/error-state.tsx'
import { SkeletonRows } from '../ui/skeleton.tsx'
import { useToast } from '../ui/toast.tsx'
import { MessageLinks } from './message-links.tsx'
import { groupChanges, outcomeWords, titleOf } from './operation-lines.ts'
import { UndoProgress } from './undo-progress.tsx'
import { type UndoTarget, useUndo, useUndoPreview } from './use-operations.ts'

export function UndoDialog({
  title,
  target,
  onOlder,
  onClose,
}: {
  title: string
  target: UndoTarget
  /** Continues before the last undone operation; undefined if there is only one. */
  onOlder?: (before: string) => void
  onClose(): void
}) {
  const preview = useUndoPreview(target)
  const undo = useUndo(target)
  const toast = useToast()
  const [isSettled, setSettled] = useState(false)
  const willChange = sumOf(preview.data, 'will_change')
  const done = undo.data
  const last = done?.undone.at(-1)?.operation.id ?? preview.data?.undone.at(-1)?.operation.id
  const hasOlder = (done ?? preview.data)?.has_more === true && onOlder !== undefined && last !== undefined
  const confirm = () =>
    undo.mutate(undefined, {
      onSuccess: report => {
        if (!report.has_more) {
          toast({ tone: 'good', title: `Undoing ${formatCount(sumOf(report, 'will_change'), 'change')}` })
          onClose()
        }
      },
    })
  const canGoOn = hasOlder && (done ? isSettled : preview.data !== undefined && willChange === 0)
  return (
    <Dialog
      isOpen
      onClose={onClose}
      title={title}
      size="lg"
      footer={
        <>
          <Button onClick={onClose}>{done || (preview.data && willChange === 0) ? 'Close' : 'Cancel'}</Button>
          {hasOlder && (done || willChange === 0) && (
            <Button variant="primary" disabled={!canGoOn} onClick={() => onOlder(last)}>
              Look at older changes
            </Button>
          )}
          {!done && willChange > 0 && (
            <Button variant="primary" isBusy={undo.isPending} onClick={confirm}>
              Undo {formatCount(willChange, 'change')}
            </Button>
          )}
        </>
      }
    >
      <div className="grid grid-cols-1 gap-3 text-sm">
        {undo.error && <ErrorNote error={undo.error} />}
        {!preview.data && preview.error && <ErrorState error={preview.error} onRetry={() => void preview.refetch()} />}
        {!preview.data && !preview.error && <SkeletonRows count={4} />}
        {preview.data && !done && <Listing report={preview.data} hasOlder={hasOlder} />}
        {done && <UndoProgress report={done} onSettled={() => setSettled(true)} />}
      </div>
    </Dialog>
  )
}

type Count = 'will_change' | 'nothing_to_do' | 'conflict' | 'impossible'

function sumOf(report: UndoReport | undefined, count: Count): number {
  return report?.undone.reduce((sum, each) => sum + each[count], 0) ?? 0
}

function Listing({ report, hasOlder }: { report: UndoReport; hasOlder: boolean }) {
  const { undone, changes, changes_omitted: omitted } = report
  const counts = (Object.keys(outcomeWords) as Count[]).filter(count => sumOf(report, count) > 0)
  const accountOf = new Map(undone.map(({ operation }) => [operation.id, operation.account_id]))
  const pending = undone.filter(({ operation }) => operation.state === 'pending').length
  return (
    <>
      <p>
        {undone.length === 0
          ? 'Nothing was changed in that time.'
          : 'Nothing has been changed yet. An undo would do this now:'}
      </p>
      {counts.length > 0 && (
        <ul aria-label="In short" className="flex flex-wrap gap-2">
          {counts.map(count => (
            <li key={count}>
              <StatePill tone={outcomeWords[count].tone}>
                {outcomeWords[count].text}: {formatNumber(sumOf(report, count))}
              </StatePill>
            </li>
          ))}
        </ul>
      )}
      {pending > 0 && (
        <p role="note" className="text-soft">
          {formatCount(pending, 'change is', 'changes are')} not finished yet, and cannot be undone until then.
        </p>
      )}
      {undone.length > 1 && <Operations operations={undone.map(({ operation }) => operation)} />}
      <ul aria-label="What would change" className="grid grid-cols-1 gap-2">
        {groupChanges(changes).map(({ outcome, words, why, changes: all }) => (
          <li key={JSON.stringify([outcome, words, why])} className="grid min-w-0 gap-1.5 rounded-md border px-3 py-2">
            <p className="flex flex-wrap items-center gap-2">
              <StatePill tone={outcomeWords[outcome].tone}>{outcomeWords[outcome].text}</StatePill>
              <span className="min-w-0 wrap-anywhere">
                {outcome === 'will_change' && <span className="font-medium">{words}: </span>}
                {formatCount(all.length, 'message')}
              </span>
            </p>
            {why !== null && <p className="text-soft wrap-anywhere">{visibleText(why)}</p>}
            <MessageLinks
              accountId={accountOf.get(all[0]!.operation_id) ?? ''}
              messages={all.map(({ id, folder }) => ({ name: id, folder }))}
            />
          </li>
        ))}
      </ul>
      {omitted > 0 && (
        <p className="text-soft">{formatCount(omitted, 'further change is', 'further changes are')} not listed.</p>
      )}
      {hasOlder && (
        <p role="note" className="text-soft">
          There are older changes. These are undone first; then older ones are listed.
        </p>
      )}
    </>
  )
}

function Operations({ operations }: { operations: readonly Operation[] }) {
  return (
    <details className="rounded-md border px-3 py-2">
      <summary className="cursor-pointer font-medium">{formatCount(operations.length, 'change')}, newest first</summary>
      <ol className="mt-2 grid gap-1">
        {operations.map(operation => (
          <li key={operation.id} className="flex flex-wrap gap-x-2">
            <time dateTime={operation.at} className="text-muted">
              {formatMinute(Date.parse(operation.at))}
            </time>
            <bdi className="min-w-0 wrap-anywhere">{titleOf(operation)}</bdi>
          </li>
        ))}
      </ol>
    </details>
  )
}
