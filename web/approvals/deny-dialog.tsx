/** Denies a held message, with a reason for the requester. */
import { useState } from 'react'
import type { ApprovalDetail } from '../../contract/approvals.ts'
import { visibleText } from '../platform/visible-text.ts'
import { ErrorNote } from '../ui/error-state.tsx'
import { Field, Textarea } from '../ui/field.tsx'
import { FormDialog } from '../ui/form-dialog.tsx'
import { useDeny } from './use-approvals.ts'

export function DenyDialog({ detail, onClose }: { detail: ApprovalDetail; onClose(): void }) {
  const { asks, submission } = detail
  const [reason, setReason] = useState('')
  const deny = useDeny(detail)
  return (
    <FormDialog
      onClose={onClose}
      title="Deny this message?"
      size="sm"
      submitLabel="Deny"
      isDangerous
      isBusy={deny.isPending}
      className="grid gap-3"
      onSubmit={() => deny.mutate(reason.trim(), { onSuccess: onClose })}
    >
      <p className="text-sm wrap-anywhere text-soft">
        “{visibleText(submission.subject) || '(no subject)'}” is not sent. Its draft stays.
      </p>
      <Field label="Reason" isOptional hint={`${asks.name} reads it.`}>
        <Textarea
          value={reason}
          onChange={event => setReason(event.target.value)}
          rows={3}
          maxLength={500}
          data-first-focus
        />
      </Field>
      {deny.error && <ErrorNote error={deny.error} />}
    </FormDialog>
  )
}
