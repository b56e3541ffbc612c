/** Renaming a conversation, and deleting it after a question. */
import { type FormEvent, useId, useState } from 'react'
import { Button } from '../ui/button.tsx'
import { ConfirmDialog, Dialog } from '../ui/dialog.tsx'
import { ErrorNote } from '../ui/error-state.tsx'
import { Field, Input } from '../ui/field.tsx'
import { useDelete, useRename } from './use-conversations.ts'

/** As the contract bounds it. */
const maxTitle = 120

export function RenameConversation({ id, title, onClose }: { id: string; title: string; onClose(): void }) {
  const [text, setText] = useState(title)
  const form = useId()
  const rename = useRename(id)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (text.trim()) rename.mutate(text.trim(), { onSuccess: onClose })
  }
  return (
    <Dialog
      isOpen
      size="sm"
      title="Rename the conversation"
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" form={form} variant="primary" isBusy={rename.isPending} disabled={!text.trim()}>
            Rename
          </Button>
        </>
      }
    >
      <form id={form} onSubmit={submit} className="grid gap-3">
        <Field label="Title">
          <Input data-first-focus maxLength={maxTitle} value={text} onChange={event => setText(event.target.value)} />
        </Field>
        {rename.error && <ErrorNote error={rename.error} />}
      </form>
    </Dialog>
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
        <bdi className="font-semibold wrap-anywhere">{title}</bdi> is deleted with all of its answers. What is being
        answered is stopped. What was done to mail stays as it is.
      </p>
    </ConfirmDialog>
  )
}
