/** Everybody who may sign in, and what can be done to them. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import type { AccountAccess, Role } from '../../contract/access.ts'
import { api } from '../../contract/index.ts'
import type { User } from '../../contract/users.ts'
import { call } from '../platform/api-client.ts'
import { useLiveStatus } from '../platform/live.tsx'
import { queryKeys } from '../platform/query-keys.ts'
import { useToast } from '../ui/toast.tsx'

/** Events tell who is added and changed; who was seen, and how many sessions are open, is asked for this often. */
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
    // The link opens the door.
    gcTime: 0,
    onSuccess: changed,
  })
}

/** @param said What the toast says when it is done. */
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

/** The stream would say so too, but it may be interrupted; and it may be oneself who was changed. */
function useUsersChanged(): () => Promise<unknown> {
  const queries = useQueryClient()
  return () =>
    Promise.all(
      [queryKeys.users, queryKeys.tokens, queryKeys.sessions, queryKeys.session].map(queryKey =>
        queries.invalidateQueries({ queryKey }),
      ),
    )
}
