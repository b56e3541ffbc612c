/** The stop for all programs, one press and one confirmation away from every page. */
import { OctagonPause } from 'lucide-react'
import { useState } from 'react'
import { useMay } from '../platform/session.ts'
import { Button } from '../ui/button.tsx'
import { FreezeDialog } from './freeze-dialog.tsx'
import { useFreezes } from './use-freezes.ts'

export function StopButton() {
  const mayStop = useMay('dashboard:operate')
  const { data } = useFreezes()
  const [isAsking, setAsking] = useState(false)
  const isStopped = data?.items.some(({ target }) => target === 'everything') === true
  if (!mayStop || isStopped) return null
  return (
    <>
      <Button
        size="sm"
        variant="quiet"
        icon={OctagonPause}
        title="Stop all programs"
        className="text-bad! max-lg:min-h-9"
        onClick={() => setAsking(true)}
      >
        <span className="max-lg:sr-only">Stop all programs</span>
      </Button>
      {isAsking && (
        <FreezeDialog target={{ target: 'everything', name: 'all programs' }} onClose={() => setAsking(false)} />
      )}
    </>
  )
}
