/** Dialogs to rename and delete a conversation. */
import { useState } from 'react'
import { ConfirmDialog } from '../ui/dialog.tsx'
import { ErrorNote } from '../ui/error-state.tsx'
import { Field, Input } from '../ui/field.tsx'
import { FormDialog } from '../ui/form-dialog.tsx'
import { useDelete, useRename } from './use-conversations.ts'

/** Maximum length of a title, as in the contract. */
const maxTitle = 120

export function RenameConversation({ id, title, onClose }: { id: string; title: string; onClose(): void }) {
  const [text, setText] = useState(title)
  const rename = useRename(id)
  const submit = () => {
    if (text.trim()) rename.mutate(text.trim(), { onSuccess: onClose })
  }
  return (
    <FormDialog
      size="sm"
      title="Rename the conversation"
      onClose={onClose}
      submitLabel="Rename"
      isBusy={rename.isPending}
      isBlocked={!text.trim()}
      onSubmit={submit}
      className="grid gap-3"
    >
      <Field label="Title">
        <Input data-first-focus maxLength={maxTitle} value={text} onChange={event => setText(event.target.value)} />
      </Field>
      {rename.error && <ErrorNote error={rename.error} />}
    </FormDialog>
  )
}

export function DeleteConversation({
  id,
  title,
  onClose,
  onDeleted,
}: {
  id: string
  title: string
  onClose(): void
  onDeleted(): void
}) {
  const remove = useDelete(id)
  const confirm = () =>
    remove.mutate(undefined, {
      onSuccess: () => {
        onClose()
        onDeleted()
      },
    })
  return (
    <ConfirmDialog
      isOpen
      title="Delete the conversation?"
      confirmLabel="Delete"
      isBusy={remove.isPending}
      error={remove.error}
      onConfirm={confirm}
      onClose={onClose}
    >
      <p>
        <bdi className="font-semibold wrap-anywhere">{title}</bdi> is deleted with all its answers, and an answer in
        progress is stopped. Changes to mail stay.
      </p>
    </ConfirmDialog>
  )
}
