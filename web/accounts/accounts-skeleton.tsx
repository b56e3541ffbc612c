/** Placeholder of the list of accounts. */
import { Skeleton } from '../ui/skeleton.tsx'

export function AccountsSkeleton() {
  return (
    <div role="status">
      <span className="sr-only">Loading accounts</span>
      {['first', 'second'].map(row => (
        <div key={row} className="grid gap-4 border-b p-4 last:border-b-0">
          <div className="flex justify-between gap-4">
            <Skeleton className="h-5 w-40" />
            <Skeleton className="h-5 w-24" />
          </div>
          <div className="grid grid-cols-2 gap-4 lg:grid-cols-4">
            <Skeleton className="h-10" />
            <Skeleton className="h-10" />
            <Skeleton className="h-10" />
            <Skeleton className="h-10" />
          </div>
          <Skeleton className="h-8 w-48" />
        </div>
      ))}
    </div>
  )
}
