/** Send, send later, attach, discard. */
import { CalendarClock, Paperclip, Send, Trash2 } from 'lucide-react'
import { useRef, useState } from 'react'
import { Button } from '../ui/button.tsx'
import { ConfirmDialog } from '../ui/dialog.tsx'
import { ErrorNote } from '../ui/error-state.tsx'
import { IconButton } from '../ui/icon-button.tsx'
import type { DraftSession, DraftSnapshot } from './draft-session.ts'
import { ScheduleDialog } from './schedule-dialog.tsx'
import type { useSend } from './use-send.ts'

export function DraftFoot({
  session,
  snapshot: { draft, form },
  sending,
  onGone,
}: {
  session: DraftSession
  snapshot: DraftSnapshot
  sending: ReturnType<typeof useSend>
  onGone(): void
}) {
  const picker = useRef<HTMLInputElement>(null)
  const [dialog, setDialog] = useState<'later' | 'discard'>()
  const [discardError, setDiscardError] = useState<Error>()
  const isEmpty = form.content.trim() === '' && draft.attachments.length === 0
  const discard = () =>
    sending
      .discard()
      .then(onGone)
      .catch((error: Error) => {
        setDiscardError(error)
        setDialog('discard')
      })
  return (
    <footer className="grid shrink-0 grid-cols-1 gap-2 border-t px-4 py-2">
      {sending.error && <ErrorNote error={sending.error} />}
      <div className="flex flex-wrap items-center gap-2">
        <Button
          variant="primary"
          icon={Send}
          className="max-md:min-h-11"
          title="Ctrl+Enter"
          isBusy={sending.isSending}
          disabled={!sending.canSend}
          onClick={() => void sending.send()}
        >
          Send
        </Button>
        <IconButton
          icon={CalendarClock}
          label="Send later"
          className="max-md:size-11"
          disabled={!sending.canSend}
          onClick={() => setDialog('later')}
        />
        <IconButton
          icon={Paperclip}
          label="Attach files"
          className="max-md:size-11"
          disabled={draft.state !== 'open'}
          onClick={() => picker.current?.click()}
        />
        <input
          ref={picker}
          type="file"
          multiple
          hidden
          aria-label="Files to attach"
          onChange={event => {
            for (const file of event.target.files ?? []) session.attach(file)
            event.target.value = ''
          }}
        />
        <span role="status" className="min-w-0 flex-1 truncate text-xs text-muted">
          {sending.because}
        </span>
        <IconButton
          icon={Trash2}
          label="Discard the draft"
          className="max-md:size-11"
          disabled={draft.state !== 'open'}
          onClick={() => (isEmpty ? void discard() : setDialog('discard'))}
        />
      </div>
      {dialog === 'later' && (
        <ScheduleDialog
          onChoose={at => {
            setDialog(undefined)
            void sending.send(at)
          }}
          onClose={() => setDialog(undefined)}
        />
      )}
      <ConfirmDialog
        isOpen={dialog === 'discard'}
        title="Discard this draft?"
        confirmLabel="Discard"
        error={discardError ?? null}
        onConfirm={() => void discard()}
        onClose={() => setDialog(undefined)}
      >
        <p className="text-sm">The text and its attachments are deleted.</p>
      </ConfirmDialog>
    </footer>
  )
}
