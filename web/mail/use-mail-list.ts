/** A mail list: its newest page, kept fresh by events, and older pages while scrolling. */
import { type QueryClient, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useMemo, useState } from 'react'
import { usePatchedPage } from '../organise/organiser-context.tsx'
import type { PatchedList } from '../organise/row-patches.ts'
import { ApiProblem } from '../platform/api-client.ts'
import { useStream } from '../platform/live.tsx'
import { awaitsTexts, joinNewest, joinOlder, loadOlder, pagesAtATime } from './mail-pages.ts'
import type { MailPage } from './mail-row.ts'
import type { MailSource } from './mail-sources.ts'

const mostWaitSeconds = 15
/** Poll interval in milliseconds while previews are being indexed, which no fact announces. */
const textsAgainMs = 3_000

/**
 * Loads a list.
 * @param isSearch Whether it is a search, which only the reader reloads, because it may cost the mail server much.
 */
export function useMailList(source: MailSource, isSearch: boolean) {
  const queries = useQueryClient()
  const stream = useStream()
  const { queryKey, load } = source
  const serverNow = () => Date.now() + stream.getSnapshot().status.clockOffsetMs
  const newest = useQuery({
    ...newestPage(queries, source),
    ...(isSearch && {
      retry: (failures: number, error: Error) => failures < 1 && waitOf(error) !== undefined,
      retryDelay: (_: number, error: Error) => waitOf(error) ?? 0,
    }),
    refetchInterval: ({ state: { data, error } }) => !error && data && awaitsTexts(data, serverNow()) && textsAgainMs,
    // With an index, the response arrives in milliseconds, and placeholders in between would only flicker.
    ...(!source.isSlow && { placeholderData: (before: MailPage | undefined) => before }),
  })
  const older = useMutation({
    mutationFn: (cursor: string) => {
      const known = queries.getQueryData<MailPage>(queryKey)?.rows.length ?? 0
      return loadOlder(load, cursor, pagesAtATime(known))
    },
    onSuccess: (page, cursor) =>
      queries.setQueryData<MailPage>(queryKey, known => known && joinOlder(known, page, cursor), {
        updatedAt: newest.dataUpdatedAt,
      }),
    onError: async error => {
      // The folder was rebuilt, so the rows on screen are gone, too.
      if (error instanceof ApiProblem && error.code === 'stale_cursor') await queries.resetQueries({ queryKey })
    },
  })
  const shown = useShownSource(source, newest.isPlaceholderData || newest.data === undefined)
  const list = useMemo(() => listOf(shown), [shown])
  const data = usePatchedPage(newest.data, list, newest.dataUpdatedAt)
  const page = useLastPage(data)
  return { newest, older, data, page, shown }
}

/** Returns the key by which the page's actions identify a list. */
export function listOf({ queryKey, folder }: MailSource): PatchedList {
  return { queryKey, key: queryKey.join('\n'), folder }
}

/** Returns the source of the rows on screen; those of the previous list stay until the new one has loaded. */
function useShownSource(source: MailSource, isOfAnother: boolean): MailSource {
  const [shown, setShown] = useState(source)
  if (isOfAnother || shown === source) return shown
  setShown(source)
  return source
}

/** Returns the last page while a search being typed is invalid. */
function useLastPage(data: MailPage | undefined): MailPage | undefined {
  const [last, setLast] = useState(data)
  if (data !== undefined && data !== last) setLast(data)
  return data ?? last
}

/**
 * Returns the milliseconds to wait after a throttled search; typing can exceed the rate limit, and only the last search
 * is repeated.
 */
function waitOf(error: Error): number | undefined {
  const seconds = error instanceof ApiProblem && error.status === 429 ? (error.retryAfterSeconds ?? 1) : undefined
  return seconds === undefined || seconds > mostWaitSeconds ? undefined : seconds * 1_000
}

function newestPage(queries: QueryClient, { queryKey, load }: MailSource) {
  return {
    queryKey,
    queryFn: async ({ signal }: { signal: AbortSignal }) => {
      const newest = await load(undefined, signal)
      // Read only now: older rows that arrived meanwhile would be lost, and are not requested again.
      return joinNewest(queries.getQueryData<MailPage>(queryKey), newest)
    },
    // Comparing every row with its predecessor would take longer than rendering the visible ones.
    structuralSharing: false,
  }
}

/** Prefetches a list that is about to be opened. */
export function prefetchList(queries: QueryClient, source: MailSource): void {
  void queries.prefetchQuery(newestPage(queries, source))
}
