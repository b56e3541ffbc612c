/** Turns browser notifications of pending items on and off. */
import { Bell, BellOff } from 'lucide-react'
import { Link } from 'wouter'
import { useSession } from '../platform/session.ts'
import { markOf } from '../push/push-mark.ts'
import { Button } from '../ui/button.tsx'
import { useNoticeChoice } from './approval-notices.tsx'

export function NoticesChoice() {
  const [state, choose] = useNoticeChoice()
  const { user_id: userId } = useSession().principal
  if (state === 'missing') return null
  if (markOf(userId)) {
    return (
      <footer className="border-t px-4 py-2 text-xs text-muted">
        <Devices>This device is notified of new items</Devices>
      </footer>
    )
  }
  return (
    <footer className="flex flex-wrap items-center justify-between gap-2 border-t px-4 py-2 text-xs text-muted">
      <span className="min-w-0 flex-1 basis-48">
        {state === 'blocked' && 'This browser blocks notifications from this page.'}
        {state === 'on' && 'You are notified of new items while this page is open.'}
        {state === 'off' && 'Be notified while this page is open in the background.'}{' '}
        {state !== 'blocked' && <Devices>On your phone, too</Devices>}
      </span>
      {state !== 'blocked' && (
        <Button
          size="sm"
          className="max-md:min-h-11"
          icon={state === 'on' ? BellOff : Bell}
          onClick={() => void choose(state === 'off').catch(() => undefined)}
        >
          {state === 'on' ? 'Turn off' : 'Notify me'}
        </Button>
      )}
    </footer>
  )
}

function Devices({ children }: { children: string }) {
  return (
    <Link href="/profile" className="text-accent underline">
      {children}
    </Link>
  )
}
