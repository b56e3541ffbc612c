/** What waits for a human's yes, in groups; beside it exactly what will be sent. Nothing is approved from the list. */
import { ShieldCheck } from 'lucide-react'
import { Link, useLocation } from 'wouter'
import type { Approval } from '../../contract/approvals.ts'
import { useUrlState } from '../platform/url-state.ts'
import { usePageKeys } from '../shell/page-keys.ts'
import { classNames } from '../ui/class-names.ts'
import { EmptyState } from '../ui/empty-state.tsx'
import { ErrorState } from '../ui/error-state.tsx'
import { PageHeader } from '../ui/page-header.tsx'
import { SkeletonRows } from '../ui/skeleton.tsx'
import { OpenApproval } from './approval-detail.tsx'
import { ApprovalGroups, DecidedList } from './approval-list.tsx'
import { waitingWords } from './approval-words.ts'
import { NoticesChoice } from './notices-choice.tsx'
import { useDecidedApprovals, useWaitingApprovals } from './use-approvals.ts'

const defaults = { open: '', show: '' }

export function approvalHref(open: string, show: string): string {
  const search = new URLSearchParams({ ...(show && { show }), ...(open && { open }) })
  return search.size > 0 ? `/approvals?${search}` : '/approvals'
}

export function ApprovalsPage() {
  const [{ open, show }] = useUrlState(defaults)
  const isHistory = show === 'decided'
  const waiting = useWaitingApprovals()
  const decided = useDecidedApprovals(isHistory)
  const { data, error, refetch } = isHistory ? decided : waiting
  const items = data?.items ?? []
  useWalking(items, open, show)
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
          {/* The heading of the page, for the eye: it is above the list, which is not there while one is open on a phone. */}
          <p aria-hidden="true" className="text-xl font-semibold tracking-tight">
            Approvals
          </p>
          <p role="status" className="min-h-5 text-sm text-soft">
            {waiting.data && waitingWords(waiting.data.waiting)}
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
          {!data && error && <ErrorState error={error} onRetry={() => void refetch()} />}
          {!data && !error && <SkeletonRows count={5} />}
          {data && items.length === 0 && <Nothing isHistory={isHistory} />}
          {data && !isHistory && <ApprovalGroups items={items} open={open} />}
          {data && isHistory && <DecidedList items={items} open={open} />}
        </div>
        <NoticesChoice />
      </section>
      <div className={classNames('min-h-0 min-w-0 flex-1 flex-col', open ? 'flex' : 'hidden lg:flex')}>
        {open ? (
          <OpenApproval key={open} approvalId={open} backHref={approvalHref('', show)} />
        ) : (
          <div className="grid flex-1 place-items-center bg-canvas/60">
            <EmptyState icon={ShieldCheck} title="Nothing open">
              Choose a message from the list to see exactly what would be sent.
            </EmptyState>
          </div>
        )}
      </div>
    </div>
  )
}

/** j and k walk through the list; only what was opened can be decided. */
function useWalking(items: readonly Approval[], open: string, show: string): void {
  const [, navigate] = useLocation()
  const at = items.findIndex(({ id }) => id === open)
  const step = (by: number) => {
    const next = items[Math.min(Math.max(at + by, 0), items.length - 1)]
    if (!next || next.id === open) return false
    navigate(approvalHref(next.id, show), { replace: at >= 0 })
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
      When a program asks to send a message that its policy holds, it appears here within a second.
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
