/** Placeholders for messages that are loading. */
import { Skeleton } from '../ui/skeleton.tsx'

const rows = ['w-32', 'w-24', 'w-40', 'w-28', 'w-36', 'w-24', 'w-32', 'w-40'] as const

export function ListSkeleton() {
  return (
    <div role="status" className="min-h-0 flex-1 overflow-hidden">
      <span className="sr-only">Loading messages</span>
      {rows.map((width, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the placeholders never change
        <div key={index} className="grid gap-2 border-b py-3 pr-3 pl-6">
          <Skeleton className={`h-3.5 ${width}`} />
          <Skeleton className="h-3 w-full" />
        </div>
      ))}
    </div>
  )
}

export function MessageSkeleton() {
  return (
    <div role="status" className="grid gap-3 p-4">
      <span className="sr-only">Loading the message</span>
      <Skeleton className="h-6 w-3/4" />
      <Skeleton className="h-4 w-1/2" />
      <Skeleton className="h-4 w-1/3" />
      <Skeleton className="mt-4 h-40 w-full" />
    </div>
  )
}

/** Placeholder of the text, below a head that is known. */
export function BodySkeleton() {
  return (
    <div role="status" className="grid gap-2.5 p-4">
      <span className="sr-only">Loading the message</span>
      <Skeleton className="h-3.5 w-3/4" />
      <Skeleton className="h-3.5 w-2/3" />
      <Skeleton className="h-3.5 w-1/2" />
    </div>
  )
}
