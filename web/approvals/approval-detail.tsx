/** One approval: the requester, why it is held, and exactly what will be sent. Only what was seen can be approved. */
import { ArrowLeft, ListChecks } from 'lucide-react'
import { useState } from 'react'
import { Redirect } from 'wouter'
import type { ApprovalDetail } from '../../contract/approvals.ts'
import { OutgoingAttachments, OutgoingContent } from '../outbox/outgoing-content.tsx'
import { visibleText } from '../platform/visible-text.ts'
import { useOpenProposals } from '../proposals/use-proposals.ts'
import { StatePill, ToneIcon } from '../ui/badge.tsx'
import { Button, ButtonLink } from '../ui/button.tsx'
import { ErrorState } from '../ui/error-state.tsx'
import { RelativeTime } from '../ui/relative-time.tsx'
import { SkeletonRows } from '../ui/skeleton.tsx'
import { ApprovalActions } from './approval-actions.tsx'
import { approvalStates, reasonsOf, strangersOf } from './approval-words.ts'
import { AskerActivity } from './asker-activity.tsx'
import { HeldRecipients } from './held-recipients.tsx'
import { MessageWarnings } from './message-warnings.tsx'
import { useApproval } from './use-approvals.ts'
import { useHeldMessage } from './use-held-message.tsx'

/** The approval; use its id as key, because having seen one message says nothing about another. */
export function OpenApproval({ approvalId, backHref }: { approvalId: string; backHref: string }) {
  const { data, error, refetch } = useApproval(approvalId)
  const proposals = useOpenProposals().data?.items
  // The shown content does not change while it is being read: an edited message is shown on request.
  const [shown, setShown] = useState<ApprovalDetail>()
  if (data && !shown) setShown(data)
  // It waits inside its proposal rather than beside it.
  if (data?.state === 'waiting' && data.proposal_id !== null && proposals?.some(({ id }) => id === data.proposal_id)) {
    return <Redirect to={itemHref(data.proposal_id, data.submission.id)} replace />
  }
  const isEdited = data !== undefined && shown !== undefined && data.hash !== shown.hash
  // The state is updated; the content stays what was reviewed.
  const detail = data &&
    shown && { ...data, hash: shown.hash, content: shown.content, submission: shownOf(shown, data) }
  return (
    <>
      <p className="border-b px-2 py-1 *:min-h-11 lg:hidden">
        <ButtonLink href={backHref} variant="quiet" icon={ArrowLeft}>
          All approvals
        </ButtonLink>
      </p>
      {!detail && error && <ErrorState error={error} onRetry={() => void refetch()} />}
      {!detail && !error && <SkeletonRows count={6} />}
      {detail && <Detail key={detail.hash} detail={detail} isEdited={isEdited} onShowNew={() => setShown(data)} />}
    </>
  )
}

function shownOf(shown: ApprovalDetail, newest: ApprovalDetail): ApprovalDetail['submission'] {
  const isSame = shown.hash === newest.hash
  return isSame ? newest.submission : shown.submission
}

