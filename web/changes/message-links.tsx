/** Messages of a change as links: by subject where the page has it from a list, else by number. */
import { useQueryClient } from '@tanstack/react-query'
import { useMemo, useState } from 'react'
import { Link } from 'wouter'
import type { MailPage } from '../mail/mail-row.ts'
import { subjectOf } from '../mail/mail-words.ts'
import { formatNumber } from '../platform/format.ts'
import { writeState } from '../platform/url-state.ts'

/** More are shown by a press. */
const shownFirst = 10

export interface LinkedMessage {
  /** Id or reference; null where neither is known. */
  name: string | null
  folder: string | null
}

export function MessageLinks({ accountId, messages }: { accountId: string; messages: readonly LinkedMessage[] }) {
  const [isWhole, setWhole] = useState(false)
  const subjects = useKnownSubjects(accountId)
  const known = messages.flatMap(({ name, folder }) => (name === null ? [] : [{ name, folder }]))
  const shown = isWhole ? known : known.slice(0, shownFirst)
  if (known.length === 0) return null
  return (
    <ul className="grid grid-cols-1 gap-x-3 text-xs sm:grid-cols-2">
      {shown.map(({ name, folder }, index) => (
        <li key={name} className="min-w-0">
          <Link
            href={addressOf(accountId, name, folder)}
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

function addressOf(account: string, message: string, folder: string | null): string {
  const change = { account, message, folder: folder ?? 'INBOX' }
  return `/mail?${writeState(new URLSearchParams(), addressDefaults, change)}`
}

/** By id and by reference. */
function useKnownSubjects(accountId: string): ReadonlyMap<string, string> {
  const queries = useQueryClient()
  return useMemo(() => {
    const lists = queries.getQueriesData<MailPage>({ queryKey: ['mail', accountId] })
    const rows = lists.flatMap(([, page]) => (Array.isArray(page?.rows) ? page.rows : []))
    return new Map(
      rows.flatMap(({ message, messageId }) => {
        const subject = subjectOf(message)
        return [[message.ref, subject] as const, ...(messageId === undefined ? [] : [[messageId, subject] as const])]
      }),
    )
  }, [queries, accountId])
}
