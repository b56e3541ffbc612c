/** The user's own account, and changes to it. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useCallback } from 'react'
import { api } from '../../contract/index.ts'
import type { Passkey } from '../../contract/profile.ts'
import { makePasskey } from '../access/passkeys.ts'
import { call } from '../platform/api-client.ts'
import { queryKeys } from '../platform/query-keys.ts'
import { useToast } from '../ui/toast.tsx'

/** The password; undefined for users without one. */
interface Proof {
  current_password?: string
}

export function useProfile() {
  return useQuery({ queryKey: queryKeys.profile, queryFn: ({ signal }) => call(api.profile.getProfile, { signal }) })
}

/** Invalidates everything that depends on the profile. */
export function useProfileChanged(): () => Promise<unknown> {
  const queries = useQueryClient()
  return useCallback(
    () =>
      Promise.all(
        [queryKeys.profile, queryKeys.session, queryKeys.ownSessions].map(queryKey =>
          queries.invalidateQueries({ queryKey }),
        ),
      ),
    [queries],
  )
}

export function useChangeName() {
  const changed = useProfileChanged()
  const toast = useToast()
  return useMutation({
    mutationFn: (name: string) => call(api.profile.changeProfile, { body: { name } }),
    onSuccess: async () => {
      toast({ tone: 'good', title: 'Saved' })
      await changed()
    },
  })
}

export function useChangePassword() {
  const changed = useProfileChanged()
  const toast = useToast()
  return useMutation({
    mutationFn: (body: Proof & { new_password: string }) => call(api.profile.changePassword, { body }),
    // The request contains passwords, so it is not cached.
    gcTime: 0,
    onSuccess: async () => {
      toast({ tone: 'good', title: 'Password changed', detail: 'Your other sessions have ended.' })
      await changed()
    },
  })
}

export function useBeginTotp() {
  return useMutation({ mutationFn: (body: Proof) => call(api.profile.beginTotp, { body }), gcTime: 0 })
}

/** Confirms the authenticator; its response is shown once, and the profile is reloaded after that. */
export function useConfirmTotp() {
  return useMutation({
    mutationFn: (code: string) => call(api.profile.confirmTotp, { body: { code } }),
    gcTime: 0,
  })
}

export function useRenewRecoveryCodes() {
  return useMutation({ mutationFn: (body: Proof) => call(api.profile.renewRecoveryCodes, { body }), gcTime: 0 })
}

export function useRemoveTotp() {
  const changed = useProfileChanged()
  const toast = useToast()
  return useMutation({
    mutationFn: (body: Proof) => call(api.profile.removeTotp, { body }),
    gcTime: 0,
    onSuccess: async () => {
      toast({ tone: 'good', title: 'The authenticator is off', detail: 'The password alone is now enough to sign in.' })
      await changed()
    },
  })
}

export function useAddPasskey() {
  const changed = useProfileChanged()
  const toast = useToast()
  return useMutation({
    mutationFn: async ({ name, ...proof }: Proof & { name: string }) => {
      const made = await makePasskey(await call(api.profile.beginPasskey, { body: proof }))
      return call(api.profile.addPasskey, { body: { ...made, name } })
    },
    gcTime: 0,
    onSuccess: async ({ name }) => {
      toast({ tone: 'good', title: 'Passkey added', detail: name })
      await changed()
    },
  })
}

export function useRemovePasskey({ id, name }: Passkey) {
  const changed = useProfileChanged()
  const toast = useToast()
  return useMutation({
    mutationFn: (body: Proof) => call(api.profile.removePasskey, { params: { passkey_id: id }, body }),
    gcTime: 0,
    onSuccess: async () => {
      toast({ tone: 'good', title: 'Passkey removed', detail: name })
      await changed()
    },
  })
}
