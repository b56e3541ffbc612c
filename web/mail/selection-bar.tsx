/** How many rows of a list are selected. */
import { X } from 'lucide-react'
import { formatNumber } from '../platform/format.ts'
import { Button } from '../ui/button.tsx'

export function SelectionBar({ count, onClear }: { count: number; onClear(): void }) {
  return (
    <div
      role="status"
      className={count > 0 ? 'flex shrink-0 items-center justify-between border-b bg-accent-tint px-3 py-1' : undefined}
    >
      {count > 0 && (
        <>
          <span className="text-sm font-medium">{formatNumber(count)} selected</span>
          <Button variant="quiet" size="sm" icon={X} onClick={onClear}>
            Clear
          </Button>
        </>
      )}
    </div>
  )
}
