/** Links to the messages of a change: by subject if the index knows it, else numbered. */
import { useQueries } from '@tanstack/react-query'
import { useState } from 'react'
import { Link } from 'wouter'
import { api } from '../../contract/index.ts'
import { subjectOf } from '../mail/mail-words.ts'
import { call } from '../platform/api-client.ts'
import { formatNumber } from '../platform/format.ts'
import { queryKeys } from '../platform/query-keys.ts'
import { writeState } from '../platform/url-state.ts'

/** Messages shown at first; the rest on request. */
const shownFirst = 10

export interface LinkedMessage {
  /** Id or reference; null if neither is known. */
  name: string | null
  folder: string | null
}

export function MessageLinks({ accountId, messages }: { accountId: string; messages: readonly LinkedMessage[] }) {
  const [isWhole, setWhole] = useState(false)
  const known = messages.flatMap(({ name, folder }) => (name === null ? [] : [{ name, folder }]))
  const shown = isWhole ? known : known.slice(0, shownFirst)
  const subjects = useSubjects(
    accountId,
    shown.map(({ name }) => name),
  )
  if (known.length === 0) return null
  return (
    <ul className="grid grid-cols-1 gap-x-3 text-xs sm:grid-cols-2">
      {shown.map(({ name, folder }, index) => (
        <li key={name} className="min-w-0">
          <Link
            href={messageHref(accountId, name, folder)}
            className="block min-h-6 truncate text-accent hover:underline"
          >
            <bdi>{subjects.get(name) ?? `Message ${formatNumber(index + 1)}`}</bdi>
          </Link>
        </li>
      ))}
      {known.length > shown.length && (
        <li>
          <button type="button" onClick={() => setWhole(true)} className="min-h-6 rounded-sm font-medium text-accent">
            and {formatNumber(known.length - shown.length)} more
          </button>
        </li>
      )}
    </ul>
  )
}

const addressDefaults = { account: '', folder: 'INBOX', message: '' }

/** Returns the address of a message. */
export function messageHref(account: string, message: string, folder: string | null): string {
  const change = { account, message, folder: folder ?? 'INBOX' }
  return `/mail?${writeState(new URLSearchParams(), addressDefaults, change)}`
}

/** Maximum messages of one request. */
const atOnce = 50
const idForm = /^[A-Za-z0-9_-]{20}$/

/** Returns the subjects that the index knows, by name. */
function useSubjects(accountId: string, names: readonly string[]): ReadonlyMap<string, string> {
  const ids = names.filter(name => idForm.test(name))
  const count = Math.ceil(ids.length / atOnce)
  return useQueries({
    queries: Array.from({ length: count }, (_, index) => {
      const part = ids.slice(index * atOnce, (index + 1) * atOnce)
      return {
        queryKey: queryKeys.summaries(accountId, part),
        queryFn: ({ signal }: { signal: AbortSignal }) => {
          const params = { account_id: accountId }
          return call(api.mailIndex.listMessagesById, { params, query: { ids: part.join() }, signal })
        },
        // Not every account is indexed; and a subject never changes.
        retry: false,
        staleTime: Number.POSITIVE_INFINITY,
      }
    }),
    combine: answers =>
      new Map(answers.flatMap(({ data }) => data?.items.map(item => [item.id, subjectOf(item)] as const) ?? [])),
  })
}
