/** The button that stops all programs, two clicks away on every page. */
import { OctagonPause } from 'lucide-react'
import { useMay } from '../platform/session.ts'
import { Button } from '../ui/button.tsx'
import { useFreezes } from './use-freezes.ts'

/** @param onAsk Opens the confirmation, which is rendered outside the bar that contains the button. */
export function StopButton({ onAsk }: { onAsk(): void }) {
  const mayStop = useMay('dashboard:operate')
  const { data } = useFreezes()
  const isStopped = data?.items.some(({ target }) => target === 'everything') === true
  if (!mayStop || isStopped) return null
  return (
    <Button
      size="sm"
      variant="quiet"
      icon={OctagonPause}
      title="Stop all programs"
      className="text-bad! max-lg:min-h-9"
      onClick={onAsk}
    >
      <span className="max-lg:sr-only">Stop all programs</span>
    </Button>
  )
}
