/** The window in which a message is written: beside the page on wide screens, instead of it on phones. */
import { X } from 'lucide-react'
import { type KeyboardEvent, useEffect, useRef, useState } from 'react'
import type { Draft } from '../../contract/draft.ts'
import { ErrorState } from '../ui/error-state.tsx'
import { IconButton } from '../ui/icon-button.tsx'
import { SkeletonRows } from '../ui/skeleton.tsx'
import { useReturnFocus } from '../ui/use-return-focus.ts'
import { type OpenDraft, useCompose } from './compose-context.tsx'
import { ComposeForm } from './compose-form.tsx'
import { ConflictNote } from './conflict-note.tsx'
import { DraftFoot } from './draft-foot.tsx'
import { ProposedNote } from './proposed-note.tsx'
import { SaveState } from './save-state.tsx'
import { useDraft, useDraftSession } from './use-draft-session.ts'
import { useDropFiles } from './use-drop-files.ts'
import { useSend } from './use-send.ts'

const look =
  'fixed inset-0 z-40 flex flex-col bg-surface md:inset-auto md:right-6 md:bottom-0 md:h-[min(46rem,calc(100dvh-4.5rem))] md:w-[min(42rem,calc(100vw-3rem))] md:rounded-t-lg md:border md:shadow-float'

export function ComposeWindow() {
  const { open } = useCompose()
  if (!open) return null
  return <DraftWindow key={open.draftId} open={open} />
}

function DraftWindow({ open }: { open: OpenDraft }) {
  const { close } = useCompose()
  const { data, error, refetch } = useDraft(open.accountId, open.draftId)
  useReturnFocus()
  if (data) return <Writing draft={data} isNew={open.isNew} />
  return (
    <section aria-label="Message" data-at-bottom="buttons" className={look}>
      <header className="flex min-h-12 items-center justify-end border-b px-1.5">
        <IconButton icon={X} label="Close" onClick={close} />
      </header>
      {error ? <ErrorState error={error} onRetry={() => void refetch()} /> : <SkeletonRows count={6} />}
    </section>
  )
}

const titles = { new: 'New message', reply: 'Reply', reply_all: 'Reply to all', forward: 'Forward' } as const

function Writing({ draft: first, isNew }: { draft: Draft; isNew: boolean }) {
  const { close } = useCompose()
  const { session, snapshot } = useDraftSession(first)
  const { draft, uploads } = snapshot
  const [isClosing, setClosing] = useState(false)
  const sending = useSend(session, snapshot)
  const drop = useDropFiles(file => session.attach(file))
  const box = useRef<HTMLElement>(null)
  const isUntouched = isNew && draft.rev === first.rev && draft.attachments.length === 0 && uploads.length === 0
  const leave = async () => {
    setClosing(true)
    const isSaved = await session.flush().catch(() => false)
    setClosing(false)
    if (!isSaved) return
    if (isUntouched && session.getSnapshot().draft.rev === first.rev) await sending.discard().catch(() => undefined)
    close()
  }
  useEffect(() => {
    // A reply starts in its text; a message without recipients starts in the recipients field.
    if (first.to.length > 0) box.current?.querySelector<HTMLElement>('textarea')?.focus()
  }, [first])
  const onKeyDown = (event: KeyboardEvent) => {
    // A dialog opened from here handles its own keys.
    if (event.target instanceof Element && event.target.closest('dialog')) return
    const isSend = event.key === 'Enter' && (event.ctrlKey || event.metaKey)
    if (isSend) {
      event.preventDefault()
      if (sending.canSend) void sending.send()
    } else if (event.key === 'Escape' && !event.nativeEvent.isComposing && !event.defaultPrevented) {
      event.preventDefault()
      void leave()
    }
    // Shortcuts of the page behind are not meant for this window; those with Ctrl or Command are let through.
    if (!event.ctrlKey && !event.metaKey) event.stopPropagation()
  }
  return (
    <section
      ref={box}
      // A click on an empty part keeps the focus, and with it the keys, inside.
      tabIndex={-1}
      aria-label={titles[draft.mode]}
      data-at-bottom="buttons"
      className={`${look} outline-none`}
      onKeyDown={onKeyDown}
      {...drop.handlers}
    >
      <header className="flex min-h-12 shrink-0 items-center gap-3 border-b py-1.5 pr-1.5 pl-4">
        <h2 className="text-base font-semibold">{titles[draft.mode]}</h2>
        <SaveState snapshot={snapshot} onRetry={() => void session.flush().catch(() => undefined)} />
        <span className="ml-auto flex">
          <IconButton icon={X} label="Save and close (Esc)" disabled={isClosing} onClick={() => void leave()} />
        </span>
      </header>
      {snapshot.conflict && (
        <ConflictNote conflict={snapshot.conflict} mine={snapshot.form} onResolve={form => session.resolve(form)} />
      )}
      <ProposedNote draft={draft} />
      <ComposeForm session={session} snapshot={snapshot} isNew={isNew} />
      <DraftFoot session={session} snapshot={snapshot} sending={sending} onGone={close} />
      {drop.isOver && (
        <p className="pointer-events-none absolute inset-2 z-10 grid place-items-center rounded-lg border-2 border-dashed border-accent bg-accent-tint/90 text-lg font-semibold text-accent">
          Drop to attach
        </p>
      )}
    </section>
  )
}
