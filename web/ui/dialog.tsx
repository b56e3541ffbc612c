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
    if (before.current instanceof HTMLElement) before.current.focus()
  }
  const width = { sm: 'max-w-md', md: 'max-w-xl', lg: 'max-w-3xl' }[size]
  return (
    <dialog
      ref={ref}
      aria-labelledby={id}
      closedby={isDismissable ? 'closerequest' : 'none'}
      onCancel={event => {
        event.preventDefault()
        if (isHeld) ask()
        else if (isDismissable) onClose()
      }}
      // Browsers let one cancel be refused, but not a second.
      onKeyDown={event => {
        if (event.key !== 'Escape' || event.defaultPrevented || (isDismissable && !isHeld)) return
        event.preventDefault()
        // A second Escape takes the question back.
        if (isAsked) keep()
        else if (isHeld) ask()
      }}
      onInput={() => setEntered(true)}
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
