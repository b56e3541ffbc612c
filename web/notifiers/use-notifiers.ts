/** Notifiers, and actions on them. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { api } from '../../contract/index.ts'
import type { NotifierDelivery } from '../../contract/notifiers.ts'
import { call } from '../platform/api-client.ts'
import { useLiveStatus } from '../platform/live.tsx'
import { queryKeys } from '../platform/query-keys.ts'
import { useToast } from '../ui/toast.tsx'
import type { NotifierWish } from './notifier-draft.ts'

/** Poll interval in milliseconds, because no event reports deliveries. */
export const notifiersIntervalMs = 5_000

export function useNotifiers() {
  const { state } = useLiveStatus()
  return useQuery({
    queryKey: queryKeys.notifiers,
    queryFn: ({ signal }) => call(api.notifiers.listNotifiers, { signal }),
    refetchInterval: ({ state: { error } }) => state === 'live' && !error && notifiersIntervalMs,
  })
}

export function useNotifierDeliveries(notifierId: string) {
  const { state } = useLiveStatus()
  return useQuery({
    queryKey: queryKeys.notifierDeliveries(notifierId),
    queryFn: ({ signal }) =>
      call(api.notifiers.listNotifierDeliveries, { params: { notifier_id: notifierId }, signal }),
    refetchInterval: ({ state: { error } }) => state === 'live' && !error && notifiersIntervalMs,
  })
}

/**
 * Saves a notifier.
 * @param notifierId Undefined for a new one.
 * @returns The generated secret, if any.
 */
export function useSaveNotifier(notifierId: string | undefined) {
  return useNotifierChange(async (body: NotifierWish) => {
    if (notifierId === undefined) return (await call(api.notifiers.createNotifier, { body })).secret
    await call(api.notifiers.changeNotifier, { params: { notifier_id: notifierId }, body })
    return null
  })
}

export function useSwitchNotifier() {
  const toast = useToast()
  return useNotifierChange(
    ({ id, body }: { id: string; body: NotifierWish }) =>
      call(api.notifiers.changeNotifier, { params: { notifier_id: id }, body }),
    error => toast({ tone: 'bad', title: 'Failed', detail: error.message }),
  )
}

export function useDeleteNotifier(notifierId: string) {
  return useNotifierChange(() => call(api.notifiers.deleteNotifier, { params: { notifier_id: notifierId } }))
}

export function useTestNotifier(notifierId: string) {
  return useNotifierChange(
    (): Promise<NotifierDelivery> => call(api.notifiers.testNotifier, { params: { notifier_id: notifierId } }),
  )
}

function useNotifierChange<Value, Result>(change: (value: Value) => Promise<Result>, onError?: (error: Error) => void) {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: change,
    // The response may contain a secret, so it is not cached.
    gcTime: 0,
    ...(onError && { onError }),
    onSettled: () => queries.invalidateQueries({ queryKey: queryKeys.notifiers }),
  })
}
