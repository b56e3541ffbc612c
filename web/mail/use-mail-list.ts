/** A list of mail: its newest page, kept current by events, and older ones as the reader scrolls. */
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
/** No fact tells that the text of new mail is indexed. */
const textsAgainMs = 3_000

/** @param isSearch Only the reader asks for it again: it may cost the mail server much. */
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
    // Where the answer is there in milliseconds, grey shapes in between would only flicker.
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
      // The folder was rebuilt: what is shown of it is gone too.
      if (error instanceof ApiProblem && error.code === 'stale_cursor') await queries.resetQueries({ queryKey })
    },
  })
  const shown = useShownSource(source, newest.isPlaceholderData || newest.data === undefined)
  const list = useMemo(() => listOf(shown), [shown])
  const data = usePatchedPage(newest.data, list, newest.dataUpdatedAt)
  const page = useLastPage(data)
  return { newest, older, data, page, shown }
}

/** By what the actions of the page know a list. */
export function listOf({ queryKey, folder }: MailSource): PatchedList {
  return { queryKey, key: queryKey.join('\n'), folder }
}

/** Where the rows on the screen are from: those of the last list stay until this one is there. */
function useShownSource(source: MailSource, isOfAnother: boolean): MailSource {
  const [shown, setShown] = useState(source)
  if (isOfAnother || shown === source) return shown
  setShown(source)
  return source
}

/** What was there last, while a search that is being typed cannot be read yet. */
function useLastPage(data: MailPage | undefined): MailPage | undefined {
  const [last, setLast] = useState(data)
  if (data !== undefined && data !== last) setLast(data)
  return data ?? last
}

/** Letters may come faster than searches are allowed: then the last of them is searched a little later. In ms. */
function waitOf(error: Error): number | undefined {
  const seconds = error instanceof ApiProblem && error.status === 429 ? (error.retryAfterSeconds ?? 1) : undefined
  return seconds === undefined || seconds > mostWaitSeconds ? undefined : seconds * 1_000
}

function newestPage(queries: QueryClient, { queryKey, load }: MailSource) {
  return {
    queryKey,
    queryFn: async ({ signal }: { signal: AbortSignal }) => {
      const newest = await load(undefined, signal)
      // Only now: older rows that came meanwhile would be lost, and are not asked for a second time.
      return joinNewest(queries.getQueryData<MailPage>(queryKey), newest)
    },
    // To compare every row with the one before would take longer than to draw those that are in sight.
    structuralSharing: false,
  }
}

/** Asks for a list that is about to be opened. */
export function prefetchList(queries: QueryClient, source: MailSource): void {
  void queries.prefetchQuery(newestPage(queries, source))
}
