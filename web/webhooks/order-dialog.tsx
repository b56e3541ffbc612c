/** Changes the order in which a webhook's events are delivered. */
import { type ChangeEvent, useState } from 'react'
import type { Webhook } from '../../contract/webhooks.ts'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { ErrorNote } from '../ui/error-state.tsx'
import { Field, Select } from '../ui/field.tsx'
import { useWebhookAction } from './use-webhooks.ts'

export function OrderDialog({ webhook, onClose }: { webhook: Webhook; onClose(): void }) {
  const { mutate, error, isPending } = useWebhookAction()
  const [order, setOrder] = useState<string>(webhook.order)
  const save = () => mutate({ deed: 'order', id: webhook.id, order: orderOf(order) }, { onSuccess: onClose })
  return (
    <Dialog
      isOpen
      onClose={onClose}
      title={`Order of events to ${webhook.name}`}
      size="sm"
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button variant="primary" isBusy={isPending} onClick={save}>
            Save
          </Button>
        </>
      }
    >
      <div className="grid gap-4">
        <OrderField value={order} onChange={event => setOrder(event.target.value)} />
        {webhook.waiting.length > 0 && order === 'endpoint' && (
          <p className="text-sm text-muted">
            Events of some accounts are waiting. Delivery continues from the account that is furthest behind: events of
            the others are sent again, with the same ids.
          </p>
        )}
        {error && <ErrorNote error={error} />}
      </div>
    </Dialog>
  )
}

export function OrderField(props: { value: string; onChange(event: ChangeEvent<HTMLSelectElement>): void }) {
  return (
    <Field label="Order" hint="What waits behind a failed event: all events, or only those of its account.">
      <Select {...props}>
        <option value="endpoint">Across all events</option>
        <option value="account">Per account</option>
      </Select>
    </Field>
  )
}

export function orderOf(order: string): Webhook['order'] {
  return order === 'account' ? order : 'endpoint'
}
