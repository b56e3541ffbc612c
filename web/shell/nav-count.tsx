/** Beside the name of a page: how many of what is there wait for a person. */
import { useWaitingCount } from '../approvals/use-waiting.ts'

export function NavCount({ href }: { href: string }) {
  return href === '/approvals' ? <Waiting /> : null
}

function Waiting() {
  const waiting = useWaitingCount()
  if (waiting === 0) return null
  return (
    <span className="rounded-full bg-accent-fill px-1.5 text-2xs font-semibold text-on-fill max-lg:absolute max-lg:top-0.5 max-lg:left-[calc(50%+0.4rem)] lg:ml-auto">
      {waiting > 99 ? '99+' : waiting}
      <span className="sr-only"> waiting</span>
    </span>
  )
}
