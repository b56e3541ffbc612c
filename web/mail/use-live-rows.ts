/** Applies facts about mail to the lists that are loaded, before the server is asked again. */
import { type QueryClient, useQueryClient } from '@tanstack/react-query'
import { useCallback } from 'react'
import { useStreamEvent } from '../platform/live.tsx'
import type { StreamEvent } from '../platform/stream-status.ts'
import { withChanges, withoutRemoved } from './live-rows.ts'
import type { MailPage } from './mail-row.ts'

export function useLiveRows(): void {
  const queries = useQueryClient()
  const apply = useCallback(
    ({ event }: StreamEvent) => {
      if (event.type === 'mail_changed') change(queries, page => withChanges(page, event.data))
      if (event.type === 'mail_removed') change(queries, page => withoutRemoved(page, event.data))
    },
    [queries],
  )
  useStreamEvent(apply)
}

const kinds: ReadonlySet<unknown> = new Set(['messages', 'threads', 'found'])

function change(queries: QueryClient, changed: (page: MailPage) => MailPage): void {
  const lists = queries
    .getQueryCache()
    .findAll({ predicate: ({ queryKey: [of, , kind] }) => of === 'mail' && kinds.has(kind) })
  for (const { queryKey, state } of lists) {
    const page = state.data as MailPage | number | undefined
    // The place in a list is kept beside it.
    if (typeof page !== 'object' || page === null) continue
    const next = changed(page)
    // It is as old as it was: what facts do not tell of is still to be asked for.
    if (next !== page) queries.setQueryData(queryKey, next, { updatedAt: state.dataUpdatedAt })
  }
}
