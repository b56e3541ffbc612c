/** Chooses since when a webhook's events are replayed. */
import { useState } from 'react'
import type { Webhook } from '../../contract/webhooks.ts'
import { useLiveStatus } from '../platform/live.tsx'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { ErrorNote } from '../ui/error-state.tsx'
import { Field, Select, WordOptions } from '../ui/field.tsx'
import { useWebhookAction } from './use-webhooks.ts'

const spans = { '1': 'the last hour', '24': 'the last 24 hours', '168': 'the last 7 days' }

export function ReplayDialog({ webhook, onClose }: { webhook: Webhook; onClose(): void }) {
  const { mutate, error, isPending } = useWebhookAction()
  const { clockOffsetMs } = useLiveStatus()
  const [hours, setHours] = useState('1')
  const replay = () => {
    const from = new Date(Date.now() + clockOffsetMs - Number(hours) * 3_600_000).toISOString()
    mutate({ deed: 'replay', id: webhook.id, from }, { onSuccess: onClose })
  }
  return (
    <Dialog
      isOpen
      onClose={onClose}
      title={`Replay events to ${webhook.name}`}
      size="sm"
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button variant="primary" isBusy={isPending} onClick={replay}>
            Replay
          </Button>
        </>
      }
    >
      <div className="grid gap-4">
        <Field label="Events of" hint="They keep their ids, so your program can skip those it already has.">
          <Select value={hours} onChange={event => setHours(event.target.value)}>
            <WordOptions words={spans} />
          </Select>
        </Field>
        {error && <ErrorNote error={error} />}
      </div>
    </Dialog>
  )
}
