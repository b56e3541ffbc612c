/** Steps back in a list that has its newest entries first, and to its newest end again. */
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
  /** What is counted: one, and several. */
  unit: readonly [string, string]
  /** What stands behind the count where there is nothing older. */
  end: string
  isHead: boolean
  shown: number
  next: string | null
  isBusy: boolean
  /** To where a page begins; empty for the newest. */
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
