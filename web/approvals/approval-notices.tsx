/** A notification of the browser for each message that waits, for a person who asked for them. It opens the approval, and never decides. */
import { useCallback, useState } from 'react'
import { useLocation } from 'wouter'
import { formatCount } from '../platform/format.ts'
import { useStreamEvent } from '../platform/live.tsx'
import { useSession } from '../platform/session.ts'
import type { StreamEvent } from '../platform/stream-status.ts'
import { markOf } from '../push/push-mark.ts'

const storageKey = 'rustymail.approval-notices'

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

/** Asks the browser only when the person presses the button. */
export function useNoticeChoice(): [NoticeState, (isOn: boolean) => Promise<void>] {
  const [state, setState] = useState(stateOf)
  const choose = async (isOn: boolean) => {
    if (isOn) await Notification.requestPermission()
    try {
      if (isOn) localStorage.setItem(storageKey, 'on')
      else localStorage.removeItem(storageKey)
    } catch {
      // Storage may be forbidden; then there are none.
    }
    setState(stateOf())
  }
  return [state, choose]
}

/** Around every page. */
export function ApprovalNotices() {
  const [, navigate] = useLocation()
  const { user_id: userId } = useSession().principal
  const tell = useCallback(
    ({ event, id }: StreamEvent) => {
      // What is replayed after a reconnect is told too: the tag keeps it to one notification each.
      if (event.type !== 'approval_requested' || id === null || stateOf() !== 'on') return
      // Web Push tells of it.
      if (markOf(userId)) return
      const { approval_id: approvalId, principal_name: name, recipients } = event.data
      const notice = new Notification('A message waits for your approval', {
        body: `${name}, to ${formatCount(recipients, 'recipient')}`,
        tag: approvalId,
        icon: '/favicon.svg',
      })
      notice.addEventListener('click', () => {
        window.focus()
        navigate(`/approvals?open=${encodeURIComponent(approvalId)}`)
        notice.close()
      })
    },
    [navigate, userId],
  )
  useStreamEvent(tell)
  return null
}
