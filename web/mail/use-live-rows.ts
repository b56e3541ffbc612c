/** Applies facts about mail to the loaded lists, before they are reloaded. */
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
    // The list's scroll position is cached under the same prefix.
    if (typeof page !== 'object' || page === null) continue
    const next = changed(page)
    // Keeps the page's age, because what the facts do not say still has to be reloaded.
    if (next !== page) queries.setQueryData(queryKey, next, { updatedAt: state.dataUpdatedAt })
  }
}
