/** One item of a proposal: its text, checkbox, changes, and outcome. */
import { ChevronDown, ChevronRight } from 'lucide-react'
import { type RefObject, useId } from 'react'
import { Link } from 'wouter'
import type { ProposalItem, ProposedChange } from '../../contract/proposal.ts'
import { formatCount } from '../platform/format.ts'
import { visibleText } from '../platform/visible-text.ts'
import { Badge, StatePill, ToneIcon } from '../ui/badge.tsx'
import { classNames } from '../ui/class-names.ts'
import { RelativeTime } from '../ui/relative-time.tsx'
import { AllChanges, FewChanges } from './change-rows.tsx'
import { DraftOf, MessageOf, type Reading } from './item-content.tsx'
import { becameOf, decidedWords, isDeletion, wordsOfItem } from './proposal-words.ts'
import { isWaiting } from './selection.ts'

/** Messages of an item shown at first; the rest on request. */
const fewest = 5

export interface ItemActs extends Omit<Reading, 'isEditing'> {
  onToggle(id: string): void
  onOpen(id: string, isOpen: boolean): void
}

export interface ItemFacts {
  proposalId: string
  accountId: string
  scroller: RefObject<HTMLElement | null>
  /** The first changes of the item, as far as they are loaded. */
  changes: readonly ProposedChange[]
  isChosen: boolean
  isOpen: boolean
  isEditing: boolean
  /** Whether it is a selected message that has not been on screen yet. */
  isUnread: boolean
  news: 'new' | 'changed' | undefined
  /** Why the last decision did not apply to it. */
  failure: string | undefined
  wordsOf(id: string): string
}

export function ItemCard({ item, acts, ...facts }: ItemFacts & { item: ProposalItem; acts: ItemActs }) {
  const { isChosen, isUnread, news, failure } = facts
  const { id, why } = item
  const labelId = useId()
  const isRed = isDeletion(item)
  const { tone, text } = becameOf(item)
  const needs = item.needs_first.map(facts.wordsOf).filter(each => each !== '')
  return (
    <li
      data-item={id}
      className={classNames(
        'min-w-0 overflow-hidden rounded-md border',
        // Off-screen items are not rendered, because there may be many.
        !facts.isOpen && '[contain-intrinsic-size:auto_6rem] [content-visibility:auto]',
        isChosen && 'border-accent',
        isRed && 'border-bad',
      )}
    >
      <div className={classNames('flex items-start gap-2 pe-3', isRed ? 'bg-bad-tint' : isChosen && 'bg-accent-tint')}>
        {isWaiting(item) ? (
          <label className="grid size-11 shrink-0 cursor-pointer place-items-center">
            <input
              type="checkbox"
              data-choose={id}
              checked={isChosen}
              onChange={() => acts.onToggle(id)}
              aria-labelledby={labelId}
              className="size-4.5 accent-accent-fill"
            />
          </label>
        ) : (
          <span className="w-3 shrink-0" />
        )}
        <div className="grid min-w-0 flex-1 grid-cols-1 gap-1 py-2.5">
          <p id={labelId} className={classNames('font-medium wrap-anywhere', isRed && 'text-bad')}>
            <bdi>{wordsOfItem(item)}</bdi>
          </p>
          <p className="flex flex-wrap items-center gap-1.5 text-xs text-muted empty:hidden" aria-live="polite">
            {isRed && isWaiting(item) && <span className="font-medium text-bad">Cannot be undone</span>}
            {news !== undefined && (
              <Badge tone="warn">{news === 'new' ? 'New' : 'Changed since you opened it: review again'}</Badge>
            )}
            {isUnread && <Badge tone="info">Not read yet</Badge>}
            {!isWaiting(item) && <StatePill tone={tone}>{text}</StatePill>}
            {item.decided !== null && (
              <span>
                {decidedWords(item)} <RelativeTime at={item.decided.at} />
              </span>
            )}
            {item.state === 'applied' && item.operation !== null && (
              <Link href={`/changes?operation=${item.operation.id}`} className="font-medium text-accent">
                See the change
              </Link>
            )}
            {item.state === 'applied' && item.submission !== null && (
              <Link href={`/outbox?open=${item.submission.id}`} className="font-medium text-accent">
                See it in the outbox
              </Link>
            )}
          </p>
          {item.decided?.reason && (
            <q className="text-sm wrap-anywhere text-soft">{visibleText(item.decided.reason)}</q>
          )}
          {needs.length > 0 && isWaiting(item) && (
            <p className="text-xs wrap-anywhere text-muted">Needs first: {needs.join('; ')}</p>
          )}
          {why !== null && <p className="text-sm wrap-anywhere text-soft">{visibleText(why)}</p>}
          {failure !== undefined && (
            <p role="alert" className="flex items-start gap-2 text-sm">
              <span className="mt-0.5">
                <ToneIcon tone="bad" />
              </span>
              <span className="min-w-0 wrap-anywhere">{visibleText(failure)}</span>
            </p>
          )}
        </div>
      </div>
      <Content item={item} acts={acts} {...facts} />
    </li>
  )
}

