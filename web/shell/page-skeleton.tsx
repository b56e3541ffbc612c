/** Shown while a page loads, or waits for a server that is down. */
import { useIsServerAwaited } from '../platform/lazy-page.ts'
import { Skeleton } from '../ui/skeleton.tsx'

export function PageSkeleton() {
  const isAwaited = useIsServerAwaited()
  return (
    <div role="status" className="grid gap-4">
      {isAwaited ? (
        <p className="text-soft">Waiting for the server. This page opens automatically when it responds.</p>
      ) : (
        <span className="sr-only">Loading</span>
      )}
      <Skeleton className="h-7 w-40" />
      <Skeleton className="h-32 w-full" />
      <Skeleton className="h-64 w-full" />
    </div>
  )
}
