/** The stop for all programs, one press and one confirmation away from every page. */
import { OctagonPause } from 'lucide-react'
import { useState } from 'react'
import { useMay } from '../platform/session.ts'
import { IconButton } from '../ui/icon-button.tsx'
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
      <IconButton icon={OctagonPause} label="Stop all programs" className="text-bad" onClick={() => setAsking(true)} />
      {isAsking && (
        <FreezeDialog target={{ target: 'everything', name: 'all programs' }} onClose={() => setAsking(false)} />
      )}
    </>
  )
}
