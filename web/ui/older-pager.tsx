/** Pages back through a list with the newest entries first, and returns to its newest end. */
import { ChevronLeft, ChevronsRight } from 'lucide-react'
import { formatCount } from '../platform/format.ts'
import { Button } from './button.tsx'

export function OlderPager({
  label,
  unit: [one, many],
  end,
  isHead,
  shown,
  next,
  isBusy,
  onMove,
}: {
  label: string
  /** The singular and plural of what is counted. */
  unit: readonly [string, string]
  /** Text after the count when there is nothing older. */
  end: string
  isHead: boolean
  shown: number
  next: string | null
  isBusy: boolean
  /** Called with the cursor of a page; empty for the newest. */
  onMove(cursor: string): void
}) {
  const move = (cursor: string) => {
    onMove(cursor)
    scrollTo({ top: 0 })
  }
  return (
    <nav aria-label={label} className="flex flex-wrap items-center justify-between gap-2">
      <span>
        {formatCount(shown, one, many)}
        {isHead ? ', the newest' : `, older ${many}`}
        {next === null && shown > 0 && `; ${end}`}
      </span>
      <span className="flex gap-2">
        {!isHead && (
          <Button size="sm" icon={ChevronsRight} onClick={() => move('')}>
            Newest
          </Button>
        )}
        <Button
          size="sm"
          icon={ChevronLeft}
          disabled={next === null}
          isBusy={isBusy}
          onClick={() => next !== null && move(next)}
        >
          Older
        </Button>
      </span>
    </nav>
  )
}
