/** Drafts of an account that people or programs are writing here; a click opens one. */
import { useQuery } from '@tanstack/react-query'
import { PenLine } from 'lucide-react'
import { useId, useState } from 'react'
import { draftsApi } from '../../contract/drafts.ts'
import { call } from '../platform/api-client.ts'
import { formatNumber } from '../platform/format.ts'
import { queryKeys } from '../platform/query-keys.ts'
import { useMay } from '../platform/session.ts'
import { visibleText } from '../platform/visible-text.ts'
import { useCompose } from './compose-context.tsx'

const fewest = 3

export function OpenDrafts({ accountId }: { accountId: string }) {
  const id = useId()
  const { reopen } = useCompose()
  const [isWhole, setWhole] = useState(false)
  const { data } = useQuery({
    queryKey: queryKeys.drafts(accountId),
    queryFn: ({ signal }) =>
      call(draftsApi.listDrafts, { params: { account_id: accountId }, query: { limit: '50' }, signal }),
    enabled: useMay('mail:draft'),
    // If the list fails to load, the Drafts folder still has them.
    retry: false,
  })
  const open = (data?.items ?? []).filter(({ state }) => state === 'open')
  if (open.length === 0) return null
  const shown = isWhole ? open : open.slice(0, fewest)
  return (
    <section aria-labelledby={id} className="pt-2">
      <p id={id} className="px-3 pt-1 pb-1 text-xs font-medium text-muted">
        Drafts in progress ({formatNumber(open.length)})
      </p>
      <ul>
        {shown.map(({ id: draftId, subject, created_by: by, proposal_id: proposalId }) => (
          <li key={draftId}>
            <button
              type="button"
              onClick={() => reopen(accountId, draftId)}
              className="flex min-h-9 w-full items-center gap-2.5 rounded-md px-3 text-left text-soft hover:bg-sunken hover:text-ink focus-visible:-outline-offset-2 xl:min-h-8"
            >
              <PenLine className="size-4 shrink-0" aria-hidden="true" />
              <bdi className="min-w-0 flex-1 truncate text-sm">{visibleText(subject.trim()) || '(no subject)'}</bdi>
              {proposalId !== null && <span className="shrink-0 text-xs text-muted">proposed by</span>}
              {by.kind !== 'session' && <bdi className="max-w-20 truncate text-xs text-muted">{by.name}</bdi>}
            </button>
          </li>
        ))}
      </ul>
      {open.length > shown.length && (
        <button
          type="button"
          onClick={() => setWhole(true)}
          className="min-h-8 rounded-sm px-3 text-xs font-medium text-accent"
        >
          Show all {formatNumber(open.length)}
        </button>
      )}
    </section>
  )
}
