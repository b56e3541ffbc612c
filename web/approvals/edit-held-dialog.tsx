/** Edits a held message. The result has a new hash, is shown again, and needs another click to be approved. */

import { useQuery } from '@tanstack/react-query'
import { useId, useState } from 'react'
import type { ApprovalDetail } from '../../contract/approvals.ts'
import { type DraftBody, draftBounds } from '../../contract/draft.ts'
import { draftsApi } from '../../contract/drafts.ts'
import { invalidOf, type Recipient, recipientsOf, toInput } from '../compose/recipients.ts'
import { RecipientsField } from '../compose/recipients-field.tsx'
import { call } from '../platform/api-client.ts'
import { queryKeys } from '../platform/query-keys.ts'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { ErrorNote, ErrorState } from '../ui/error-state.tsx'
import { Field, Input, Textarea } from '../ui/field.tsx'
import { SkeletonRows } from '../ui/skeleton.tsx'
import { useEditHeld } from './use-approvals.ts'

export function EditHeldDialog({ detail, onClose }: { detail: ApprovalDetail; onClose(): void }) {
  const { account_id: accountId, draft_id: draftId } = detail.submission
  const draft = useQuery({
    queryKey: [...queryKeys.drafts(accountId), draftId],
    queryFn: ({ signal }) => call(draftsApi.getDraft, { params: { account_id: accountId, draft_id: draftId }, signal }),
  })
  const id = useId()
  const edit = useEditHeld(detail)
  return (
    <Dialog
      isOpen
      onClose={onClose}
      title="Edit before it is sent"
      size="lg"
      keepsInput
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button variant="primary" type="submit" form={id} isBusy={edit.isPending} disabled={!draft.data}>
            Save and review
          </Button>
        </>
      }
    >
      {!draft.data && draft.error && <ErrorState error={draft.error} onRetry={() => void draft.refetch()} />}
      {!draft.data && !draft.error && <SkeletonRows count={4} />}
      {draft.data && (
        <EditForm
          id={id}
          accountId={accountId}
          initial={draft.data}
          error={edit.error}
          onSubmit={change => edit.mutate(change, { onSuccess: onClose })}
        />
      )}
    </Dialog>
  )
}

type Initial = Parameters<typeof initialOf>[0]
type Change = Parameters<ReturnType<typeof useEditHeld>['mutate']>[0]

function initialOf({
  to,
  cc,
  bcc,
  subject,
  body,
}: {
  to: readonly { email: string; name: string | null }[]
  cc: readonly { email: string; name: string | null }[]
  bcc: readonly { email: string; name: string | null }[]
  subject: string
  body: DraftBody
}) {
  return { to: recipientsOf(to), cc: recipientsOf(cc), bcc: recipientsOf(bcc), subject, content: body.content }
}

function EditForm({
  id,
  accountId,
  initial,
  error,
  onSubmit,
}: {
  id: string
  accountId: string
  initial: Initial
  error: Error | null
  onSubmit(change: Change): void
}) {
  const [form, setForm] = useState(() => initialOf(initial))
  const set = (change: Partial<typeof form>) => setForm(before => ({ ...before, ...change }))
  const people: [label: string, name: 'to' | 'cc' | 'bcc'][] = [
    ['To', 'to'],
    ['Cc', 'cc'],
    ['Bcc', 'bcc'],
  ]
  const wrong = invalidOf([...form.to, ...form.cc, ...form.bcc])
  const inputOf = (list: readonly Recipient[]) => list.map(toInput)
  return (
    <form
      id={id}
      className="grid grid-cols-1 gap-3"
      onSubmit={event => {
        event.preventDefault()
        if (wrong.length > 0) return
        const { to, cc, bcc, subject, content } = form
        onSubmit({
          to: inputOf(to),
          cc: inputOf(cc),
          bcc: inputOf(bcc),
          subject,
          ...(content !== initial.body.content && { body: { format: initial.body.format, content } }),
        })
      }}
    >
      <p className="text-sm text-soft">
        Earlier approvals no longer count. Nothing is sent until the edited message is approved.
      </p>
      {people.map(([label, name]) => (
        <RecipientsField
          key={name}
          label={label}
          accountId={accountId}
          value={form[name]}
          onChange={value => set({ [name]: value })}
        />
      ))}
      <Field label="Subject">
        <Input
          value={form.subject}
          onChange={event => set({ subject: event.target.value })}
          maxLength={draftBounds.subject}
        />
      </Field>
      <Field label="Text">
        <Textarea
          value={form.content}
          onChange={event => set({ content: event.target.value })}
          rows={10}
          maxLength={draftBounds.body}
        />
      </Field>
      {error && <ErrorNote error={error} />}
    </form>
  )
}
