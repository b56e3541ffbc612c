/** A pager of numbered pages. */
import { ChevronLeft, ChevronRight } from 'lucide-react'
import { formatCount, formatNumber } from '../platform/format.ts'
import { IconButton } from '../ui/icon-button.tsx'

export function Pager({
  page,
  perPage,
  total,
  onPage,
}: {
  page: number
  perPage: number
  total: number
  onPage(page: number): void
}) {
  const pages = Math.max(1, Math.ceil(total / perPage))
  return (
    <nav aria-label="Pages of the list" className="flex flex-wrap items-center justify-between gap-2">
      <span>{formatCount(total, 'client')}</span>
      <span className="inline-flex items-center gap-1">
        <IconButton icon={ChevronLeft} label="Previous page" disabled={page <= 1} onClick={() => onPage(page - 1)} />
        <span>
          Page {formatNumber(page)} of {formatNumber(pages)}
        </span>
        <IconButton icon={ChevronRight} label="Next page" disabled={page >= pages} onClick={() => onPage(page + 1)} />
      </span>
    </nav>
  )
}
