/** Lists the users that a token or user invited, reset or promoted, with the option to disable them, too. */
import { useQuery } from '@tanstack/react-query'
import { api } from '../../contract/index.ts'
import type { MadeUser } from '../../contract/users.ts'
import { call } from '../platform/api-client.ts'
import { formatCount } from '../platform/format.ts'
import { queryKeys } from '../platform/query-keys.ts'
import { useMay, useSession } from '../platform/session.ts'
import { Checkbox } from '../ui/choice.tsx'
import { ErrorNote } from '../ui/error-state.tsx'
import { Skeleton } from '../ui/skeleton.tsx'
import { madeWords } from './user-words.ts'

export type Maker = { kind: 'token' | 'user'; id: string; name: string }

function useMadeBy({ kind, id }: Maker, isAsked: boolean) {
  const mayAsk = useMay('dashboard:admin')
  return useQuery({
    queryKey: queryKeys.madeBy(kind, id),
    queryFn: ({ signal }) =>
      kind === 'token'
        ? call(api.tokens.listMadeByToken, { params: { token_id: id }, signal })
        : call(api.users.listMadeByUser, { params: { user_id: id }, signal }),
    enabled: mayAsk && isAsked,
  })
}

/** The choice; renders nothing if there are none, or the reader may not know. Revoking does not wait for the list. */
export function MadeUsersChoice({
  maker,
  isEnded,
  isGoing,
  onChange,
}: {
  maker: Maker
  isEnded: boolean
  /** Whether the maker is being or has been removed; the list no longer exists then, whatever event invalidates it. */
  isGoing: boolean
  onChange(isEnded: boolean): void
}) {
  const { data, error, isLoading } = useMadeBy(maker, !isGoing)
  const { user_id: ownId } = useSession().principal
  if (error) return <ErrorNote error={error} />
  if (isLoading) {
    return (
      <div role="status">
        <span className="sr-only">Looking up the users it created</span>
        <Skeleton className="h-4 w-2/3" />
      </div>
    )
  }
  const made = data?.items ?? []
  if (made.length === 0) return null
  const others = made.filter(({ user_id: id }) => id !== ownId)
  return (
    <section className="grid gap-2" aria-label={`Made by ${maker.name}`}>
      <p className="text-sm">
        {maker.name} invited, reset or promoted {formatCount(made.length, 'user')}. They keep their sessions and API
        tokens unless you disable them too:
      </p>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: scrollable content must be reachable by keyboard (WCAG
         2.1.1). */}
      <ul tabIndex={0} aria-label="Users" className="grid max-h-48 divide-y overflow-y-auto rounded-md border text-sm">
        {made.map(user => (
          <MadeLine key={user.user_id} user={user} isOneself={user.user_id === ownId} />
        ))}
      </ul>
      {others.length > 0 && (
        <Checkbox
          label={`Also disable ${others.length === 1 ? 'this user' : `these ${others.length} users`}`}
          hint="They are signed out immediately. Anyone who was invited or reset also loses their password, authenticator, passkeys, links and API tokens, since anyone who held the link may have set them."
          isChecked={isEnded}
          onChange={onChange}
        />
      )}
    </section>
  )
}

function MadeLine({ user, isOneself }: { user: MadeUser; isOneself: boolean }) {
  return (
    <li className="min-w-0 px-3 py-2">
      <p className="break-words">
        <strong className="font-semibold">{user.name}</strong> <span className="text-soft">({user.email})</span>
      </p>
      <p className="text-xs text-soft">
        {madeWords(user)}
        {isOneself && '. This is you: you stay unchanged'}
      </p>
    </li>
  )
}