function Detail({ detail, isEdited, onShowNew }: { detail: ApprovalDetail; isEdited: boolean; onShowNew(): void }) {
  const { submission, content, asks, activity, state } = detail
  const held = useHeldMessage(detail)
  const { tone, text } = approvalStates[state]
  return (
    <article aria-label="What waits for approval" className="flex min-h-0 flex-1 flex-col">
      <div
        // biome-ignore lint/a11y/noNoninteractiveTabindex: scrollable content must be reachable by keyboard
        tabIndex={0}
        className="min-h-0 flex-1 overflow-y-auto focus-visible:-outline-offset-2"
      >
        <header className="grid grid-cols-1 gap-1.5 border-b px-4 py-3">
          <h2 dir="auto" className="text-lg font-semibold wrap-anywhere">
            <bdi>{visibleText(submission.subject.trim()) || '(no subject)'}</bdi>
          </h2>
          <p className="flex flex-wrap items-center gap-x-2 gap-y-1 text-sm text-soft" aria-live="polite">
            <StatePill tone={tone}>{text}</StatePill>
            <span>
              <bdi className="font-medium text-ink">{asks.name}</bdi> asked <RelativeTime at={detail.created_at} />
            </span>
            {state === 'waiting' && (
              <span>
                Expires <RelativeTime at={detail.expires_at} />
              </span>
            )}
          </p>
        </header>
        {isEdited && (
          <div role="alert" className="flex flex-wrap items-center gap-3 border-b bg-warn-tint px-4 py-2.5 text-sm">
            <ToneIcon tone="warn" />
            <span className="grow basis-60">
              This was edited after you opened it. What you see is the version before.
            </span>
            <Button onClick={onShowNew}>Show the new version</Button>
          </div>
        )}
        <OfProposal detail={detail} />
        <AskerActivity name={asks.name} activity={activity} />
        <Reasons detail={detail} />
        <MessageWarnings warnings={detail.warnings} />
        <HeldRecipients submission={submission} content={content} strangers={strangersOf(detail)} />
        <OutgoingAttachments {...held.files} />
        <OutgoingContent {...held.words} />
        <Decisions detail={detail} />
      </div>
      <ApprovalActions
        detail={detail}
        isNewest={!isEdited}
        isSeen={held.isSeen}
        onShow={() => held.body.current?.scrollIntoView({ block: 'start' })}
      />
    </article>
  )
}

function itemHref(proposalId: string, itemId: string): string {
  return `/approvals?${new URLSearchParams({ open: proposalId, item: itemId })}`
}

/** A note that the message is decided with its proposal. */
function OfProposal({ detail: { proposal_id: proposalId, submission } }: { detail: ApprovalDetail }) {
  if (proposalId === null) return null
  return (
    <p className="flex flex-wrap items-center gap-3 border-b bg-info-tint px-4 py-2 text-sm">
      <span className="grow">This message is part of a proposal.</span>
      <ButtonLink href={itemHref(proposalId, submission.id)} size="sm" icon={ListChecks}>
        Open the proposal
      </ButtonLink>
    </p>
  )
}

export function Reasons({ detail }: { detail: ApprovalDetail }) {
  const reasons = reasonsOf(detail)
  if (reasons.length === 0) return null
  const title = detail.state === 'waiting' ? 'Why it is held' : 'Why it was held'
  return (
    <section aria-label={title} className="border-b px-4 py-2.5 text-sm">
      <h3 className="mb-1 text-xs text-muted">{title}</h3>
      <ul className="grid grid-cols-1 gap-1">
        {reasons.map(why => (
          <li key={why} className="flex items-start gap-2">
            <span className="mt-0.5">
              <ToneIcon tone="warn" />
            </span>
            <span className="min-w-0 wrap-anywhere">{visibleText(why)}</span>
          </li>
        ))}
      </ul>
    </section>
  )
}

function Decisions({ detail: { decisions, needed, state } }: { detail: ApprovalDetail }) {
  if (decisions.length === 0 && needed === 1) return null
  const given = decisions.filter(({ decision, counts }) => decision === 'approve' && counts).length
  return (
    <section aria-label="Decisions" className="px-4 py-2.5 text-sm">
      <h3 className="mb-1 text-xs text-muted">Decisions</h3>
      <ul className="grid grid-cols-1 gap-1">
        {decisions.map(({ user_id: id, name, decision, reason, at, counts }) => (
          <li key={`${id} ${at}`} className="flex items-start gap-2">
            <span className="mt-0.5">
              <ToneIcon tone={!counts ? 'unknown' : decision === 'approve' ? 'good' : 'bad'} />
            </span>
            <span className="min-w-0 wrap-anywhere">
              <bdi className="font-medium">{name}</bdi> {decision === 'approve' ? 'approved it' : 'denied it'}{' '}
              <RelativeTime at={at} />
              {!counts && <span className="block text-soft">No longer counts: the user may not approve any more.</span>}
              {reason !== null && <q className="block text-soft">{visibleText(reason)}</q>}
            </span>
          </li>
        ))}
      </ul>
      {needed > 1 && state === 'waiting' && (
        <p className="mt-1 text-soft">
          {given} of {needed} approvals of different users.
        </p>
      )}
    </section>
  )
}
