/** Confirmations to rotate a webhook's secret, or delete the webhook. */
import type { Webhook } from '../../contract/webhooks.ts'
import { ConfirmDialog } from '../ui/dialog.tsx'
import { SigningSecretDialog } from '../ui/shown-once-dialog.tsx'
import { useRotateWebhook, useWebhookAction } from './use-webhooks.ts'

export function RotateDialog({ webhook, onClose }: { webhook: Webhook; onClose(): void }) {
  const { mutate, data, error, isPending } = useRotateWebhook(webhook.id)
  if (data)
    return (
      <SigningSecretDialog
        title="New secret"
        label={`Secret of ${webhook.name}`}
        secret={data.secret}
        onClose={onClose}
      />
    )
  return (
    <ConfirmDialog
      isOpen
      title={`Rotate the secret of ${webhook.name}?`}
      confirmLabel="Rotate"
      isDangerous={false}
      isBusy={isPending}
      error={error}
      onConfirm={() => mutate()}
      onClose={onClose}
    >
      <p>Both secrets sign for 24 hours. Give your program the new one within that time.</p>
    </ConfirmDialog>
  )
}

export function DeleteWebhookDialog({ webhook, onClose }: { webhook: Webhook; onClose(): void }) {
  const { mutate, error, isPending } = useWebhookAction()
  return (
    <ConfirmDialog
      isOpen
      title={`Delete ${webhook.name}?`}
      confirmLabel="Delete"
      isBusy={isPending}
      error={error}
      onConfirm={() => mutate({ deed: 'delete', id: webhook.id }, { onSuccess: onClose })}
      onClose={onClose}
    >
      <p>Nothing more is delivered to it.</p>
    </ConfirmDialog>
  )
}
