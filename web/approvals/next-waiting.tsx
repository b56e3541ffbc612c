/** After a decision, offers the next pending item at thumb's reach, but not under the button just pressed. */
import { ArrowRight } from 'lucide-react'
import { useEffect, useRef } from 'react'
import { ButtonLink } from '../ui/button.tsx'
import { useWaiting } from './use-waiting.ts'
import { idsOf } from './waiting-queue.ts'

/**
 * @param after The item that is open now.
 * @param takesFocus Whether it was decided while open, so that its buttons are gone.
 */
export function NextWaiting({ after, takesFocus }: { after: string; takesFocus: boolean }) {
  const { queue } = useWaiting()
  const place = useRef<HTMLDivElement>(null)
  const next = idsOf(queue ?? []).find(id => id !== after)
  useEffect(() => {
    if (!takesFocus || next === undefined) return
    // A closing dialog restores the focus first.
    const frame = requestAnimationFrame(() => {
      const at = document.activeElement
      const isLost = at === null || at === document.body || at.id === 'content'
      if (isLost) place.current?.querySelector('a')?.focus()
    })
    return () => cancelAnimationFrame(frame)
  }, [takesFocus, next])
  if (next === undefined) return null
  return (
    <div ref={place} className="justify-self-start *:min-h-11">
      <ButtonLink href={`/approvals?open=${encodeURIComponent(next)}`} icon={ArrowRight}>
        Next one waiting
      </ButtonLink>
    </div>
  )
}
