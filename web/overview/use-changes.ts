/** The newest facts: those that the server still holds from before the page was opened, and those that the stream brings. */
import { useInfiniteQuery } from '@tanstack/react-query'
import type { FactType, ServerEvent } from '../../contract/event.ts'
import { api } from '../../contract/index.ts'
import { call } from '../platform/api-client.ts'
import { useFacts } from '../platform/live.tsx'
import { queryKeys } from '../platform/query-keys.ts'
import type { StreamEvent } from '../platform/stream-status.ts'

const asked = 100
/** Of what is gathered in a few rows more is asked for by itself, up to here. */
const mostPages = 5

export interface ChangeFilter {
  /** All unless given. */
  types: readonly FactType[] | undefined
  /** Of all accounts, and of none, unless given. */
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
  // Not after a failure: it would fail again.
  const mayGoOn = hasNextPage && !isFetching && !isError && pages.length < mostPages
  // The server checked the facts against the same contract that the type comes from.
  const held = pages.flatMap(({ items }) => items.map(({ id, ...event }) => ({ id, event: event as ServerEvent })))
  return {
    facts: mergeFacts(live, held),
    isLoading: earlier.isLoading,
    hasOlder: hasNextPage,
    /** Whether older ones may be loaded without being asked for. */
    mayGoOn,
    isLoadingOlder: earlier.isFetchingNextPage,
    loadOlder: fetchNextPage,
  }
}

/** As the server filters them. */
export function isMeant({ event }: StreamEvent, { types, accountId }: ChangeFilter): boolean {
  if (types && !(types as readonly string[]).includes(event.type)) return false
  return accountId === undefined || ('account_id' in event.data && event.data.account_id === accountId)
}

/** Both lists are newest first, and the live one is the newer; what is in both is shown once. */
export function mergeFacts(live: readonly StreamEvent[], held: readonly StreamEvent[]): StreamEvent[] {
  const known = new Set(live.map(fact => fact.id))
  return [...live, ...held.filter(fact => !known.has(fact.id))].sort((a, b) => numberOf(b) - numberOf(a))
}

/** Ids are `<epoch>-<number>`. */
function numberOf({ id }: StreamEvent): number {
  return Number(id?.split('-')[1] ?? 0)
}
