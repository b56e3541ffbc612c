/** The newest facts: those that the server still holds, and those from the stream. */
import { useInfiniteQuery } from '@tanstack/react-query'
import type { FactType, ServerEvent } from '../../contract/event.ts'
import { api } from '../../contract/index.ts'
import { call } from '../platform/api-client.ts'
import { useFacts } from '../platform/live.tsx'
import { queryKeys } from '../platform/query-keys.ts'
import type { StreamEvent } from '../platform/stream-status.ts'

const asked = 100
/** Maximum pages loaded automatically when grouping leaves few rows. */
const mostPages = 5

export interface ChangeFilter {
  /** Fact types to include; all by default. */
  types: readonly FactType[] | undefined
  /** Account to include; by default all, and facts of no account. */
  accountId: string | undefined
}

export function useChanges({ types, accountId }: ChangeFilter) {
  const live = useFacts().filter(fact => isMeant(fact, { types, accountId }))
  const earlier = useInfiniteQuery({
    queryKey: [...queryKeys.facts, types?.join() ?? '', accountId ?? ''],
    queryFn: ({ signal, pageParam: before }) =>
      call(api.events.listFacts, {
        query: { limit: asked, before, types: types?.join(), account_id: accountId },
        signal,
      }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ items }) => (items.length < asked ? undefined : items.at(-1)!.id),
  })
  const pages = earlier.data?.pages ?? []
  const { hasNextPage, isFetching, isError, fetchNextPage } = earlier
  // Not after a failure, which would repeat.
  const mayGoOn = hasNextPage && !isFetching && !isError && pages.length < mostPages
  // The cast is true because the server validates facts against the same contract.
  const held = pages.flatMap(({ items }) => items.map(({ id, ...event }) => ({ id, event: event as ServerEvent })))
  return {
    facts: mergeFacts(live, held),
    isLoading: earlier.isLoading,
    hasOlder: hasNextPage,
    /** Whether older facts may be loaded automatically. */
    mayGoOn,
    isLoadingOlder: earlier.isFetchingNextPage,
    loadOlder: fetchNextPage,
  }
}

/** Returns whether a fact passes the filter, by the server's rules. */
export function isMeant({ event }: StreamEvent, { types, accountId }: ChangeFilter): boolean {
  if (types && !(types as readonly string[]).includes(event.type)) return false
  return accountId === undefined || ('account_id' in event.data && event.data.account_id === accountId)
}

/** Merges two lists that are newest first, the live one being newer, without duplicates. */
export function mergeFacts(live: readonly StreamEvent[], held: readonly StreamEvent[]): StreamEvent[] {
  const known = new Set(live.map(fact => fact.id))
  return [...live, ...held.filter(fact => !known.has(fact.id))].sort((a, b) => numberOf(b) - numberOf(a))
}

/** Returns the number in an id of the form `<epoch>-<number>`. */
function numberOf({ id }: StreamEvent): number {
  return Number(id?.split('-')[1] ?? 0)
}
