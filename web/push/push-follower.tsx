/** Mounted on every page: keeps this browser subscribed if the user wants it, and closes outdated notifications. */
import { useQueryClient } from '@tanstack/react-query'
import { useEffect } from 'react'
import { useLocation } from 'wouter'
import { type PushDetails, pushApi } from '../../contract/push.ts'
import { useWaiting } from '../approvals/use-waiting.ts'
import { call } from '../platform/api-client.ts'
import { queryKeys } from '../platform/query-keys.ts'
import { useSession } from '../platform/session.ts'
import { bodyOf, findSubscription, fingerprintOf } from './push-browser.ts'
import { markOf } from './push-mark.ts'

export function PushFollower() {
  const { user_id: userId } = useSession().principal
  const queries = useQueryClient()
  const { queue, count } = useWaiting()
  const hasNone = queue !== undefined && count === 0
  useEffect(() => {
    // Without it, there are merely no notifications.
    const details = markOf(userId)
    if (!details) return
    // The profile may have been loaded before the subscription changed.
    const told = (isNew: boolean) => (isNew ? queries.invalidateQueries({ queryKey: queryKeys.push }) : undefined)
    subscribeAgain(details)
      .then(told)
      .catch(() => undefined)
  }, [userId, queries])
  useEffect(() => {
    if (hasNone && markOf(userId)) closeNotifications().catch(() => undefined)
  }, [hasNone, userId])
  return null
}

/** Subscribes again, because the server drops a subscription with its session. @returns Whether it was missing. */
async function subscribeAgain(details: PushDetails): Promise<boolean> {
  const subscription = await findSubscription()
  if (!subscription) return false
  const [{ items }, own] = await Promise.all([call(pushApi.getPush), fingerprintOf(subscription)])
  if (items.some(({ fingerprint }) => fingerprint === own)) return false
  await call(pushApi.subscribePush, { body: { ...bodyOf(subscription), details } })
  return true
}

async function closeNotifications(): Promise<void> {
  const registration = await navigator.serviceWorker?.getRegistration('/')
  const shown = (await registration?.getNotifications()) ?? []
  for (const notification of shown) if (notification.data?.isApproval) notification.close()
}

/** A clicked notification opens its page in an existing window, signed in or not. */
export function useOpenedByNotification(): void {
  const [, navigate] = useLocation()
  useEffect(() => {
    const { serviceWorker } = navigator
    // Service workers require HTTPS.
    if (!serviceWorker) return
    const open = ({ data }: MessageEvent) => {
      if (data?.type === 'rustymail.open' && typeof data.href === 'string' && data.href.startsWith('/')) {
        navigate(data.href)
      }
    }
    serviceWorker.addEventListener('message', open)
    serviceWorker.startMessages()
    return () => serviceWorker.removeEventListener('message', open)
  }, [navigate])
}
