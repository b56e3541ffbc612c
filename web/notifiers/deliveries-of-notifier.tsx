/** The latest deliveries of a notifier, with their responses. */
import type { Notifier, NotifierDelivery } from '../../contract/notifiers.ts'
import { StatePill } from '../ui/badge.tsx'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { Panel } from '../ui/panel.tsx'
import { RelativeTime } from '../ui/relative-time.tsx'
import { notifiersIntervalMs, useNotifierDeliveries } from './use-notifiers.ts'

const words = { delivered: 'delivered', retried: 'retried', abandoned: 'given up' } as const
const tones = { delivered: 'good', retried: 'warn', abandoned: 'bad' } as const

export function DeliveriesOfNotifier({ notifier, onClose }: { notifier: Notifier; onClose(): void }) {
  const deliveries = useNotifierDeliveries(notifier.id)
  return (
    <Dialog
      isOpen
      onClose={onClose}
      title={`Deliveries by ${notifier.name}`}
      size="lg"
      footer={<Button onClick={onClose}>Close</Button>}
    >
      <Panel
        query={deliveries}
        intervalMs={notifiersIntervalMs}
        isEmpty={({ items }) => items.length === 0}
        empty={<p className="p-4 text-sm text-muted">Nothing was sent yet.</p>}
      >
        {({ items }) => (
          <ul className="divide-y">
            {items.map(delivery => (
              <li key={`${delivery.id} ${delivery.attempt} ${delivery.at}`} className="p-3">
                <NotifierAttempt delivery={delivery} />
              </li>
            ))}
          </ul>
        )}
      </Panel>
    </Dialog>
  )
}

export function NotifierAttempt({ delivery }: { delivery: NotifierDelivery }) {
  const { title, at, outcome, reason, attempt, said, duration_ms: ms } = delivery
  const isFailedTest = reason === 'test' && outcome === 'abandoned'
  return (
    <div className="grid gap-1 text-sm">
      <p className="flex flex-wrap items-center gap-x-2 gap-y-1">
        <StatePill tone={tones[outcome]}>{isFailedTest ? 'failed' : words[outcome]}</StatePill>
        <span className="font-medium">{title}</span>
        <span className="text-xs text-muted">
          <RelativeTime at={at} />, {ms} ms{attempt > 1 && `, attempt ${attempt}`}
        </span>
      </p>
      <pre className="rounded-md bg-sunken p-2 font-mono text-xs break-words whitespace-pre-wrap">{said}</pre>
    </div>
  )
}
