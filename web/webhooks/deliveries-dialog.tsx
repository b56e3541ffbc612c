/** The latest deliveries of a webhook, with requests and responses. */
import type { Webhook, WebhookDelivery } from '../../contract/webhooks.ts'
import { StatePill } from '../ui/badge.tsx'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { Panel } from '../ui/panel.tsx'
import { RelativeTime } from '../ui/relative-time.tsx'
import { faultWords } from './fault-words.ts'
import { useDeliveries, webhooksIntervalMs } from './use-webhooks.ts'

export function DeliveriesDialog({ webhook, onClose }: { webhook: Webhook; onClose(): void }) {
  const deliveries = useDeliveries(webhook.id)
  return (
    <Dialog
      isOpen
      onClose={onClose}
      title={`Deliveries to ${webhook.name}`}
      size="lg"
      footer={<Button onClick={onClose}>Close</Button>}
    >
      <Panel
        query={deliveries}
        intervalMs={webhooksIntervalMs}
        isEmpty={({ items }) => items.length === 0}
        empty={<p className="p-4 text-sm text-muted">Nothing was sent since the server started.</p>}
      >
        {({ items }) => (
          <ul className="divide-y">
            {items.map(delivery => (
              <Delivery key={`${delivery.id} ${delivery.at}`} delivery={delivery} />
            ))}
          </ul>
        )}
      </Panel>
    </Dialog>
  )
}

function Delivery({ delivery }: { delivery: WebhookDelivery }) {
  const { id, type, at, outcome, fault, response, request, duration_ms: ms } = delivery
  const headers = Object.entries(request.headers).map(([name, value]) => `${name}: ${value}\n`)
  return (
    <li className="p-3 text-sm">
      <details>
        <summary className="flex cursor-pointer flex-wrap items-center gap-2">
          <StatePill tone={outcome === 'delivered' ? 'good' : 'bad'}>
            {response?.status ?? (fault === null ? outcome : faultWords(fault))}
          </StatePill>
          <span className="font-medium">{type}</span>
          <span className="text-xs text-muted">
            <RelativeTime at={at} />, {ms} ms
          </span>
        </summary>
        <pre className="mt-2 rounded-md bg-sunken p-3 font-mono text-xs break-all whitespace-pre-wrap">
          {headers}
          {'\n'}
          {request.body}
        </pre>
        {response && (
          <pre className="mt-2 rounded-md bg-sunken p-3 font-mono text-xs break-all whitespace-pre-wrap">
            {`${response.status}\n\n${response.body ?? 'Responses of private addresses are shown only to administrators.'}`}
          </pre>
        )}
        <p className="mt-1 font-mono text-xs text-muted">{id}</p>
      </details>
    </li>
  )
}
