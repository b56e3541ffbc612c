/** Undoes everything that a caller did in one session: previews it, then undoes it, newest first. */
import { useState } from 'react'
import { UndoDialog } from './undo-dialog.tsx'

export function UndoSessionDialog({
  principal,
  session,
  onClose,
}: {
  principal: string
  session: string
  onClose(): void
}) {
  const [before, setBefore] = useState<string>()
  return (
    <UndoDialog
      key={before ?? ''}
      title={`Undo the session ${session}`}
      target={{ principal, session, before }}
      onOlder={setBefore}
      onClose={onClose}
    />
  )
}
