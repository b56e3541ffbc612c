/** Stands in for what a key opened until its code is loaded: it takes what is typed meanwhile, and Escape closes it. */
import { type KeyboardEvent, useLayoutEffect, useRef } from 'react'

/** What the real one begins with. Written to while it is awaited, and read when it is there. */
export interface Early {
  typed: string
  /** What had the focus when it was opened. */
  opener: Element | null
}

export function newEarly(): Early {
  return { typed: '', opener: document.activeElement }
}

/** In the place of the palette. */
export function EarlyPalette({ early, onClose }: { early: Early; onClose(): void }) {
  const dialog = useRef<HTMLDialogElement>(null)
  useLayoutEffect(() => {
    const element = dialog.current
    element?.showModal()
    return () => element?.close()
  }, [])
  return (
    <dialog
      ref={dialog}
      aria-label="Go anywhere"
      onCancel={event => {
        event.preventDefault()
        onClose()
      }}
      className="mx-auto mt-[12dvh] w-[calc(100%-2rem)] max-w-xl rounded-lg border bg-surface text-ink shadow-float"
    >
      <input
        // A dialog that opens gives the focus to what has this attribute, which React does not write.
        ref={input => input?.setAttribute('autofocus', '')}
        aria-label="Page, account, folder or action"
        placeholder="Loading"
        maxLength={100}
        defaultValue={early.typed}
        onInput={({ currentTarget: { value } }) => {
          early.typed = value
        }}
        className="min-h-12 w-full bg-transparent pr-4 pl-11 text-base outline-none"
      />
    </dialog>
  )
}

/** In the place of the assistant beside the page. */
export function EarlyAssistant({ early, onClose }: { early: Early; onClose(): void }) {
  const field = useRef<HTMLTextAreaElement>(null)
  useLayoutEffect(() => field.current?.focus(), [])
  const noteKey = (event: KeyboardEvent) => {
    if (event.key !== 'Escape') return
    event.preventDefault()
    onClose()
    if (early.opener instanceof HTMLElement) early.opener.focus()
  }
  return (
    <aside aria-label="Assistant" className={`${assistantPlace} justify-end`}>
      <textarea
        ref={field}
        aria-label="Your question"
        placeholder="Loading"
        rows={2}
        defaultValue={early.typed}
        onInput={({ currentTarget: { value } }) => {
          early.typed = value
        }}
        onKeyDown={noteKey}
        className="m-3 rounded-md border border-line-strong bg-surface px-2.5 py-2 text-base"
      />
    </aside>
  )
}

/** Beside the page where there is room, over it where there is none. */
export const assistantPlace =
  'flex flex-col border-l bg-surface max-xl:fixed max-xl:inset-y-0 max-xl:right-0 max-xl:z-40 max-xl:w-full max-xl:max-w-md max-xl:shadow-float xl:sticky xl:top-0 xl:h-dvh xl:w-104 xl:shrink-0'
