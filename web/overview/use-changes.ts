/** The newest facts: those that the server still holds from before the page was opened, and those that the stream brings. */
import { useQuery } from '@tanstack/react-query'
import type { ServerEvent } from '../../contract/event.ts'
import { api } from '../../contract/index.ts'
import { call } from '../platform/api-client.ts'
import { useFacts } from '../platform/live.tsx'
import { queryKeys } from '../platform/query-keys.ts'
import type { StreamEvent } from '../platform/stream-status.ts'

const asked = 50

export function useChanges() {
  const live = useFacts()
  const earlier = useQuery({
    queryKey: queryKeys.facts,
    queryFn: ({ signal }) => call(api.events.listFacts, { query: { limit: asked }, signal }),
  })
  // The server checked the facts against the same contract that the type comes from.
  const held = (earlier.data?.items ?? []).map(({ id, ...event }) => ({ id, event: event as ServerEvent }))
  return { facts: mergeFacts(live, held), isLoading: earlier.isLoading }
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
