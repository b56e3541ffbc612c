/** Grey placeholders with the size of what is being loaded. */
import { classNames } from './class-names.ts'

/**
 * A placeholder.
 * @param className Sets the size: `h-4 w-32`.
 */
export function Skeleton({ className }: { className: string }) {
  return <span aria-hidden="true" className={classNames('block animate-pulse rounded-sm bg-sunken', className)} />
}

export function SkeletonRows({ count }: { count: number }) {
  const rows = Array.from({ length: count }, (_, index) => index)
  return (
    <div role="status" className="grid">
      <span className="sr-only">Loading</span>
      {rows.map(row => (
        <div key={row} className="flex items-center gap-4 border-b px-4 py-3 last:border-b-0">
          <Skeleton className="size-4" />
          <Skeleton className="h-4 flex-1" />
          <Skeleton className="h-4 w-16" />
        </div>
      ))}
    </div>
  )
}