function Content({ item, acts, ...facts }: ItemFacts & { item: ProposalItem; acts: ItemActs }) {
  const { isOpen, changes, accountId, proposalId, scroller, isEditing } = facts
  const { id, kind, operation, draft, approval_id: approvalId } = item
  const contentId = useId()
  if (kind === 'operation') {
    const total = operation?.counts.total ?? 0
    // Decided changes are in the list of changes, and a folder is named in the text.
    if (!isWaiting(item) || operation?.folder !== undefined || total === 0) return null
    const hasAll = changes.length >= total && changes.length <= fewest
    return (
      <>
        <div id={contentId}>
          {isOpen ? (
            <AllChanges {...{ proposalId, accountId, scroller }} itemId={id} />
          ) : (
            changes.length > 0 && <FewChanges accountId={accountId} changes={changes.slice(0, fewest)} />
          )}
        </div>
        {!hasAll && (
          <Opener isOpen={isOpen} controls={contentId} onPress={() => acts.onOpen(id, !isOpen)}>
            {isOpen ? 'Show fewer' : `Show ${total > 1 ? 'all ' : ''}${formatCount(total, 'message')}`}
          </Opener>
        )}
      </>
    )
  }
  const canRead = kind === 'draft' ? draft !== null && item.state !== 'declined' : approvalId !== null
  if (!canRead) return null
  const what = kind === 'draft' ? 'draft' : 'message'
  return (
    <>
      <Opener isOpen={isOpen} controls={contentId} onPress={() => acts.onOpen(id, !isOpen)}>
        {isOpen ? `Hide the ${what}` : `Read the ${what}`}
      </Opener>
      <div id={contentId} className="border-t empty:hidden">
        {isOpen && kind === 'draft' && draft !== null && <DraftOf draft={draft} />}
        {isOpen && kind === 'message' && (
          <MessageOf item={item} onSeen={acts.onSeen} isEditing={isEditing} onEdited={acts.onEdited} />
        )}
      </div>
    </>
  )
}

function Opener({
  isOpen,
  controls,
  onPress,
  children,
}: {
  isOpen: boolean
  controls: string
  onPress(): void
  children: string
}) {
  const Arrow = isOpen ? ChevronDown : ChevronRight
  return (
    <button
      type="button"
      aria-expanded={isOpen}
      aria-controls={controls}
      onClick={onPress}
      className="flex min-h-11 w-full items-center gap-2 border-t px-3 text-left text-sm font-medium text-accent hover:bg-sunken/60 focus-visible:-outline-offset-2 md:min-h-9"
    >
      <Arrow className="size-4 shrink-0" aria-hidden="true" />
      {children}
    </button>
  )
}
