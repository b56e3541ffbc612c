/** Whether the browser tells of what waits while one looks elsewhere. */
import { Bell, BellOff } from 'lucide-react'
import { Button } from '../ui/button.tsx'
import { useNoticeChoice } from './approval-notices.tsx'

export function NoticesChoice() {
  const [state, choose] = useNoticeChoice()
  if (state === 'missing') return null
  return (
    <footer className="flex flex-wrap items-center justify-between gap-2 border-t px-4 py-2 text-xs text-muted">
      {state === 'blocked' && 'This browser blocks notifications of this page.'}
      {state === 'on' && 'You are notified of new ones while this page is open.'}
      {state === 'off' && 'Be notified while this page is open in the background.'}
      {state !== 'blocked' && (
        <Button
          size="sm"
          icon={state === 'on' ? BellOff : Bell}
          onClick={() => void choose(state === 'off').catch(() => undefined)}
        >
          {state === 'on' ? 'Turn off' : 'Notify me'}
        </Button>
      )}
    </footer>
  )
}
