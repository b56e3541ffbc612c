/** After a decision, the next one that waits: at the bottom, where the thumb is, and not under the button that decided. */
import { ArrowRight } from 'lucide-react'
import { ButtonLink } from '../ui/button.tsx'
import { useWaitingApprovals } from './use-approvals.ts'

export function NextWaiting({ after }: { after: string }) {
  const next = useWaitingApprovals().data?.items.find(({ id }) => id !== after)
  if (!next) return null
  return (
    <span className="justify-self-start *:min-h-11">
      <ButtonLink href={`/approvals?open=${next.id}`} icon={ArrowRight}>
        Next one that waits
      </ButtonLink>
    </span>
  )
}
