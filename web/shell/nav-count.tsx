/** The number of items that need attention, beside the name of a page. */
import { useFiring } from '../alerts/use-firing.ts'
import { useWaitingCount } from '../approvals/use-waiting.ts'

export function NavCount({ href }: { href: string }) {
  if (href === '/approvals') return <Waiting />
  return href === '/alerts' ? <Firing /> : null
}

function Waiting() {
  return <Count count={useWaitingCount()} words="waiting" />
}

function Firing() {
  return <Count count={useFiring().length} words="firing" />
}

function Count({ count, words }: { count: number; words: string }) {
  if (count === 0) return null
  return (
    <span className="rounded-full bg-accent-fill px-1.5 text-2xs font-semibold text-on-fill max-lg:absolute max-lg:top-0.5 max-lg:left-[calc(50%+0.4rem)] lg:ml-auto">
      {count > 99 ? '99+' : count}
      <span className="sr-only"> {words}</span>
    </span>
  )
}
