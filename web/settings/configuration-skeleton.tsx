/** Placeholder of the configuration while it loads. */
import { Skeleton } from '../ui/skeleton.tsx'

const rows = ['address', 'port', 'tls', 'timeout', 'connections', 'pool'] as const

export function ConfigurationSkeleton() {
  return (
    <div role="status" className="grid gap-6 p-4">
      <span className="sr-only">Loading the configuration</span>
      <div className="grid gap-4 sm:grid-cols-2">
        {rows.map(row => (
          <div key={row} className="grid gap-2">
            <Skeleton className="h-4 w-32" />
            <Skeleton className="h-9" />
          </div>
        ))}
      </div>
    </div>
  )
}
