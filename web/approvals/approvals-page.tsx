/** Pending approvals, oldest first, beside exactly what will be changed or sent. Nothing is approved from the list. */
import { ShieldCheck } from 'lucide-react'
import { Link, useLocation } from 'wouter'
import { useUrlState } from '../platform/url-state.ts'
import { OpenProposal } from '../proposals/proposal-detail.tsx'
import { usePageKeys } from '../shell/page-keys.ts'
import { classNames } from '../ui/class-names.ts'
import { EmptyState } from '../ui/empty-state.tsx'
import { ErrorState } from '../ui/error-state.tsx'
import { PageHeader } from '../ui/page-header.tsx'
import { SkeletonRows } from '../ui/skeleton.tsx'
import { OpenApproval } from './approval-detail.tsx'
import { DecidedList, WaitingList } from './approval-list.tsx'
import { waitingWords } from './approval-words.ts'
import { NoticesChoice } from './notices-choice.tsx'
import { PermissionPrompts } from './permission-prompts.tsx'
import { useDecided } from './use-decided.ts'
import { useWaiting } from './use-waiting.ts'
import { idsOf } from './waiting-queue.ts'

const defaults = { open: '', show: '', item: '' }

export function approvalHref(open: string, show: string): string {
  const search = new URLSearchParams({ ...(show && { show }), ...(open && { open }) })
  return search.size > 0 ? `/approvals?${search}` : '/approvals'
}

export function ApprovalsPage() {
  const [{ open: named, show, item }] = useUrlState(defaults)
  // Permission prompts are decided in the list.
  const open = named.startsWith('q') ? '' : named
  const isHistory = show === 'decided'
  const waiting = useWaiting()
  const decided = useDecided(isHistory)
  const { error, refetch } = isHistory ? decided : waiting
  const ids = isHistory ? decided.items?.map(({ item }) => item.id) : waiting.queue && idsOf(waiting.queue)
  useWalking(ids ?? [], open, show)
  return (
    <div className="flex min-h-0 flex-1 bg-surface">
      <PageHeader title="Approvals" className="sr-only" />
      <section
        aria-label="Approvals"
        className={classNames(
          'flex min-h-0 w-full min-w-0 flex-col lg:w-96 lg:shrink-0 lg:border-r',
          open && 'max-lg:hidden',
        )}
      >
        <div className="px-4 pt-4 pb-2">
          {/* The visible page heading is above the list, which is hidden on a phone while an item is open. */}
          <p aria-hidden="true" className="text-xl font-semibold tracking-tight">
            Approvals
          </p>
          <p role="status" className="min-h-5 text-sm text-soft">
            {waiting.queue && waitingWords(waiting.count)}
          </p>
        </div>
        <nav aria-label="Which approvals" className="flex gap-1 border-b px-3 pb-1.5">
          <Tab href={approvalHref('', '')} isHere={!isHistory}>
            Waiting
          </Tab>
          <Tab href={approvalHref('', 'decided')} isHere={isHistory}>
            Decided
          </Tab>
        </nav>
        <div className="min-h-0 flex-1 overflow-y-auto">
          {error && <ErrorState error={error} onRetry={() => void refetch()} />}
          {!ids && !error && <SkeletonRows count={5} />}
          {!isHistory && <PermissionPrompts prompts={waiting.prompts} />}
          {ids?.length === 0 && !error && (isHistory || waiting.prompts.length === 0) && (
            <Nothing isHistory={isHistory} />
          )}
          {!isHistory && waiting.queue && <WaitingList queue={waiting.queue} open={open} />}
          {isHistory && decided.items && <DecidedList items={decided.items} open={open} />}
        </div>
        <NoticesChoice />
      </section>
      <div className={classNames('min-h-0 min-w-0 flex-1 flex-col', open ? 'flex' : 'hidden lg:flex')}>
        {open && isProposal(open) && (
          <OpenProposal key={open} proposalId={open} itemId={item} backHref={approvalHref('', show)} />
        )}
        {open && !isProposal(open) && <OpenApproval key={open} approvalId={open} backHref={approvalHref('', show)} />}
        {!open && (
          <div className="grid flex-1 place-items-center bg-canvas/60">
            {ids?.length === 0 ? (
              <p className="text-sm text-muted">What you decide is shown here in full.</p>
            ) : (
              <EmptyState icon={ShieldCheck} title="Nothing open">
                Choose from the list to see exactly what would be changed or sent.
              </EmptyState>
            )}
          </div>
        )}
      </div>
    </div>
  )
}

/** Returns whether an id is a proposal's; ids are distinguished by prefix. */
function isProposal(id: string): boolean {
  return id.startsWith('p')
}

/** Moves through the list with j and k; only an opened item can be decided. */
function useWalking(ids: readonly string[], open: string, show: string): void {
  const [, navigate] = useLocation()
  const at = ids.indexOf(open)
  const step = (by: number) => {
    const next = ids[Math.min(Math.max(at + by, 0), ids.length - 1)]
    if (next === undefined || next === open) return false
    navigate(approvalHref(next, show), { replace: at >= 0 })
  }
  usePageKeys({
    j: () => step(1),
    k: () => step(at < 0 ? 1 : -1),
    u: () => (open ? navigate(approvalHref('', show)) : false),
  })
}

function Nothing({ isHistory }: { isHistory: boolean }) {
  if (isHistory) return <EmptyState title="Nothing decided yet">Decisions of the last weeks appear here.</EmptyState>
  return (
    <EmptyState icon={ShieldCheck} title="Nothing waits">
      When a program proposes changes, or asks to send a message that its policy holds, it appears here within a second.
    </EmptyState>
  )
}

function Tab({ href, isHere, children }: { href: string; isHere: boolean; children: string }) {
  return (
    <Link
      href={href}
      aria-current={isHere ? 'true' : undefined}
      className={classNames(
        'flex min-h-11 items-center rounded-md px-3 text-sm font-medium md:min-h-8',
        isHere ? 'bg-accent-tint text-accent' : 'text-soft hover:bg-sunken',
      )}
    >
      {children}
    </Link>
  )
}
