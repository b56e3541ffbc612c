/** What the one who asks did in the last hour; its calls by name behind a press, so that on a phone what it asks for is in sight. */
import type { AskerActivity as Activity } from '../../contract/asker-activity.ts'
import { formatCount } from '../platform/format.ts'

export function AskerActivity({ name, activity }: { name: string; activity: Activity }) {
  const { sent, held, denied, changes, read_strangers: read, calls } = activity
  const did = [
    `sent ${formatCount(sent, 'message')}`,
    `${held} held`,
    `${denied} denied`,
    `asked to change ${formatCount(changes, 'message')}`,
    `read ${formatCount(read, 'message')} of strangers`,
  ]
  return (
    <section aria-label="Activity" className="grid grid-cols-1 gap-1 border-b px-4 py-2.5 text-sm">
      <h3 className="text-xs text-muted">{name} in the last hour</h3>
      <p className="text-soft">{did.join(', ')}.</p>
      {calls.length > 0 && (
        <details className="text-xs text-muted">
          <summary className="flex min-h-11 cursor-pointer items-center md:min-h-8">
            {formatCount(
              calls.reduce((sum, { count }) => sum + count, 0),
              'call',
            )}
          </summary>
          <ul className="flex flex-wrap gap-x-3 gap-y-1 font-mono">
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
