/** The folders watched like INBOX, and how often others are checked; users who may change accounts can choose. */
import { useQuery } from '@tanstack/react-query'
import { X } from 'lucide-react'
import { useId } from 'react'
import { type Account, lookInterval, mostWatchedFolders } from '../../contract/accounts.ts'
import { api } from '../../contract/index.ts'
import { call } from '../platform/api-client.ts'
import { formatCount } from '../platform/format.ts'
import { queryKeys } from '../platform/query-keys.ts'
import { ErrorNote } from '../ui/error-state.tsx'
import { Field, Select } from '../ui/field.tsx'
import { useChangeAccount, useRights } from './use-accounts.ts'

export function WatchedFolders({ account, isConnected }: { account: Account; isConnected: boolean }) {
  const { id, watched_folders: watched } = account
  const { mayChange } = useRights()
  const { mutate, isPending, error } = useChangeAccount(account)
  const folders = useQuery({
    enabled: isConnected,
    queryKey: queryKeys.folders(id),
    queryFn: ({ signal }) => call(api.mail.listFolders, { params: { account_id: id }, signal }),
  })
  const heading = useId()
  const choose = (paths: string[]) => mutate({ change: { watched_folders: paths }, said: 'Watched folders changed' })
  const known = folders.data?.items.filter(({ selectable }) => selectable).map(({ path }) => path)
  const offered = known?.filter(path => path.toUpperCase() !== 'INBOX' && !watched.includes(path)) ?? []
  const isFull = watched.length >= mostWatchedFolders
  const look = (seconds: number) =>
    mutate({ change: { look_interval_seconds: seconds }, said: 'Interval of other folders changed' })
  return (
    <section aria-labelledby={heading} className="grid max-w-md gap-2">
      <h3 id={heading} className="text-sm font-medium">
        Watched folders
      </h3>
      <ul className="flex flex-wrap gap-1.5">
        <li className={chip}>INBOX</li>
        {watched.map(path => (
          <li key={path} className={chip}>
            <bdi className="min-w-0 wrap-anywhere">{path}</bdi>
            {known && !known.includes(path) && <span className="shrink-0 text-warn">not on the server</span>}
            {mayChange && (
              <button
                type="button"
                aria-label={`Do not watch ${path}`}
                disabled={isPending}
                onClick={() => choose(watched.filter(each => each !== path))}
                className="-mr-1.5 grid size-6 shrink-0 place-items-center rounded-full text-muted hover:bg-sunken hover:text-ink"
              >
                <X className="size-3.5" aria-hidden="true" />
              </button>
            )}
          </li>
        ))}
      </ul>
      {mayChange && !isFull && offered.length > 0 && (
        <Field label="Watch another folder" hint={hintOf(mostWatchedFolders - watched.length)}>
          <Select
            value=""
            disabled={isPending}
            onChange={event => event.target.value !== '' && choose([...watched, event.target.value])}
          >
            <option value="">Choose a folder</option>
            {offered.map(path => (
              <option key={path} value={path}>
                {path}
              </option>
            ))}
          </Select>
        </Field>
      )}
      {mayChange && isFull && (
        <p className="text-xs text-muted">
          No more than {formatCount(mostWatchedFolders, 'folder')} can be watched beside INBOX.
        </p>
      )}
      {mayChange ? (
        <Field
          label="Check other folders"
          hint="Takes effect immediately. Frequent checks load the mail server; its daily limit still applies."
        >
          <Select
            value={String(account.look_interval_seconds)}
            disabled={isPending}
            onChange={event => look(Number(event.target.value))}
          >
            {intervalsWith(account.look_interval_seconds).map(seconds => (
              <option key={seconds} value={seconds}>
                {intervalWords(seconds)}
              </option>
            ))}
          </Select>
        </Field>
      ) : (
        <p className="text-xs text-muted">
          Other folders are checked {intervalWords(account.look_interval_seconds).toLowerCase()}.
        </p>
      )}
      {error && <ErrorNote error={error} />}
    </section>
  )
}

const chip =
  'inline-flex min-h-7 min-w-0 items-center gap-1.5 rounded-full border bg-surface px-2.5 text-xs font-medium text-soft'

function hintOf(left: number): string {
  return `Changes there are indexed immediately; other folders are checked periodically. Each uses a connection to the mail server. ${formatCount(left, 'folder')} more can be watched.`
}

/** The intervals offered; another client may have set a different one. */
const intervals = [lookInterval.least, 30, lookInterval.byDefault, 5 * 60, 15 * 60, 30 * 60, lookInterval.most]

function intervalsWith(chosen: number): number[] {
  return [...new Set([...intervals, chosen])].sort((one, other) => one - other)
}

function intervalWords(seconds: number): string {
  if (seconds === 60) return 'Every minute'
  return seconds % 60 === 0 ? `Every ${seconds / 60} minutes` : `Every ${seconds} seconds`
}
