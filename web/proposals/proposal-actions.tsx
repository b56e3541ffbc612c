/** Apply the selection, or decline; at the bottom at thumb's reach. A decision applies to what was reviewed. */
import { ArrowDown, Check, X } from 'lucide-react'
import { useState } from 'react'
import type { ProposalDecision, ProposalDetail } from '../../contract/proposal.ts'
import { NextWaiting } from '../approvals/next-waiting.tsx'
import { SignInAgainDialog } from '../approvals/sign-in-again.tsx'
import { ApiProblem } from '../platform/api-client.ts'
import { formatCount } from '../platform/format.ts'
import { usePageKeys } from '../shell/page-keys.ts'
import { useTypedWords } from '../shell/typed-words.ts'
import { Button } from '../ui/button.tsx'
import { ConfirmDialog } from '../ui/dialog.tsx'
import { ErrorNote } from '../ui/error-state.tsx'
import { Key } from '../ui/key.tsx'
import { useToast } from '../ui/toast.tsx'
import { DeclineDialog } from './decline-dialog.tsx'
import { isDeletion } from './proposal-words.ts'
import type { ProposalView } from './use-proposal-view.ts'
import { useApplyItems } from './use-proposals.ts'

export function ProposalActions({
  detail,
  view,
  onShow,
  onDecided,
}: {
  detail: ProposalDetail
  view: ProposalView
  /** Opens a message and scrolls it into view. */
  onShow(id: string): void
  /** Moves the focus on after a decision. */
  onDecided(): void
}) {
  const { waiting, applicable, toApply, unread } = view
  const toast = useToast()
  const [beganWaiting] = useState(waiting.length > 0)
  const [dialog, setDialog] = useState<'decline' | 'delete' | 'sign-in'>()
  const apply = useApplyItems(detail.id, decision => {
    setDialog(needsSignIn(decision) ? 'sign-in' : undefined)
    view.noteResults(decision, 'applied')
    toast(toastOf(decision))
    onDecided()
  })
  const mayDecline = waiting.some(({ can }) => can.includes('decline'))
  const isReady = toApply.length > 0 && unread.length === 0 && !apply.isPending
  const deletions = applicable.filter(isDeletion)
  const send = () =>
    apply.mutate(toApply, {
      onError: error =>
        setDialog(error instanceof ApiProblem && error.code === 'recent_sign_in_required' ? 'sign-in' : undefined),
    })
  const decide = () => (deletions.length > 0 ? setDialog('delete') : send())
  const [first] = unread
  const isWord = useTypedWords()
  usePageKeys({
    a: () => (isWord() ? false : isReady ? decide() : first ? onShow(first.id) : false),
    d: () => (mayDecline ? setDialog('decline') : false),
  })
  if (waiting.length === 0) return <Ended detail={detail} takesFocus={beganWaiting} />
  return (
    <footer data-at-bottom="buttons" className="grid shrink-0 grid-cols-1 gap-2 border-t bg-surface px-3 py-2 md:px-4">
      {apply.error && dialog !== 'sign-in' && <ErrorNote error={apply.error} />}
      <div className="flex flex-wrap justify-end gap-2">
        <Button className={tall} icon={X} disabled={!mayDecline} onClick={() => setDialog('decline')}>
          Decline… <Key>d</Key>
        </Button>
        {first ? (
          <Button className={tall} icon={ArrowDown} onClick={() => onShow(first.id)}>
            {unread.length === 1 ? 'Read the message first' : `Read ${unread.length} messages first`} <Key>a</Key>
          </Button>
        ) : (
          <Button
            className={tall}
            variant={deletions.length > 0 ? 'danger' : 'primary'}
            icon={Check}
            isBusy={apply.isPending}
            disabled={!isReady}
            onClick={decide}
          >
            {applyWords(toApply.length, waiting.length)} <Key>a</Key>
          </Button>
        )}
      </div>
      {dialog === 'decline' && (
        <DeclineDialog detail={detail} view={view} onDone={onDecided} onClose={() => setDialog(undefined)} />
      )}
      {dialog === 'delete' && (
        <ConfirmDialog
          isOpen
          title="Delete permanently?"
          confirmLabel={`Apply ${formatCount(toApply.length, 'item')}`}
          isBusy={apply.isPending}
          error={apply.error}
          onConfirm={send}
          onClose={() => setDialog(undefined)}
        >
          <p className="text-sm">Your selection includes what cannot be undone:</p>
          <ul className="grid list-disc gap-1 ps-5 text-sm">
            {deletions.map(({ id, words }) => (
              <li key={id} className="wrap-anywhere text-bad">
                {words}
              </li>
            ))}
          </ul>
        </ConfirmDialog>
      )}
      {dialog === 'sign-in' && <SignInAgainDialog onClose={() => setDialog(undefined)} />}
    </footer>
  )
}

function Ended({ detail: { id, state, counts }, takesFocus }: { detail: ProposalDetail; takesFocus: boolean }) {
  const words = {
    open: 'Nothing is waiting for you.',
    applied: 'All of it was applied.',
    partial: `${formatCount(counts.applied, 'item')} applied, ${counts.declined} not.`,
    declined: 'Nothing was applied.',
    expired: 'Nobody decided in time. Nothing was applied.',
  }
  return (
    <footer data-at-bottom="buttons" className="grid shrink-0 grid-cols-1 gap-2 border-t bg-surface px-3 py-2 md:px-4">
      <p role="status" className="text-sm text-soft">
        {words[state]}
      </p>
      <NextWaiting after={id} takesFocus={takesFocus} />
    </footer>
  )
}

/** Buttons share the width on phones, and wrap if their labels need it. */
const tall = 'min-h-11 max-md:grow'

function applyWords(chosen: number, waiting: number): string {
  if (chosen === 0) return 'Nothing selected'
  return chosen === waiting ? `Apply all ${waiting === 1 ? '' : waiting}`.trim() : `Apply ${chosen} of ${waiting}`
}

function needsSignIn({ results }: ProposalDecision): boolean {
  return results.some(({ code }) => code === 'recent_sign_in_required')
}

function toastOf({ results }: ProposalDecision) {
  const done = results.filter(({ state }) => state === 'applied').length
  if (done === results.length) return { tone: 'good', title: `Applied ${formatCount(done, 'item')}` } as const
  return {
    tone: 'warn',
    title: `Applied ${done} of ${results.length}`,
    detail: 'The others say why not.',
  } as const
}
