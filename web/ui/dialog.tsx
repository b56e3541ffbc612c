/** A modal dialog (the browser's own), and one that asks before something is done. */
import { X } from 'lucide-react'
import { type ReactNode, useEffect, useId, useRef, useState } from 'react'
import { Button } from './button.tsx'
import { classNames } from './class-names.ts'
import { ErrorNote } from './error-state.tsx'
import { IconButton } from './icon-button.tsx'
import { useReturnFocus } from './use-return-focus.ts'

/** The focus goes to what is marked `data-first-focus`, or else to what comes first. */
interface DialogProps {
  onClose(): void
  title: string
  children: ReactNode
  /** Buttons, the main one last. */
  footer?: ReactNode
  size?: 'sm' | 'md' | 'lg'
  /** False for what is shown this once: neither Escape nor a slip of the hand closes it, only a button of the footer. */
  isDismissable?: boolean
  /** Escape asks before it discards what was entered. */
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
    // `autoFocus` comes too early: what is in a dialog that is not shown takes no focus.
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
    // Somewhere inside, even when that is gone: an Escape outside is the browser's, and closes.
    const first = dialog?.querySelector(':is(input, select, textarea):enabled:not([hidden])')
    const target = dialog?.contains(before.current) ? before.current : first
    if (target instanceof HTMLElement) target.focus()
  }
  /** By Escape, or by the gesture that leads back. */
  const leave = () => {
    // A second one takes the question back.
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
      // Events of a dialog inside of this one come here too, and so does the cancel of a file chooser.
      onCancel={event => {
        if (event.target !== ref.current) return
        event.preventDefault()
        leave()
      }}
      // Browsers let one cancel be refused, but not a second.
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
        // To type on takes the question back.
        setAsked(false)
      }}
      className={classNames(
        'm-auto max-h-[90dvh] w-[calc(100%-2rem)] flex-col overflow-hidden rounded-lg border bg-surface text-ink shadow-float open:flex',
        width,
      )}
    >
      <header className="flex items-center justify-between gap-2 border-b min-h-12 py-1.5 pr-1.5 pl-4">
        {/* The focus goes to what comes first: here, where there is no button to close it, nothing happens by a slip of the hand. */}
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

/** Whether something is in this dialog, and not in another one that it opened. */
function isOf(dialog: HTMLDialogElement | null, target: EventTarget): boolean {
  return target instanceof Element && target.closest('dialog') === dialog
}

/** In place of the buttons: nobody should lose a form to a slip of the hand. */
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

/** Names what will be done, and to what. */
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
