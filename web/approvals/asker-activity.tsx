/** The requester's activity in the last hour, in one line; its calls by name expand. */
import { ChevronRight } from 'lucide-react'
import type { AskerActivity as Activity } from '../../contract/asker-activity.ts'
import { formatCount } from '../platform/format.ts'
import { activityWords } from './approval-words.ts'

export function AskerActivity({ name, activity }: { name: string; activity: Activity }) {
  const { calls } = activity
  const count = calls.reduce((sum, each) => sum + each.count, 0)
  const did = (
    <span className="min-w-0 wrap-anywhere">
      <span className="text-muted">
        <bdi>{name}</bdi> in the last hour:
      </span>{' '}
      {activityWords(activity)}
      {count > 0 && <span className="text-muted"> ({formatCount(count, 'call')})</span>}
    </span>
  )
  return (
    <section aria-label="Activity" className="border-b px-4 py-1 text-sm text-soft">
      {calls.length === 0 ? (
        <p className="py-1">{did}</p>
      ) : (
        <details className="group">
          <summary className="flex min-h-11 cursor-pointer list-none items-center gap-1.5 md:min-h-8 [&::-webkit-details-marker]:hidden">
            {did}
            <ChevronRight className="size-3.5 shrink-0 text-muted group-open:rotate-90" aria-hidden="true" />
          </summary>
          <ul className="flex flex-wrap gap-x-3 gap-y-1 pb-1.5 font-mono text-xs text-muted">
            {calls.map(({ name: call, count }) => (
              <li key={call} className="wrap-anywhere">
                {call} × {count}
              </li>
            ))}
          </ul>
        </details>
      )}
    </section>
  )
}
