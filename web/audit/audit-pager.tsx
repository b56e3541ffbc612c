/** Steps back in the trail, and to its newest end again. */
import { ChevronLeft, ChevronsRight } from 'lucide-react'
import { formatCount } from '../platform/format.ts'
import { Button } from '../ui/button.tsx'

export function AuditPager({
  isHead,
  shown,
  next,
  isBusy,
  onMove,
}: {
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
    <nav aria-label="Pages of the trail" className="flex flex-wrap items-center justify-between gap-2">
      <span>
        {formatCount(shown, 'entry', 'entries')}
        {isHead ? ', the newest' : ', older entries'}
        {next === null && shown > 0 && '; the trail starts here'}
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
