/** What the one who asks did in the last hour. */
import type { AskerActivity as Activity } from '../../contract/asker-activity.ts'
import { formatCount } from '../platform/format.ts'

export function AskerActivity({ name, activity }: { name: string; activity: Activity }) {
  const { sent, held, denied, changes, read_strangers: read, calls } = activity
  const did = [
    `sent ${formatCount(sent, 'message')}`,
    `${held} held`,
    `${denied} denied`,
    `changed ${formatCount(changes, 'message')}`,
    `read ${formatCount(read, 'message')} of strangers`,
  ]
  return (
    <section aria-label="Activity" className="grid grid-cols-1 gap-1 border-b px-4 py-2.5 text-sm">
      <h3 className="text-xs text-muted">{name} in the last hour</h3>
      <p className="text-soft">{did.join(', ')}.</p>
      {calls.length > 0 && (
        <ul className="flex flex-wrap gap-x-3 gap-y-1 font-mono text-xs text-muted">
          {calls.map(({ name: call, count }) => (
            <li key={call}>
              {call} × {count}
            </li>
          ))}
        </ul>
      )}
    </section>
  )
}
