/** Placeholder of a form while it is unknown which one to show. */
import { Skeleton } from '../ui/skeleton.tsx'

export function FormSkeleton() {
  return (
    <div role="status" className="grid gap-4">
      <span className="sr-only">Loading</span>
      <Skeleton className="h-14 w-full" />
      <Skeleton className="h-14 w-full" />
      <Skeleton className="h-9 w-full" />
    </div>
  )
}
