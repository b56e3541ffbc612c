/** A modal dialog (the native element), and a confirmation dialog. */
import { X } from 'lucide-react'
import { type ReactNode, useEffect, useId, useRef, useState } from 'react'
import { Button } from './button.tsx'
import { classNames } from './class-names.ts'
import { ErrorNote } from './error-state.tsx'
import { IconButton } from './icon-button.tsx'
import { useReturnFocus } from './use-return-focus.ts'

/** The element marked `data-first-focus` gets the initial focus, or else the first focusable one. */
interface DialogProps {
  onClose(): void
  title: string
  children: ReactNode
  /** Buttons, the primary one last. */
  footer?: ReactNode
  size?: 'sm' | 'md' | 'lg'
  /** False for content that is shown once: neither Escape nor an accidental click closes it, only a footer button. */
  isDismissable?: boolean
  /** Asks for confirmation before Escape discards input. */
  keepsInput?: boolean
}

export function Dialog({ isOpen, ...props }: DialogProps & { isOpen: boolean }) {
  return isOpen ? <OpenDialog {...props} /> : null
}

function OpenDialog({
  onClose,
  title,
  children,
  footer,
  size = 'md',
  isDismissable = true,
  keepsInput = false,
}: DialogProps) {
  const [isEntered, setEntered] = useState(false)
  const [isAsked, setAsked] = useState(false)
  const isHeld = keepsInput && isEntered
  const ref = useRef<HTMLDialogElement>(null)
  const before = useRef<Element>(null)
  const id = useId()
  useEffect(() => {
    const dialog = ref.current
    dialog?.showModal()
    // `autoFocus` fires too early: elements in a dialog that is not open yet take no focus.
    dialog?.querySelector<HTMLElement>('[data-first-focus]')?.focus()
    return () => dialog?.close()
  }, [])
  useReturnFocus()
  const ask = () => {
    before.current = document.activeElement
    setAsked(true)
  }
  const keep = () => {
    setAsked(false)
    const dialog = ref.current
    // The focus must stay inside, even if that element is gone: outside, the browser closes the dialog on Escape.
    const first = dialog?.querySelector(':is(input, select, textarea):enabled:not([hidden])')
    const target = dialog?.contains(before.current) ? before.current : first
    if (target instanceof HTMLElement) target.focus()
  }
  /** Handles Escape and the back gesture. */
  const leave = () => {
    // A second Escape dismisses the question.
    if (isHeld && isAsked) keep()
    else if (isHeld) ask()
    else if (isDismissable) onClose()
  }
  const width = { sm: 'max-w-md', md: 'max-w-xl', lg: 'max-w-3xl' }[size]
  return (
    <dialog
      ref={ref}
      aria-labelledby={id}
      closedby={isDismissable ? 'closerequest' : 'none'}
      // Events of nested dialogs, and the cancel event of a file chooser, bubble up to here.
      onCancel={event => {
        if (event.target !== ref.current) return
        event.preventDefault()
        leave()
      }}
      // Browsers let a page prevent one cancel event, but not a second.
      onKeyDown={event => {
        if (event.key !== 'Escape' || event.defaultPrevented || event.nativeEvent.isComposing) return
        if (!isOf(ref.current, event.target) || (isDismissable && !isHeld)) return
        event.preventDefault()
        leave()
      }}
      onClose={event => {
        if (event.target !== ref.current || ref.current.open) return
        if (isHeld) ref.current.showModal()
        leave()
      }}
      onInput={event => {
        if (!isOf(ref.current, event.target)) return
        setEntered(true)
        // Typing on dismisses the question.
        setAsked(false)
      }}
      className={classNames(
        'm-auto max-h-[90dvh] w-[calc(100%-2rem)] flex-col overflow-hidden rounded-lg border bg-surface text-ink shadow-float open:flex',
        width,
      )}
    >
      <header className="flex items-center justify-between gap-2 border-b min-h-12 py-1.5 pr-1.5 pl-4">
        {/* The heading takes the initial focus if there is no close button, so that no accidental key press does
           anything. */}
        <h2 id={id} tabIndex={isDismissable ? undefined : -1} className="text-lg font-semibold outline-none">
          {title}
        </h2>
        {isDismissable && <IconButton icon={X} label="Close" onClick={onClose} />}
      </header>
      <div className="overflow-y-auto p-4">{children}</div>
      {footer && (
        <footer className="flex flex-wrap justify-end gap-2 border-t bg-sunken/50 px-4 py-3">
          {isAsked && isHeld ? <DiscardQuestion onKeep={keep} onDiscard={onClose} /> : footer}
        </footer>
      )}
    </dialog>
  )
}

/** Returns whether the target is inside this dialog and not in one nested in it. */
function isOf(dialog: HTMLDialogElement | null, target: EventTarget): boolean {
  return target instanceof Element && target.closest('dialog') === dialog
}

/** Replaces the footer's buttons, so that no input is lost by accident. */
function DiscardQuestion({ onKeep, onDiscard }: { onKeep(): void; onDiscard(): void }) {
  const keep = useRef<HTMLButtonElement>(null)
  useEffect(() => keep.current?.focus(), [])
  return (
    <>
      <p role="alert" className="mr-auto self-center text-sm font-medium">
        Discard what you entered?
      </p>
      <Button ref={keep} onClick={onKeep}>
        Keep editing
      </Button>
      <Button variant="danger" onClick={onDiscard}>
        Discard
      </Button>
    </>
  )
}

/** Asks for confirmation; name the action and its object. */
export function ConfirmDialog({
  isOpen,
  title,
  children,
  confirmLabel,
  isDangerous = true,
  isBusy = false,
  error,
  onConfirm,
  onClose,
}: {
  isOpen: boolean
  title: string
  children: ReactNode
  confirmLabel: string
  isDangerous?: boolean
  isBusy?: boolean
  error?: Error | null
  onConfirm(): void
  onClose(): void
}) {
  return (
    <Dialog
      isOpen={isOpen}
      onClose={onClose}
      title={title}
      size="sm"
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button variant={isDangerous ? 'danger' : 'primary'} isBusy={isBusy} onClick={onConfirm}>
            {confirmLabel}
          </Button>
        </>
      }
    >
      <div className="grid gap-3">
        {children}
        {error && <ErrorNote error={error} />}
      </div>
    </Dialog>
  )
}
