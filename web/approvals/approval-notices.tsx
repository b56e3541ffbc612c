/** Browser notifications of pending approvals, for users who enabled them. Each opens the item and decides nothing. */
import { useCallback, useEffect, useRef, useState } from 'react'
import { useLocation } from 'wouter'
import { useStreamEvent } from '../platform/live.tsx'
import { useSession } from '../platform/session.ts'
import type { StreamEvent } from '../platform/stream-status.ts'
import { markOf } from '../push/push-mark.ts'
import { isNoticed, type Notice, type NoticedFact, noticesOf } from './notice-burst.ts'

const storageKey = 'rustymail.approval-notices'

/** Milliseconds of quiet after which a burst is shown as one notification, */
const gatherMs = 400
/** but no later than this after its first event. */
const mostGatherMs = 2_000

export type NoticeState = 'on' | 'off' | 'blocked' | 'missing'

function stateOf(): NoticeState {
  if (typeof Notification !== 'function') return 'missing'
  if (Notification.permission === 'denied') return 'blocked'
  try {
    return Notification.permission === 'granted' && localStorage.getItem(storageKey) === 'on' ? 'on' : 'off'
  } catch {
    return 'off'
  }
}

/** Returns the state and a setter; asks for the browser's permission only on a click. */
export function useNoticeChoice(): [NoticeState, (isOn: boolean) => Promise<void>] {
  const [state, setState] = useState(stateOf)
  const choose = async (isOn: boolean) => {
    if (isOn) await Notification.requestPermission()
    try {
      if (isOn) localStorage.setItem(storageKey, 'on')
      else localStorage.removeItem(storageKey)
    } catch {
      // Storage may be forbidden; then notifications stay off.
    }
    setState(stateOf())
  }
  return [state, choose]
}

/** Mounted on every page. */
export function ApprovalNotices() {
  const [, navigate] = useLocation()
  const { user_id: userId } = useSession().principal
  const gathered = useRef<{ facts: NoticedFact[]; since: number; timer: ReturnType<typeof setTimeout> }>(undefined)
  useEffect(() => () => clearTimeout(gathered.current?.timer), [])
  const tell = useCallback(
    ({ event, id }: StreamEvent) => {
      // Events replayed after a reconnect are notified as well; the tag prevents duplicates.
      if (id === null || !isNoticed(event) || stateOf() !== 'on') return
      // Web Push already notifies of messages.
      if (event.type === 'approval_requested' && markOf(userId)) return
      const { facts = [], since = Date.now(), timer } = gathered.current ?? {}
      clearTimeout(timer)
      const waitMs = Math.max(Math.min(gatherMs, since + mostGatherMs - Date.now()), 0)
      const show = () => {
        gathered.current = undefined
        for (const notice of noticesOf(all)) showNotice(notice, navigate)
      }
      const all = [...facts, event]
      gathered.current = { facts: all, since, timer: setTimeout(show, waitMs) }
    },
    [navigate, userId],
  )
  useStreamEvent(tell)
  return null
}

function showNotice({ title, body, tag, href }: Notice, navigate: (href: string) => void): void {
  const notice = new Notification(title, { body, tag, icon: '/favicon.svg' })
  notice.addEventListener('click', () => {
    window.focus()
    navigate(href)
    notice.close()
  })
}
