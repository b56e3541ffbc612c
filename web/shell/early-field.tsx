/** A stand-in for a palette or assistant whose code is loading: it takes the input meanwhile, and Escape closes it. */
import { type KeyboardEvent, useLayoutEffect, useRef } from 'react'

/** Input handed over to the real component; written while that loads, and read once it has. */
export interface Early {
  typed: string
  /** Whether Enter was pressed. */
  isEntered: boolean
  /** The element that had the focus before. */
  opener: Element | null
}

export function newEarly(): Early {
  return { typed: '', isEntered: false, opener: document.activeElement }
}

/** The stand-in for the palette. */
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
        // A dialog focuses the element with this attribute when it opens; React does not write it.
        ref={input => input?.setAttribute('autofocus', '')}
        aria-label="Page, account, folder or action"
        placeholder="Loading"
        maxLength={100}
        defaultValue={early.typed}
        onInput={({ currentTarget: { value } }) => {
          early.typed = value
          early.isEntered = false
        }}
        onKeyDown={event => noteEnter(event, early)}
        className="min-h-12 w-full bg-transparent pr-4 pl-11 text-base outline-none"
      />
    </dialog>
  )
}

/** The stand-in for the assistant. */
export function EarlyAssistant({ early, place, onClose }: { early: Early; place: string; onClose(): void }) {
  const field = useRef<HTMLTextAreaElement>(null)
  useLayoutEffect(() => field.current?.focus(), [])
  const noteKey = (event: KeyboardEvent) => {
    noteEnter(event, early)
    if (event.key !== 'Escape') return
    event.preventDefault()
    onClose()
    if (early.opener instanceof HTMLElement) early.opener.focus()
  }
  return (
    <aside aria-label="Assistant" className={`${place} justify-end`}>
      <textarea
        ref={field}
        aria-label="Your question"
        placeholder="Loading"
        rows={2}
        defaultValue={early.typed}
        onInput={({ currentTarget: { value } }) => {
          early.typed = value
          early.isEntered = false
        }}
        onKeyDown={noteKey}
        className="m-3 rounded-md border border-line-strong bg-surface px-2.5 py-2 text-base"
      />
    </aside>
  )
}

function noteEnter(event: KeyboardEvent, early: Early): void {
  if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return
  event.preventDefault()
  early.isEntered = true
}

const over = 'fixed inset-y-0 right-0 z-40 flex w-full max-w-md flex-col border-l bg-surface shadow-float'

/**
 * Class names of the panel: over the page where there is no room beside it. Pages that fill the window need more width.
 */
export function assistantPlace(isWhole: boolean): string {
  const beside = 'xl:sticky xl:top-0 xl:h-dvh xl:shrink-0 xl:shadow-none'
  return `${over} ${beside} ${isWhole ? 'xl:w-88 wide:w-104' : 'xl:w-104'}`
}
