/** The accounts, and what can be done to them. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useCallback, useRef } from 'react'
import type { Account, AccountChange } from '../../contract/accounts.ts'
import { api } from '../../contract/index.ts'
import { call } from '../platform/api-client.ts'
import { useLiveStatus, useStreamEvent } from '../platform/live.tsx'
import { queryKeys } from '../platform/query-keys.ts'
import { useSession } from '../platform/session.ts'
import type { StreamEvent } from '../platform/stream-status.ts'
import { useToast } from '../ui/toast.tsx'

/** Milliseconds that a retry may take before its outcome is fetched, and the minimum between two fetches. */
const settledMs = 1_500
const leastMs = 5_000

/**
 * Returns the accounts: facts keep the states fresh; connections, which no fact announces, are refetched with the
 * figures.
 */
export function useAccounts() {
  const queries = useQueryClient()
  const seen = useRef<string>(undefined)
  const follow = useCallback(
    ({ event }: StreamEvent) => {
      if (event.type !== 'stats_update') return
      const figures = JSON.stringify(event.data.imap)
      // A failed reload shows in the panel.
      if (seen.current !== undefined && seen.current !== figures) {
        void queries.invalidateQueries({ queryKey: queryKeys.accounts, exact: true })
      }
      seen.current = figures
    },
    [queries],
  )
  useStreamEvent(follow)
  const { clockOffsetMs } = useLiveStatus()
  return useQuery({
    queryKey: queryKeys.accounts,
    queryFn: ({ signal }) => call(api.accounts.listAccounts, { signal }),
    refetchInterval: ({ state }) => untilRetryMs(state.data?.items ?? [], Date.now() + clockOffsetMs),
  })
}

/** Returns when to refetch: a retry that fails like the one before causes no fact, but changes the time of the next. */
function untilRetryMs(accounts: readonly Account[], nowMs: number): number | false {
  const retries = accounts.flatMap(({ next_retry_at: at }) => (at === null ? [] : [Date.parse(at)]))
  return retries.length > 0 && Math.max(Math.min(...retries) - nowMs + settledMs, leastMs)
}

/** Returns what this session may do to accounts; the server enforces it. */
export function useRights(): { mayChange: boolean; mayVerify: boolean } {
  const { scopes } = useSession().principal
  const mayChange = scopes.includes('dashboard:admin')
  return { mayChange, mayVerify: mayChange || scopes.includes('dashboard:operate') }
}

/** Invalidates everything that depends on the accounts; the stream would do so too, but it may be down. */
export function useAccountsChanged(): () => Promise<unknown> {
  const queries = useQueryClient()
  return useCallback(
    () =>
      Promise.all(
        [queryKeys.accounts, queryKeys.config, queryKeys.session].map(queryKey =>
          queries.invalidateQueries({ queryKey }),
        ),
      ),
    [queries],
  )
}

export function useVerifyAccount({ id }: Account) {
  const changed = useAccountsChanged()
  return useMutation({
    mutationFn: () => call(api.accounts.verifyAccount, { params: { account_id: id } }),
    onSuccess: changed,
  })
}

/** Reconnects without waiting for the next retry; the stream reports the outcome. */
export function useReconnectAccount({ id, name }: Account) {
  const changed = useAccountsChanged()
  const toast = useToast()
  return useMutation({
    mutationFn: () => call(api.accountHealth.reconnectAccount, { params: { account_id: id } }),
    onSuccess: async () => {
      toast({ tone: 'info', title: 'Reconnecting', detail: name })
      await changed()
    },
  })
}

/** @param said Text of the success toast. */
export function useChangeAccount({ id, name }: Account) {
  const changed = useAccountsChanged()
  const toast = useToast()
  return useMutation({
    mutationFn: ({ change, verify = true }: { change: AccountChange; said: string; verify?: boolean }) =>
      call(api.accounts.updateAccount, {
        params: { account_id: id },
        body: change,
        query: { verify: verify ? 'true' : 'false' },
      }),
    // The request may contain a password, so it is not cached.
    gcTime: 0,
    onSuccess: async (_account, { said }) => {
      toast({ tone: 'good', title: said, detail: name })
      await changed()
    },
  })
}

export function useDisconnectAccount({ id, name }: Account) {
  const changed = useAccountsChanged()
  const toast = useToast()
  return useMutation({
    mutationFn: () => call(api.accounts.deleteAccount, { params: { account_id: id } }),
    onSuccess: async () => {
      toast({ tone: 'good', title: 'Disconnected', detail: `${name}: its mail is still on the server.` })
      await changed()
    },
  })
}

export function useStartSandbox() {
  const changed = useAccountsChanged()
  const toast = useToast()
  return useMutation({
    mutationFn: () => call(api.accounts.startSandbox),
    onSuccess: async account => {
      toast({ tone: 'good', title: 'The sandbox is running', detail: `${account.email} is connected.` })
      await changed()
    },
  })
}
