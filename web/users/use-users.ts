/** Users who may sign in, and actions on them. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import type { AccountAccess, Role } from '../../contract/access.ts'
import { api } from '../../contract/index.ts'
import type { User } from '../../contract/users.ts'
import { call } from '../platform/api-client.ts'
import { useLiveStatus } from '../platform/live.tsx'
import { queryKeys } from '../platform/query-keys.ts'
import { useToast } from '../ui/toast.tsx'

/** Poll interval in milliseconds of last-seen times and session counts; events report only added and changed users. */
export const usersIntervalMs = 30_000

export interface UserChange {
  name?: string
  role?: Role
  accounts?: AccountAccess
  disabled?: boolean
}

export function useUsers() {
  const { state } = useLiveStatus()
  return useQuery({
    queryKey: queryKeys.users,
    queryFn: ({ signal }) => call(api.users.listUsers, { signal }),
    refetchInterval: ({ state: { error } }) => state === 'live' && !error && usersIntervalMs,
  })
}

export function useInvite() {
  const changed = useUsersChanged()
  return useMutation({
    mutationFn: (body: { email: string; name: string; role: Role; accounts: AccountAccess }) =>
      call(api.users.inviteUser, { body }),
    // The response contains a sign-in link, so it is not cached.
    gcTime: 0,
    onSuccess: changed,
  })
}

/** @param said Text of the success toast. */
export function useChangeUser({ id, name }: User, said: string) {
  const changed = useUsersChanged()
  const toast = useToast()
  return useMutation({
    mutationFn: (body: UserChange) => call(api.users.changeUser, { params: { user_id: id }, body }),
    onSuccess: async () => {
      toast({ tone: 'good', title: said, detail: name })
      await changed()
    },
  })
}

export function useResetUser({ id }: User) {
  const changed = useUsersChanged()
  return useMutation({
    mutationFn: (body: { revoke_tokens: boolean }) => call(api.users.resetUser, { params: { user_id: id }, body }),
    gcTime: 0,
    onSuccess: changed,
  })
}

export function useDeleteUser({ id, name }: User) {
  const changed = useUsersChanged()
  const toast = useToast()
  return useMutation({
    mutationFn: (endsMade: boolean) =>
      call(api.users.deleteUser, { params: { user_id: id }, query: { end_made: endsMade ? 'true' : 'false' } }),
    onSuccess: async () => {
      toast({ tone: 'good', title: 'Deleted', detail: name })
      await changed()
    },
  })
}

/** Invalidates users and the own session, which may have changed; the stream would do so too, but it may be down. */
function useUsersChanged(): () => Promise<unknown> {
  const queries = useQueryClient()
  return () =>
    Promise.all(
      [queryKeys.users, queryKeys.tokens, queryKeys.sessions, queryKeys.session].map(queryKey =>
        queries.invalidateQueries({ queryKey }),
      ),
    )
}
