/** One proposal as a diff: who wants what, then its items by kind, each to be applied or declined. */
import { ArrowLeft } from 'lucide-react'
import { useEffect, useRef } from 'react'
import type { ProposalDetail, ProposedChange } from '../../contract/proposal.ts'
import { AskerActivity } from '../approvals/asker-activity.tsx'
import { visibleText } from '../platform/visible-text.ts'
import { usePageKeys } from '../shell/page-keys.ts'
import { StatePill, ToneIcon } from '../ui/badge.tsx'
import { ButtonLink } from '../ui/button.tsx'
import { ErrorState } from '../ui/error-state.tsx'
import { RelativeTime } from '../ui/relative-time.tsx'
import { SkeletonRows } from '../ui/skeleton.tsx'
import { ItemGroups } from './item-groups.tsx'
import { ProposalActions } from './proposal-actions.tsx'
import { CountBadges } from './proposal-row.tsx'
import { proposalStates } from './proposal-words.ts'
import { useBringingOn, useItemFocus } from './use-item-place.ts'
import { useProposalView } from './use-proposal-view.ts'
import { useFirstChanges, useProposal } from './use-proposals.ts'

/** The proposal; use its id as key, because a selection in one says nothing about another. */
export function OpenProposal({
  proposalId,
  itemId,
  backHref,
}: {
  proposalId: string
  /** The item that a link points to; empty for none. */
  itemId: string
  backHref: string
}) {
  const { data, error, refetch } = useProposal(proposalId)
  return (
    <>
      <p className="border-b px-2 py-1 lg:hidden">
        <ButtonLink href={backHref} variant="quiet" icon={ArrowLeft}>
          All approvals
        </ButtonLink>
      </p>
      {!data && error && <ErrorState error={error} onRetry={() => void refetch()} />}
      {!data && !error && <SkeletonRows count={6} />}
      {data && <Detail detail={data} linked={itemId} />}
    </>
  )
}

const noChanges: readonly ProposedChange[] = []

function Detail({ detail, linked }: { detail: ProposalDetail; linked: string }) {
  const { id, items, proposes, activity } = detail
  const view = useProposalView(detail)
  const scroller = useRef<HTMLDivElement>(null)
  const changes = useFirstChanges(
    id,
    view.waiting.some(({ kind }) => kind === 'operation'),
  )
  const focus = useItemFocus(scroller)
  const bringOn = useBringingOn(scroller)
  const show = (itemId: string) => {
    view.onOpen(itemId, true)
    focus.to(itemId)
    bringOn(itemId)
  }
  const showLinked = useRef(() => linked !== '' && show(linked))
  useEffect(() => void showLinked.current(), [])
  usePageKeys({
    x: () => {
      const current = focus.current() ?? view.waiting[0]?.id
      if (current === undefined) return false
      view.toggle(current)
      focus.to(current)
    },
    e: () => {
      const messages = view.waiting.filter(({ kind }) => kind === 'message')
      const message = messages.find(({ id: each }) => each === focus.current()) ?? messages[0]
      if (!message) return false
      view.onOpen(message.id, true)
      view.setEditing(message.id)
    },
  })
  return (
    <article aria-label="A proposal" className="flex min-h-0 flex-1 flex-col">
      {/* biome-ignore lint/a11y/noStaticElementInteractions: the keys move the focus among the checkboxes inside */}
      <div
        ref={scroller}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: scrollable content must be reachable by keyboard
        tabIndex={0}
        onKeyDown={focus.onKeyDown}
        className="relative min-h-0 flex-1 overflow-y-auto focus-visible:-outline-offset-2"
      >
        <div>
          <Head detail={detail} />
          <AskerActivity name={visibleText(proposes.name)} activity={activity} />
          {changes.error && !changes.data && (
            <ErrorState error={changes.error} onRetry={() => void changes.refetch()} />
          )}
          <ItemGroups
            detail={detail}
            view={view}
            scroller={scroller}
            changesOf={itemId => changes.data?.items.filter(({ item_id: each }) => each === itemId) ?? noChanges}
          />
        </div>
      </div>
      <ProposalActions
        detail={detail}
        view={view}
        onShow={show}
        onDecided={() => focus.toFirst(items.map(each => each.id))}
      />
    </article>
  )
}

function Head({ detail }: { detail: ProposalDetail }) {
  const { proposes, words, counts, state, created_at: createdAt, expires_at: expiresAt } = detail
  const { tone, text } = proposalStates[state]
  return (
    <header className="grid grid-cols-1 gap-2 border-b px-4 py-3">
      <h2 className="text-lg font-semibold wrap-anywhere">
        <bdi>{visibleText(proposes.name)}</bdi> proposes
      </h2>
      {words.length > 0 && (
        <ul className="grid grid-cols-1 gap-1">
          {words.map(line => (
            <li key={line} className="flex items-start gap-2">
              <span className="mt-1">
                <ToneIcon tone="info" />
              </span>
              <bdi className="min-w-0 wrap-anywhere">{visibleText(line)}</bdi>
            </li>
          ))}
        </ul>
      )}
      <p className="flex flex-wrap items-center gap-x-2 gap-y-1 text-sm text-soft" aria-live="polite">
        <StatePill tone={tone}>{text}</StatePill>
        <CountBadges counts={counts} />
        <span>
          Proposed <RelativeTime at={createdAt} />
        </span>
        {expiresAt !== null && (
          <span>
            Expires <RelativeTime at={expiresAt} />
          </span>
        )}
      </p>
    </header>
  )
}
