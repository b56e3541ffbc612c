/** The outbox: messages that wait, are being sent, failed or were sent, with actions. */
import { Send } from 'lucide-react'
import type { Submission } from '../../contract/submission.ts'
import { useAccounts } from '../accounts/use-accounts.ts'
import { useUrlState } from '../platform/url-state.ts'
import { Button } from '../ui/button.tsx'
import { classNames } from '../ui/class-names.ts'
import { EmptyState } from '../ui/empty-state.tsx'
import { PageHeader } from '../ui/page-header.tsx'
import { Panel } from '../ui/panel.tsx'
import { SkeletonRows } from '../ui/skeleton.tsx'
import { SubmissionItem } from './submission-item.tsx'
import { type ShownOutbox, useOutbox, useSubmission } from './use-outbox.ts'

const tabs: readonly { shown: ShownOutbox; label: string; title: string; none: string }[] = [
  {
    shown: 'open',
    label: 'Open',
    title: 'Nothing is on its way',
    none: 'Messages appear here from the moment they are sent until their outcome is known, with those that wait for approval.',
  },
  {
    shown: 'scheduled',
    label: 'Scheduled',
    title: 'Nothing is scheduled',
    none: 'In a new message, choose a time instead of sending at once.',
  },
  {
    shown: 'failed',
    label: 'Failed',
    title: 'Nothing failed',
    none: 'Messages that the mail server rejected are listed here, with its reason.',
  },
  {
    shown: 'unknown',
    label: 'Unknown',
    title: 'No outcome is unknown',
    none: 'If the answer of a mail server is lost, its message waits here for your decision, and is not sent twice.',
  },
  {
    shown: 'sent',
    label: 'Sent',
    title: 'Nothing was sent from here yet',
    none: 'This covers what you, programs and agents send through RustyMail.',
  },
  {
    shown: 'all',
    label: 'All',
    title: 'Nothing was sent from here yet',
    none: 'This covers what you, programs and agents send through RustyMail.',
  },
]

export function OutboxPage() {
  const [{ open, show }, setUrl] = useUrlState({ open: '', show: 'open' })
  const tab = tabs.find(({ shown }) => shown === show) ?? tabs[0]!
  const query = useOutbox(tab.shown)
  const items = query.data?.pages.flatMap(page => page.items) ?? []
  // A link may lead to a message that the list does not contain.
  const isListed = items.some(({ id }) => id === open)
  const linked = useSubmission(query.data && !isListed ? open : '')
  const accounts = useAccounts().data?.items ?? []
  const accountOf = ({ account_id: of }: Submission) =>
    accounts.length > 1 ? (accounts.find(({ id }) => id === of)?.name ?? of) : undefined
  const toggle = (id: string) => setUrl({ open: id === open ? '' : id }, { replace: true })
  return (
    <>
      <PageHeader title="Outbox" description="Messages being sent, and their outcome." />
      <fieldset className="mb-3 grid grid-cols-3 gap-1 sm:flex">
        <legend className="sr-only">Show</legend>
        {tabs.map(({ shown, label }) => (
          <button
            key={shown}
            type="button"
            aria-pressed={shown === tab.shown}
            onClick={() => setUrl({ show: shown, open: '' })}
            className={classNames(
              'min-h-11 rounded-md px-3 text-sm font-medium md:min-h-8',
              shown === tab.shown ? 'bg-accent-tint text-accent' : 'text-soft hover:bg-sunken',
            )}
          >
            {label}
          </button>
        ))}
      </fieldset>
      {linked.data && <Linked submission={linked.data} account={accountOf(linked.data)} onClose={() => toggle(open)} />}
      <Panel
        query={query}
        skeleton={<SkeletonRows count={5} />}
        isEmpty={() => items.length === 0}
        empty={
          <EmptyState icon={Send} title={tab.title}>
            {tab.none}
          </EmptyState>
        }
        footer={
          query.hasNextPage && (
            <Button size="sm" isBusy={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
              Show older
            </Button>
          )
        }
      >
        {() => (
          <ul aria-label="Messages" className="grid grid-cols-1">
            {items.map(item => (
              <SubmissionItem
                key={item.id}
                submission={item}
                account={accountOf(item)}
                isOpen={item.id === open}
                onToggle={() => toggle(item.id)}
              />
            ))}
          </ul>
        )}
      </Panel>
    </>
  )
}

function Linked({
  submission,
  account,
  onClose,
}: {
  submission: Submission
  account: string | undefined
  onClose(): void
}) {
  return (
    <ul aria-label="The linked message" className="mb-3 rounded-lg border bg-surface shadow-card">
      <SubmissionItem submission={submission} account={account} isOpen onToggle={onClose} />
    </ul>
  )
}
