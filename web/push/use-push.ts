/** The browsers of a user that are notified, including this one. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { type PushDetails, type PushSubscription, pushApi } from '../../contract/push.ts'
import { call } from '../platform/api-client.ts'
import { queryKeys } from '../platform/query-keys.ts'
import { useSession } from '../platform/session.ts'
import { useToast } from '../ui/toast.tsx'
import { bodyOf, findSubscription, fingerprintOf, makeSubscription } from './push-browser.ts'
import { mark } from './push-mark.ts'

/** Returns what the server knows, and this browser's fingerprint if it is subscribed. */
export function usePush() {
  return useQuery({
    queryKey: queryKeys.push,
    queryFn: async ({ signal }) => {
      const [known, own] = await Promise.all([call(pushApi.getPush, { signal }), ownFingerprint()])
      return { ...known, own: known.items.find(({ fingerprint }) => fingerprint === own) }
    },
  })
}

async function ownFingerprint(): Promise<string | undefined> {
  const subscription = await findSubscription()
  return subscription && fingerprintOf(subscription)
}

export function useSubscribe(publicKey: string) {
  const { user_id: userId } = useSession().principal
  const changed = usePushChanged()
  return useMutation({
    mutationFn: async (details: PushDetails) => {
      const subscription = await makeSubscription(publicKey)
      return call(pushApi.subscribePush, { body: { ...bodyOf(subscription), details } })
    },
    onSuccess: ({ details }) => mark(userId, details),
    onSettled: changed,
  })
}

/** @param isOwn Whether it is this browser, which then unsubscribes, too. */
export function useUnsubscribe({ id }: Pick<PushSubscription, 'id'>, isOwn: boolean) {
  const { user_id: userId } = useSession().principal
  const changed = usePushChanged()
  return useMutation({
    mutationFn: async () => {
      // First of all: otherwise the subscription would be renewed when the page is next opened.
      if (isOwn) mark(userId, undefined)
      await call(pushApi.unsubscribePush, { params: { subscription_id: id } })
      if (isOwn) await (await findSubscription())?.unsubscribe()
    },
    onSettled: changed,
  })
}

export function useTestPush({ id }: Pick<PushSubscription, 'id'>) {
  const changed = usePushChanged()
  const toast = useToast()
  return useMutation({
    mutationFn: () => call(pushApi.testPush, { params: { subscription_id: id } }),
    onSuccess: ({ is_accepted: isAccepted, why }) =>
      isAccepted
        ? toast({ tone: 'good', title: 'Sent', detail: 'It will appear on the device in a moment.' })
        : toast({ tone: 'bad', title: 'Not sent', detail: why ?? '' }),
    onSettled: changed,
  })
}

function usePushChanged(): () => Promise<unknown> {
  const queries = useQueryClient()
  return () => queries.invalidateQueries({ queryKey: queryKeys.push })
}
