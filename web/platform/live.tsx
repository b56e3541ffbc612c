/** Provides the event stream to components: its status, the newest facts, and how fresh the data is. */
import { useQueryClient } from '@tanstack/react-query'
import { createContext, type ReactNode, useContext, useEffect, useSyncExternalStore } from 'react'
import { useNow } from './clock.ts'
import { EventEffects } from './event-effects.ts'
import type { EventStream, StreamSnapshot } from './event-stream.ts'
import { queryKeys } from './query-keys.ts'
import type { StreamEvent, StreamStatus } from './stream-status.ts'

const StreamContext = createContext<EventStream | undefined>(undefined)

/** Milliseconds for which a lost connection is not shown, so that short blips stay invisible. */
export const graceMs = 3_000

export function LiveProvider({ stream, children }: { stream: EventStream; children: ReactNode }) {
  const queries = useQueryClient()
  useEffect(() => {
    const ending = new AbortController()
    const effects = new EventEffects(queries)
    const unlisten = stream.onEvent(event => effects.apply(event))
    let wasSignedOut = false
    let lastClientId: string | null = null
    const unsubscribe = stream.subscribe(() => {
      const { state, clientId } = stream.getSnapshot().status
      // The stream may have learned that another tab signed out or in; its client is one session in one place.
      const isSignedOut = state === 'signed_out'
      const isOther = clientId !== null && lastClientId !== null && clientId !== lastClientId
      const isNews = isSignedOut !== wasSignedOut || isOther
      wasSignedOut = isSignedOut
      lastClientId = clientId ?? lastClientId
      const isKnown = isSignedOut && queries.getQueryData(queryKeys.session) === null
      // A failed refetch leaves the session as it was; the next request shows whether it is valid.
      if (isNews && !isKnown) void queries.invalidateQueries({ queryKey: queryKeys.session })
    })
    stream.start(ending.signal)
    return () => {
      ending.abort()
      effects.stop()
      unlisten()
      unsubscribe()
    }
  }, [queries, stream])
  return <StreamContext value={stream}>{children}</StreamContext>
}

export function useStream(): EventStream {
  const stream = useContext(StreamContext)
  if (!stream) throw new Error('there is no LiveProvider above')
  return stream
}

/** Calls the listener for each event while the component is mounted; keep the function stable. */
export function useStreamEvent(listener: (event: StreamEvent) => void): void {
  const stream = useStream()
  useEffect(() => stream.onEvent(listener), [stream, listener])
}

function useSnapshot(): StreamSnapshot {
  const stream = useStream()
  return useSyncExternalStore(stream.subscribe, stream.getSnapshot)
}

export interface LiveStatus extends StreamStatus {
  tabs: number
  isShared: boolean
  retryNow(): void
}

/** Returns the status of the event stream. */
export function useLiveStatus(): LiveStatus {
  const stream = useStream()
  const { status, tabs, isShared } = useSnapshot()
  return { ...status, tabs, isShared, retryNow: () => stream.retryNow() }
}

/** Returns the newest facts, newest first. */
export function useFacts(): readonly StreamEvent[] {
  return useSnapshot().facts
}

export type Freshness = { isStale: false } | { isStale: true; asOf: number }

/**
 * Returns whether shown data may be stale. Data updated by facts is fresh while the stream is live; data updated at an
 * interval must also be no older than 2.5 intervals.
 */
export function useFreshness(updatedAt: number, intervalMs?: number): Freshness {
  const { state, troubleSince, lastReceivedAt } = useSnapshot().status
  const now = useNow(1_000)
  return freshnessOf({ state, troubleSince, lastHeardAt: lastReceivedAt, updatedAt, intervalMs, now })
}

export function freshnessOf(facts: {
  state: StreamStatus['state']
  troubleSince: number | null
  lastHeardAt: number | null
  updatedAt: number
  intervalMs: number | undefined
  now: number
}): Freshness {
  const { state, troubleSince, lastHeardAt, updatedAt, intervalMs, now } = facts
  const isTooOld = intervalMs !== undefined && now - updatedAt > intervalMs * 2.5
  const isBlip = state === 'live' || now - (troubleSince ?? now) < graceMs
  if (isBlip && !isTooOld) return { isStale: false }
  return { isStale: true, asOf: intervalMs === undefined ? Math.max(updatedAt, lastHeardAt ?? 0) : updatedAt }
}
